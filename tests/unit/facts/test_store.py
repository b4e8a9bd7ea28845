"""The cache file: bounded, shared, and never in the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lambdapack.facts.store import FILE_NAME, FactStore

_WRITER = """
import sys
from pathlib import Path
from lambdapack.facts.store import FactStore
store = FactStore(Path(sys.argv[1]))
for number in range(200):
    store.write({b"%s %d" % (sys.argv[2].encode(), number): b"x" * 1000})
"""


def test_what_is_written_is_read_by_the_next(tmp_path: Path) -> None:
    first = FactStore(tmp_path)
    first.write({b"a": b"1", b"b": b"2"})
    first.write({b"a": b"3"})
    first.close()
    assert FactStore(tmp_path).read([b"a", b"b", b"c"]) == {b"a": b"3", b"b": b"2"}


def test_nothing_is_made_by_reading(tmp_path: Path) -> None:
    assert FactStore(tmp_path / "none").read([b"a"]) == {}
    assert not (tmp_path / "none").exists()


def test_more_keys_than_a_query_takes(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    blobs = {b"%d" % number: b"x" for number in range(3000)}
    store.write(blobs)
    assert store.read(blobs) == blobs


@pytest.mark.parametrize(
    "content", [b"this is no database, and long enough to be looked at " * 20, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_thrown_away(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    store = FactStore(tmp_path)
    assert store.read([b"a"]) == {}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    FactStore(tmp_path).write({b"a": b"1"})
    assert FactStore(tmp_path).read([b"a"]) == {b"a": b"1"}


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = FactStore(blocked)
    store.write({b"a": b"1"})
    assert store.read([b"a"]) == {}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere; run the tests as a user")
def test_a_read_only_file_is_still_read(tmp_path: Path) -> None:
    FactStore(tmp_path).write({b"a": b"1"})
    (tmp_path / FILE_NAME).chmod(0o444)
    tmp_path.chmod(0o555)
    assert FactStore(tmp_path).read([b"a"]) == {b"a": b"1"}


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    store = FactStore(tmp_path, largest=400_000)
    store.write({b"old": b"x" * 300_000, b"used": b"y" * 50_000})
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE facts SET used = used - 9")
    assert set(store.read([b"used"])) == {b"used"}  # counts as used today
    store.write({b"%d" % number: b"z" * 20_000 for number in range(5)})
    assert b"old" not in store.read([b"old"])
    assert b"used" in store.read([b"used"])
    assert (tmp_path / FILE_NAME).stat().st_size < 400_000


def test_prune_and_clean(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.write({b"a": b"1", b"b": b"2"})
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE facts SET used = used - 40 WHERE key = ?", (b"a",))
    connection.close()
    assert store.prune(days=30) == 1
    assert store.read([b"a", b"b"]) == {b"b": b"2"}
    store.clean()
    assert list(tmp_path.iterdir()) == []


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    keys = [b"%s %d" % (name, number) for name in (b"a", b"b", b"c") for number in range(200)]
    assert len(FactStore(tmp_path).read(keys)) == 600
