"""Fetching wheels: what arrives is what was promised, or nothing arrives."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lambdapack.builder import WheelStore
from lambdapack.errors import BuildFailed
from lambdapack.settings import cache_folder
from tests.unit.builder.makers import Quiet, make_wheel, serve


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def files_in(store: WheelStore) -> list[str]:
    return sorted(path.name for path in store.root.rglob("*") if path.is_file())


def test_wheels_are_fetched_once_and_kept_by_content(tmp_path: Path, store: WheelStore) -> None:
    wheels = [make_wheel(tmp_path / "served", name) for name in ("one", "two", "three")]
    told: list[str] = []
    with serve(tmp_path / "served") as url:
        remote = [replace(wheel, location=f"{url}/{wheel.filename}") for wheel in wheels]
        paths = store.fetch(remote, told.append)
    assert [path.read_bytes() for path in paths] == [Path(wheel.location).read_bytes() for wheel in wheels]
    assert sorted(told) == ["fetching one 1.0", "fetching three 1.0", "fetching two 1.0"]
    assert store.fetch(remote) == paths  # the server is gone


def test_a_damaged_file_in_the_store_is_fetched_anew(tmp_path: Path, store: WheelStore) -> None:
    wheel = make_wheel(tmp_path)
    (path,) = store.fetch([wheel])
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    store.fetch([wheel])
    assert path.read_bytes() == content


def test_local_paths_and_file_urls(tmp_path: Path, store: WheelStore) -> None:
    one, two = make_wheel(tmp_path / "with space", "one"), make_wheel(tmp_path / "with space", "two")
    two = replace(two, location=Path(two.location).as_uri())
    assert [path.name for path in store.fetch([one, two])] == [one.filename, two.filename]


def test_another_content_names_both_digests_and_leaves_nothing(tmp_path: Path, store: WheelStore) -> None:
    wheel = make_wheel(tmp_path / "served")
    with serve(tmp_path / "served") as url:
        wrong = replace(wheel, location=f"{url}/{wheel.filename}", sha256="0" * 64)
        with pytest.raises(BuildFailed) as caught:
            store.fetch([wrong])
    assert wheel.sha256 in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert files_in(store) == []


def test_a_wheel_without_a_hash_is_refused(tmp_path: Path, store: WheelStore) -> None:
    with pytest.raises(BuildFailed, match=r"tiny 1\.0"):
        store.fetch([replace(make_wheel(tmp_path), sha256="")])


def test_what_is_not_there_is_told_with_host_and_status(tmp_path: Path, store: WheelStore) -> None:
    wheel = make_wheel(tmp_path / "served")
    with serve(tmp_path / "served") as url, pytest.raises(BuildFailed, match=r"tiny 1\.0: 127\.0\.0\.1 answered 404"):
        store.fetch([replace(wheel, location=f"{url}/missing.whl")])
    with pytest.raises(BuildFailed, match=r"tiny 1\.0"):
        store.fetch([replace(wheel, location=str(tmp_path / "missing.whl"))])


def test_a_download_that_breaks_off_is_begun_anew(tmp_path: Path, store: WheelStore) -> None:
    wheel = make_wheel(tmp_path / "served")
    requests: list[str] = []

    class BreaksOff(Quiet):
        def do_GET(self) -> None:  # noqa: N802 - the name is the standard library's
            requests.append(self.path)
            if len(requests) > 1:
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", str(wheel.size))
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
            return None

    with serve(tmp_path / "served", BreaksOff) as url:
        (path,) = store.fetch([replace(wheel, location=f"{url}/{wheel.filename}")])
    assert path.read_bytes() == Path(wheel.location).read_bytes()
    assert len(requests) == 2


def test_several_at_once_into_one_store(tmp_path: Path, store: WheelStore) -> None:
    wheel = make_wheel(tmp_path, files={"data.bin": bytes(range(256)) * 4000})
    threads = [threading.Thread(target=store.fetch, args=([wheel],)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files_in(store) == [wheel.filename]
    assert store.path_of(wheel).read_bytes() == Path(wheel.location).read_bytes()


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BuildFailed, match="file"):
        WheelStore(tmp_path / "file" / "cache").fetch([make_wheel(tmp_path)])


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert WheelStore().root == tmp_path / "here"
