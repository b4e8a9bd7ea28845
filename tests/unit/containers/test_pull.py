"""Images pulled from a registry on loopback: platforms, logins, broken downloads, damages, several processes."""

from __future__ import annotations

import base64
import json
import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambdapack.artifact import ImageTree, open_tree
from lambdapack.containers import parse_reference, pull_image
from lambdapack.errors import MissingRequirement
from tests.recipes.archive import Member
from tests.recipes.image import Image, as_json, oci_files, sha256, tar
from tests.unit.containers.serving import IDENTITY, PASSWORD, USER, Served, serving

REPOSITORY = Path(__file__).parents[3]
CONTENT = random.Random(3).randbytes(3_000_000)
LAYERS = (tar([Member("var/task/handler.py", b"x = 1\n")]), tar([Member("var/task/data.bin", CONTENT)]))
IMAGE = Image(LAYERS, command=("handler.lambda_handler",), compressed=True)


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration of Docker's, and a cache of its own."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    return folder / "config.json"


def pull(served: Served, architecture: str | None = None, wanted: str | None = None) -> Path:
    name = f"{served.host}/team/app" + (wanted or f":{served.tag}")
    return pull_image(parse_reference(name), architecture, lambda _: None)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def parts_left(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


class TestWhole:
    def test_is_an_oci_layout_with_the_same_blobs(self, tmp_path: Path) -> None:
        files = oci_files(IMAGE)
        with serving(Served(files)) as served:
            layout = files_in(pull(served))
        assert {name: content for name, content in layout.items() if name.startswith("blobs/")} == {
            name: content for name, content in files.items() if name.startswith("blobs/")
        }
        assert json.loads(layout["index.json"])["manifests"][0]["digest"] == Served(files).top
        assert parts_left(tmp_path) == []

    def test_is_opened_by_its_name(self) -> None:
        with serving(Served(oci_files(IMAGE))) as served:
            name = f"docker://{served.host}/team/app:1"
            with open_tree(name) as tree:
                assert isinstance(tree, ImageTree)
                assert tree.origin == name
                assert tree.read_bytes(tree.by_path["var/task/data.bin"]) == CONTENT
                assert tree.config.command == ("handler.lambda_handler",)

    def test_a_second_pull_fetches_no_blob(self) -> None:
        with serving(Served(oci_files(IMAGE))) as served:
            first = pull(served)
            served.requests.clear()
            assert pull(served) == first
            assert served.blobs_asked_for() == []

    def test_a_damaged_blob_in_the_store_is_fetched_anew(self, tmp_path: Path) -> None:
        files = oci_files(IMAGE)
        with serving(Served(files)) as served:
            pull(served)
            store = tmp_path / "cache" / "images" / "blobs" / "sha256"
            layer = max(store.iterdir(), key=lambda path: path.stat().st_size)
            layer.chmod(0o644)
            layer.write_bytes(b"damaged")
            served.requests.clear()
            layout = pull(served)
            assert served.blobs_asked_for() == [f"sha256:{layer.name}"]
        assert files_in(layout)[f"blobs/sha256/{layer.name}"] == files[f"blobs/sha256/{layer.name}"]

    def test_by_digest(self) -> None:
        with serving(Served(oci_files(IMAGE))) as served:
            assert files_in(pull(served, wanted=f"@{served.top}")).keys() == files_in(pull(served)).keys()


class TestPlatforms:
    def served(self) -> Served:
        """An index for two platforms with an attestation."""
        amd64 = oci_files(Image(LAYERS, command=("a.b",), index=True, attestations=1))
        arm64 = oci_files(Image(LAYERS[:1], command=("c.d",), architecture="arm64", index=True))
        index = json.loads(amd64[blob(amd64)])
        index["manifests"] = [*json.loads(arm64[blob(arm64)])["manifests"], *index["manifests"]]
        top = as_json(index)
        entry = {"digest": f"sha256:{sha256(top)}", "size": len(top), "mediaType": index["mediaType"]}
        return Served(
            {**amd64, **arm64, f"blobs/sha256/{sha256(top)}": top, "index.json": as_json({"manifests": [entry]})}
        )

    @pytest.mark.parametrize(
        ("architecture", "command", "layers"), [(None, "a.b", 2), ("x86_64", "a.b", 2), ("arm64", "c.d", 1)]
    )
    def test_the_wanted_one_is_taken(self, architecture: str | None, command: str, layers: int) -> None:
        with serving(self.served()) as served:
            with open_tree(f"docker://{served.host}/team/app:1", architecture=architecture) as tree:
                assert isinstance(tree, ImageTree)
                assert tree.config.command == (command,)
                # That there was an index, and for what, is still to be seen.
                assert tree.config.platforms == ("linux/amd64", "linux/arm64")
            assert len(served.blobs_asked_for()) == 1 + layers

    def test_one_that_is_not_there(self) -> None:
        with (
            serving(Served(oci_files(Image(LAYERS, index=True)))) as served,
            pytest.raises(MissingRequirement, match=r"no image for linux/arm64; it has linux/amd64"),
        ):
            pull(served, "arm64")


def blob(files: dict[str, bytes]) -> str:
    digest: str = json.loads(files["index.json"])["manifests"][0]["digest"]
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


class TestLogin:
    @pytest.mark.parametrize("login", ["basic", "bearer"])
    def test_with_what_docker_login_wrote(self, docker_config: Path, login: str) -> None:
        with serving(Served(oci_files(IMAGE), login=login)) as served:
            secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            docker_config.write_text(json.dumps({"auths": {served.host: {"auth": secret}}}))
            assert (pull(served) / "index.json").is_file()

    def test_with_an_identity_token(self, docker_config: Path) -> None:
        with serving(Served(oci_files(IMAGE), login="bearer")) as served:
            secret = base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode()
            docker_config.write_text(json.dumps({"auths": {served.host: {"auth": secret, "identitytoken": IDENTITY}}}))
            assert (pull(served) / "index.json").is_file()

    @pytest.mark.skipif(os.name == "nt", reason="the helper is a shell script")
    def test_with_a_credential_helper(
        self, docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        helper = tmp_path / "bin" / "docker-credential-tests"
        helper.parent.mkdir()
        answer = json.dumps({"Username": USER, "Secret": PASSWORD})
        helper.write_text(f"#!/bin/sh\nread server\necho '{answer}'\n")
        helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
        with serving(Served(oci_files(IMAGE), login="basic")) as served:
            docker_config.write_text(json.dumps({"credHelpers": {served.host: "tests"}}))
            assert (pull(served) / "index.json").is_file()

    def test_a_helper_that_is_not_installed(self, docker_config: Path) -> None:
        with serving(Served(oci_files(IMAGE), login="basic")) as served:
            docker_config.write_text(json.dumps({"credHelpers": {served.host: "not-there"}}))
            with pytest.raises(MissingRequirement, match="not-there"):
                pull(served)

    def test_anonymously_where_the_registry_lets_in(self) -> None:
        with serving(Served(oci_files(IMAGE), login="bearer", anonymous=True)) as served:
            assert (pull(served) / "index.json").is_file()

    @pytest.mark.parametrize("login", ["basic", "bearer"])
    def test_without_credentials(self, login: str) -> None:
        with serving(Served(oci_files(IMAGE), login=login)) as served, pytest.raises(MissingRequirement) as raised:
            pull(served)
        assert raised.value.hint == f"docker login {served.host}"

    def test_a_token_that_ends_on_the_way(self, docker_config: Path) -> None:
        with serving(Served(oci_files(IMAGE), login="bearer", anonymous=True, token_uses=2)) as served:
            assert (pull(served) / "index.json").is_file()
            assert len(served.tokens) > 2

    def test_is_not_sent_on_to_another_host(self, docker_config: Path) -> None:
        with serving(Served(oci_files(IMAGE), login="basic", redirect=True)) as served:
            secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            docker_config.write_text(json.dumps({"auths": {served.host: {"auth": secret}}}))
            pull(served)
            sent_on = [headers for _, path, headers in served.requests if path.startswith("/elsewhere/")]
            assert len(sent_on) == 3
            assert not any("authorization" in headers for headers in sent_on)


class TestFaults:
    def test_a_download_that_breaks_off_goes_on(self) -> None:
        with serving(Served(oci_files(IMAGE), broken=4)) as served:
            layout = pull(served)
            resumed = [headers["range"] for _, _, headers in served.requests if "range" in headers]
        assert len(resumed) == 4
        assert files_in(layout).keys() >= {f"blobs/sha256/{sha256(IMAGE.config)}"}

    def test_it_begins_anew_where_the_registry_cannot_go_on(self) -> None:
        with serving(Served(oci_files(IMAGE), broken=2, ranges=False)) as served:
            assert (pull(served) / "index.json").is_file()

    def test_it_ends_when_it_breaks_off_again_and_again(self) -> None:
        served = Served(oci_files(IMAGE), broken=1000, ranges=False)
        with serving(served), pytest.raises(MissingRequirement, match="broke off"):
            pull(served)

    def test_another_content_is_not_kept(self, tmp_path: Path) -> None:
        files = oci_files(IMAGE)
        layer = max((name for name in files if name.startswith("blobs/")), key=lambda name: len(files[name]))
        wrong = bytearray(files[layer])
        wrong[1000] ^= 1
        with (
            serving(Served({**files, layer: bytes(wrong)})) as served,
            pytest.raises(MissingRequirement, match="sha256"),
        ):
            pull(served)
        assert not (tmp_path / "cache" / "images" / layer).exists()
        # Others that were still on their way are kept for the next time.
        assert [part for part in parts_left(tmp_path) if layer.rpartition("/")[2] in part.name] == []

    def test_more_than_was_promised_is_not_read(self) -> None:
        files = oci_files(IMAGE)
        layer = max((name for name in files if name.startswith("blobs/")), key=lambda name: len(files[name]))
        served = Served({**files, layer: files[layer] + b"more"})
        with serving(served), pytest.raises(MissingRequirement, match="longer"):
            pull(served)

    def test_a_manifest_of_another_digest(self) -> None:
        files = oci_files(IMAGE)
        top = blob(files)
        with (
            serving(Served({**files, top: files[top] + b" "})) as served,
            pytest.raises(MissingRequirement, match="damaged"),
        ):
            pull(served, wanted=f"@{served.top}")

    def test_no_such_image(self) -> None:
        with serving(Served(oci_files(IMAGE))) as served, pytest.raises(MissingRequirement, match="no such image"):
            pull(served, wanted=":2")

    def test_no_registry(self) -> None:
        with pytest.raises(MissingRequirement, match=r"127\.0\.0\.1:9"):
            pull_image(parse_reference("127.0.0.1:9/team/app"), None, lambda _: None)

    def test_what_another_process_left_is_taken_over(self, tmp_path: Path) -> None:
        files = oci_files(IMAGE)
        name = max((name for name in files if name.startswith("blobs/")), key=lambda name: len(files[name]))
        folder = tmp_path / "cache" / "images" / "blobs" / "sha256"
        folder.mkdir(parents=True)
        digest = name.rpartition("/")[2]
        left, running = folder / f".{digest}.1.part", folder / f".{digest}.2.part"
        left.write_bytes(files[name][:1_000_000])
        running.write_bytes(files[name][:2_000_000])  # somebody writes to this one
        long_ago = time.time() - 3600
        os.utime(left, (long_ago, long_ago))
        with serving(Served(files)) as served:
            pull(served)
            assert [headers["range"] for _, _, headers in served.requests if "range" in headers] == ["bytes=1000000-"]
        assert parts_left(tmp_path) == [running]

    def test_what_failed_is_gone_on_with_at_once(self, tmp_path: Path) -> None:
        with serving(Served(oci_files(IMAGE), broken=1000)) as served:
            with pytest.raises(MissingRequirement):
                pull(served)
            assert parts_left(tmp_path)
            served.broken = 0
            served.requests.clear()
            pull(served)
            assert [headers for _, _, headers in served.requests if "range" in headers]
        assert parts_left(tmp_path) == []

    def test_an_index_that_names_no_digest(self) -> None:
        files = oci_files(Image(LAYERS, index=True))
        index = json.loads(files[blob(files)])
        index["manifests"][0]["digest"] = "other"
        top = as_json(index)
        entry = {"digest": f"sha256:{sha256(top)}", "size": len(top)}
        served = Served({**files, f"blobs/sha256/{sha256(top)}": top, "index.json": as_json({"manifests": [entry]})})
        with serving(served), pytest.raises(MissingRequirement, match="without SHA-256"):
            pull(served)

    def test_a_store_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "file"))
        with serving(Served(oci_files(IMAGE))) as served, pytest.raises(MissingRequirement) as raised:
            pull(served)
        assert "LAMBDAPACK_CACHE_DIR" in str(raised.value.hint)

    def test_several_processes_share_the_store(self, tmp_path: Path) -> None:
        program = (
            "import sys; from lambdapack.containers import parse_reference, pull_image;"
            "print(pull_image(parse_reference(sys.argv[1]), None, lambda _: None))"
        )
        with serving(Served(oci_files(IMAGE))) as served:
            started = [
                subprocess.Popen(
                    [sys.executable, "-c", program, f"{served.host}/team/app:1"],
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                )
                for _ in range(4)
            ]
            folders = {process.communicate(timeout=60)[0].strip() for process in started}
            assert [process.returncode for process in started] == [0] * 4
        (folder,) = folders
        with open_tree(f"oci:{folder}") as tree:
            assert tree.read_bytes(tree.by_path["var/task/data.bin"]) == CONTENT
        assert parts_left(tmp_path) == []
