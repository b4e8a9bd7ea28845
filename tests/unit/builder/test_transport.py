"""Downloads from hosts that break off, ask for credentials, or serve something else."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lambdapack.builder import WheelStore, build, plan_build
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.errors import BuildFailed
from tests.unit.builder.makers import Quiet, make_function, make_plan, make_profile, make_wheel, serve

BASIC = "Basic " + base64.b64encode(b"me:hush").decode()


@pytest.fixture(autouse=True)
def _nothing_of_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("UV_CREDENTIALS_DIR", str(tmp_path / "kept"))


@pytest.fixture
def wheel(tmp_path: Path) -> ResolvedWheel:
    return make_wheel(tmp_path / "served", files={"data.bin": os.urandom(1_500_000)})


class Private(Quiet):
    """Serves to those who log in; remembers what it was shown."""

    shown: list[str | None]

    def do_GET(self) -> None:  # noqa: N802 - the name is the standard library's
        self.shown.append(self.headers["Authorization"])
        if self.shown[-1] is None:
            self.send_error(401)
        else:
            super().do_GET()


class BreaksOff(Quiet):
    """Serves 600 kB of whatever is asked for and hangs up; goes on where it is asked to, if `resumes`."""

    requests: list[str | None]
    resumes = True

    def do_GET(self) -> None:  # noqa: N802 - the name is the standard library's
        self.requests.append(self.headers["Range"])
        content = Path(self.translate_path(self.path)).read_bytes()
        start = 0
        if self.resumes and self.headers["Range"]:
            assert self.headers["If-Range"] == '"one"'
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + 600_000])
        self.close_connection = True


def fresh(handler: type[Quiet], **attributes: object) -> type[Quiet]:
    """The handler with lists of its own."""
    return type(handler.__name__, (handler,), attributes)


def kept(store: WheelStore) -> list[bytes]:
    return [path.read_bytes() for path in store.root.rglob("*") if path.is_file()]


class TestBreaks:
    def test_it_goes_on_where_it_was(self, tmp_path: Path, store: WheelStore, wheel: ResolvedWheel) -> None:
        requests: list[str | None] = []
        with serve(tmp_path / "served", fresh(BreaksOff, requests=requests)) as url:
            (path,) = store.fetch([replace(wheel, location=f"{url}/{wheel.filename}")])
        assert path.read_bytes() == Path(wheel.location).read_bytes()
        assert requests == [None, "bytes=600000-", "bytes=1200000-"]

    def test_a_host_that_always_breaks_off(self, tmp_path: Path, store: WheelStore, wheel: ResolvedWheel) -> None:
        requests: list[str | None] = []
        with (
            serve(tmp_path / "served", fresh(BreaksOff, requests=requests, resumes=False)) as url,
            pytest.raises(BuildFailed, match=r"tiny 1\.0: cannot be fetched from 127\.0\.0\.1") as caught,
        ):
            store.fetch([replace(wheel, location=f"{url}/{wheel.filename}")])
        assert "\n" not in str(caught.value)
        assert len(requests) > 2
        assert kept(store) == []

    def test_the_old_artifact_stays(self, tmp_path: Path, store: WheelStore, wheel: ResolvedWheel) -> None:
        output = tmp_path / "dist" / "thing.zip"
        build(make_plan(output, wheel), store=WheelStore(tmp_path / "other"))
        before = output.read_bytes()
        for handler in (fresh(BreaksOff, requests=[], resumes=False), Quiet):
            with serve(tmp_path / "served", handler) as url:
                digest = wheel.sha256 if handler is not Quiet else "0" * 64
                remote = replace(wheel, location=f"{url}/{wheel.filename}", sha256=digest)
                with pytest.raises(BuildFailed):
                    build(make_plan(output, remote), store=store)
        assert output.read_bytes() == before
        assert [path.name for path in output.parent.iterdir() if path.suffix == ".zip"] == ["thing.zip"]
        assert kept(store) == []


class TestOffline:
    def test_nothing_is_fetched(
        self, tmp_path: Path, store: WheelStore, wheel: ResolvedWheel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        requests: list[str | None] = []
        with serve(tmp_path / "served", fresh(BreaksOff, requests=requests)) as url:
            remote = replace(wheel, location=f"{url}/{wheel.filename}")
            monkeypatch.setenv("UV_OFFLINE", "1")
            with pytest.raises(BuildFailed, match="UV_OFFLINE"):
                store.fetch([remote])
            assert requests == []
            monkeypatch.delenv("UV_OFFLINE")
            store.fetch([remote])
        monkeypatch.setenv("UV_OFFLINE", "1")
        assert store.fetch([remote])[0].is_file()


Give = Callable[[str, Path, pytest.MonkeyPatch], None]


def in_netrc(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (folder / "netrc").chmod(0o600)


def in_index_variable(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = url.replace("://", "://me:hush@")
    monkeypatch.setenv("UV_INDEX", f"https://other.invalid/simple private={index}/simple")


def in_variables_of_a_named_index(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pyproject.toml").write_text(f'[[tool.uv.index]]\nname = "my-own"\nurl = "{url}/simple"\n')
    monkeypatch.setenv("UV_INDEX_MY_OWN_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_MY_OWN_PASSWORD", "hush")


def in_settings_of_uv(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = url.replace("://", "://me:hush@")
    (folder / "uv.toml").write_text(f'extra-index-url = ["{index}/simple"]\n')


def in_a_keyring(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1 $2 $3" = "get {url}/simple me" ] && echo hush\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    monkeypatch.setenv("UV_INDEX", f"{url.replace('://', '://me@')}/simple")


class TestCredentials:
    @pytest.mark.parametrize(
        "give", [in_netrc, in_index_variable, in_variables_of_a_named_index, in_settings_of_uv, in_a_keyring]
    )
    def test_they_go_to_their_host_and_nowhere_else(
        self, tmp_path: Path, wheel: ResolvedWheel, monkeypatch: pytest.MonkeyPatch, give: Give
    ) -> None:
        shown: list[str | None] = []
        other: list[str | None] = []
        store = WheelStore(tmp_path / "cache")
        with (
            serve(tmp_path / "served", fresh(Private, shown=shown)) as url,
            serve(tmp_path / "served", fresh(Private, shown=other)) as elsewhere,
        ):
            give(url, tmp_path, monkeypatch)
            store.credentials.add_settings(tmp_path)
            store.fetch([replace(wheel, location=f"{url}/{wheel.filename}")])
            if give is not in_netrc:  # which knows hosts, and no ports
                with pytest.raises(BuildFailed, match="401"):
                    WheelStore(tmp_path / "none").fetch([replace(wheel, location=f"{elsewhere}/{wheel.filename}")])
                assert other == [None]
        assert shown[-1] == BASIC
        assert not any(b"hush" in content for content in kept(store))

    def test_an_index_of_a_requirement_file(
        self, tmp_path: Path, store: WheelStore, wheel: ResolvedWheel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From the file through uv to the store, with uv asking the same index for itself."""
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        shown: list[str | None] = []
        simple = tmp_path / "served" / "simple" / "tiny"
        simple.mkdir(parents=True)
        (simple / "index.html").write_text(f'<a href="/{wheel.filename}#sha256={wheel.sha256}">{wheel.filename}</a>')
        with serve(tmp_path / "served", fresh(Private, shown=shown)) as url:
            file = tmp_path / "requirements.txt"
            file.write_text(f"--index-url {url.replace('://', '://me:hush@')}/simple\ntiny\n")
            function = make_function(tmp_path, requirement_files=(file,))
            plan = plan_build(function, make_profile(), store)
            result = build(plan, store=store)
        assert result.output.is_file()
        assert "hush" not in repr(plan)
        written = [path.read_bytes() for path in (tmp_path / "dist").rglob("*") if path.is_file()]
        assert not any(b"hush" in content for content in (*kept(store), *written))

    def test_a_refusal_says_where_credentials_go(self, tmp_path: Path, store: WheelStore, wheel: ResolvedWheel) -> None:
        with (
            serve(tmp_path / "served", fresh(Private, shown=[])) as url,
            pytest.raises(BuildFailed, match=r"127\.0\.0\.1 answered 401") as caught,
        ):
            store.fetch([replace(wheel, location=f"{url}/{wheel.filename}")])
        assert "netrc" in str(caught.value.hint)
