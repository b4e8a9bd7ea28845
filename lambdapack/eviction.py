"""Takes away what was used longest ago, from folders whose entries can each go without the others.

Knows times and sizes, not what is kept. Several processes may do so at once, and others use what is there meanwhile:
an entry disappears whole, by a rename, and never one that was used within the last hour.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

IN_USE_SECONDS = 3600.0
LARGEST_PART = 5_000_000_000
"""The bytes that one kind of kept things may have without anybody asking."""

_REMOVED = ".removed-"
# What is being made has such a name, and what made it removes it, or was killed.
_SCRATCH = (".", "scratch-")
_SCRATCH_SECONDS = 86400.0


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry: when it was last used (seconds since 1970), and the bytes that would be free without it."""

    path: Path
    used: float
    size: int


def note_use(path: Path) -> None:
    """Notes that an entry was used now: a folder does not show that by itself."""
    with suppress(OSError):
        os.utime(path)


def kept_in(folder: Path) -> list[Kept]:
    """Returns what there is in a folder."""
    with suppress(OSError):
        return [kept for path in folder.iterdir() if (kept := _kept(path)) is not None]
    return []


def evict(entries: Iterable[Kept], *, older_than: float, largest: int) -> int:
    """Removes entries not used for `older_than` seconds, and of the others those used longest ago until they have
    `largest` bytes together. Returns the freed bytes."""
    now = time.time()
    left: list[Kept] = []
    freed = 0
    for entry in entries:
        scratch = entry.path.name.startswith(_SCRATCH)
        age = now - entry.used
        if age >= (_SCRATCH_SECONDS if scratch else max(older_than, IN_USE_SECONDS)):
            freed += _removed(entry)
        elif not scratch:
            left.append(entry)
    total = sum(entry.size for entry in left)
    for entry in sorted(left, key=lambda entry: entry.used):
        if total <= largest or now - entry.used < IN_USE_SECONDS:
            break
        freed += _removed(entry)
        total -= entry.size
    return freed


def bound(folder: Path) -> None:
    """Keeps a folder below `LARGEST_PART`; for those who have just put something in."""
    evict(kept_in(folder), older_than=float("inf"), largest=LARGEST_PART)


def remove(path: Path) -> None:
    """Removes a file or folder whole; nobody sees a half of it. Raises `OSError` where it may not."""
    out_of_sight = path.with_name(f"{_REMOVED}{uuid4().hex}")
    path.rename(out_of_sight)
    if out_of_sight.is_dir() and not out_of_sight.is_symlink():
        shutil.rmtree(out_of_sight, onerror=_remove_protected)
    else:
        out_of_sight.unlink()


def _removed(entry: Kept) -> int:
    try:
        remove(entry.path)
    except OSError:  # another process was faster, or has it open where that forbids it
        return 0
    return entry.size


def _kept(path: Path) -> Kept | None:
    try:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return Kept(path, max(status.st_atime, status.st_mtime), status.st_size // status.st_nlink)
        return Kept(path, status.st_mtime, sum(_sizes(path)))
    except OSError:
        return None


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = os.lstat(f"{place}/{name}")
                # What stands under several names, as blobs of images do, is counted once among them.
                yield status.st_size // status.st_nlink


def _remove_protected(remove_it: Callable[[str], Any], path: str, _: Any) -> None:
    """Unpacked images have folders that nobody may write to."""
    for place in (Path(path).parent, Path(path)):
        with suppress(OSError):
            if not place.is_symlink():
                place.chmod(place.stat().st_mode | stat.S_IRWXU)
    with suppress(OSError):
        remove_it(path)
