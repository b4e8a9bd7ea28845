"""What lambdapack keeps on this machine: how much that is, and getting rid of it. All of it can be had again."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdapack.facts.store import FILE_NAME, FactStore
from lambdapack.settings import cache_folder

# Named, so that a folder that the user shares with other programs loses nothing else.
_PARTS = ("wheels", "memos", "images", "rootfs", "sandbox", "runtime-packages", "runtime-client")
_ONE_FILE_EACH = ("wheels", "memos")  # any file may go without the others
_DAY = 86400


@dataclass(frozen=True, slots=True)
class CachePart:
    """One kind of kept things: its name in the cache folder and its bytes."""

    name: str
    size: int


def cache_parts() -> list[CachePart]:
    """Returns what there is, largest first."""
    folder = cache_folder()
    parts = [CachePart(name, sum(item.lstat().st_size for item in _files(folder / name))) for name in _PARTS]
    facts = folder / FILE_NAME
    parts.append(CachePart("facts", facts.stat().st_size if facts.exists() else 0))
    return sorted((part for part in parts if part.size), key=lambda part: (-part.size, part.name))


def prune_cache(days: int) -> int:
    """Drops facts, wheels and memos that nobody used for so many days; returns the freed bytes."""
    before = sum(part.size for part in cache_parts())
    store = FactStore(cache_folder())
    store.prune(days)
    store.close()
    oldest = time.time() - days * _DAY
    for name in _ONE_FILE_EACH:
        for path in list(_files(cache_folder() / name)):
            status = path.lstat()
            if max(status.st_atime, status.st_mtime) < oldest:
                path.unlink(missing_ok=True)
    return before - sum(part.size for part in cache_parts())


def clean_cache() -> int:
    """Removes everything that lambdapack keeps; returns the freed bytes."""
    freed = sum(part.size for part in cache_parts())
    FactStore(cache_folder()).clean()
    for name in _PARTS:
        if (cache_folder() / name).is_dir():
            shutil.rmtree(cache_folder() / name, onerror=_remove_protected)
    return freed


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place, name)


def _remove_protected(remove: Callable[[str], Any], path: str, _: Any) -> None:
    """Unpacked images have folders that nobody may write to."""
    for place in (Path(path).parent, Path(path)):
        if not place.is_symlink():
            place.chmod(place.stat().st_mode | stat.S_IRWXU)
    remove(path)
