"""What goes from the cache, what stays, and that several processes may take things away at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambdapack.eviction import evict, kept_in, note_use
from lambdapack.workflows.caching import cache_parts, clean_cache, prune_cache

HOUR = 3600.0
DAY = 24 * HOUR


def entry(folder: Path, name: str, *, age: float, size: int = 1000, is_folder: bool = True) -> Path:
    path = folder / name
    file = path / "content" if is_folder else path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(size))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_old_goes(tmp_path: Path) -> None:
    entry(tmp_path, "old", age=3 * DAY)
    entry(tmp_path, "old file", age=3 * DAY, is_folder=False)
    entry(tmp_path, "new", age=DAY)
    assert evict(kept_in(tmp_path), older_than=2 * DAY, largest=1 << 40) == 2000
    assert names(tmp_path) == ["new"]


def test_what_was_used_longest_ago_goes_until_the_rest_is_small_enough(tmp_path: Path) -> None:
    for number in range(4):
        entry(tmp_path, str(number), age=(9 - number) * HOUR)
    note_use(tmp_path / "0")
    assert evict(kept_in(tmp_path), older_than=DAY, largest=2500) == 2000
    assert names(tmp_path) == ["0", "3"]


def test_what_is_in_use_stays_whatever_its_size(tmp_path: Path) -> None:
    entry(tmp_path, "now", age=60.0)
    assert evict(kept_in(tmp_path), older_than=0.0, largest=0) == 0
    assert names(tmp_path) == ["now"]


def test_what_killed_processes_left_half_made_goes_after_a_day(tmp_path: Path) -> None:
    entry(tmp_path, ".unpacking-1", age=2 * DAY)
    entry(tmp_path, ".unpacking-2", age=2 * HOUR)
    evict(kept_in(tmp_path), older_than=30 * DAY, largest=0)
    assert names(tmp_path) == [".unpacking-2"]


def test_several_processes_prune_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path))
    for number in range(300):
        entry(tmp_path / "rootfs", str(number), age=40 * DAY)
    command = [sys.executable, "-m", "lambdapack", "cache", "prune"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [b""] * 4
    assert [process.returncode for process in running] == [0] * 4
    assert names(tmp_path / "rootfs") == []


@pytest.mark.parametrize(
    "part", ["rootfs", "sandbox", "emulators", "runtime-packages", "runtime-client", "images/layouts"]
)
def test_every_part_is_pruned_and_cleaned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path))
    entry(tmp_path / part, "old", age=40 * DAY)
    kept = entry(tmp_path / part, "new", age=2 * HOUR)
    (tmp_path / "of somebody else").write_text("stays")
    assert [(found.name, found.size) for found in cache_parts()] == [(part.partition("/")[0], 2000)]
    assert prune_cache(30) == 1000
    assert names(tmp_path / part) == ["new"]
    assert prune_cache(30, largest=0) == 1000
    entry(kept.parent, "new", age=0.0)
    assert clean_cache() == 1000
    assert names(tmp_path) == ["of somebody else"]
