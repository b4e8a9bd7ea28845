"""What lambdapack keeps on this machine: how much that is, and getting rid of it. All of it can be had again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lambdapack.eviction import Kept, evict, kept_in, remove
from lambdapack.facts.store import FILE_NAME, FactStore
from lambdapack.settings import cache_folder

# Named, so that a folder that the user shares with other programs loses nothing else. Of each kind the folders whose
# entries can go one by one; `*` stands for every folder at that depth. The profiles of the user's own scans stay.
_PARTS = {
    "wheels": ("*/*",),
    "memos": ("",),
    "resolutions": ("",),
    "images": ("blobs/sha256", "layouts"),
    "rootfs": ("",),
    "sandbox": ("",),
    "runtime-packages": ("",),
    "runtime-client": ("",),
    "emulators": ("",),
    "refusals": ("",),
}
_SCRATCH = "scratch-*"
_DAY = 86400
LARGEST = 10_000_000_000
"""The bytes that `prune_cache` leaves of all parts together, if it is told nothing else."""


@dataclass(frozen=True, slots=True)
class CachePart:
    """One kind of kept things: its name in the cache folder and its bytes."""

    name: str
    size: int


def cache_parts() -> list[CachePart]:
    """Returns what there is, largest first."""
    folder = cache_folder()
    parts = [CachePart(name, sum(entry.size for entry in _entries(name))) for name in _PARTS]
    facts = folder / FILE_NAME
    parts.append(CachePart("facts", facts.stat().st_size if facts.exists() else 0))
    return sorted((part for part in parts if part.size), key=lambda part: (-part.size, part.name))


def prune_cache(days: int, largest: int = LARGEST) -> int:
    """Drops what nobody used for so many days, and what was used longest ago beyond `largest` bytes of all; returns the
    freed bytes. What was used within the last hour stays: another process may be at it."""
    before = _facts_size()
    store = FactStore(cache_folder())
    store.prune(days)
    store.close()
    entries = [entry for name in _PARTS for entry in _entries(name)]
    entries += [entry for entry in kept_in(cache_folder()) if entry.path.match(_SCRATCH)]
    return before - _facts_size() + evict(entries, older_than=days * _DAY, largest=max(0, largest - _facts_size()))


def clean_cache() -> int:
    """Removes everything that lambdapack keeps; returns the freed bytes."""
    freed = sum(part.size for part in cache_parts())
    FactStore(cache_folder()).clean()
    for path in (*(cache_folder() / name for name in _PARTS), *cache_folder().glob(_SCRATCH)):
        with suppress(FileNotFoundError):
            remove(path)
    return freed


def _facts_size() -> int:
    facts = cache_folder() / FILE_NAME
    return facts.stat().st_size if facts.exists() else 0


def _entries(part: str) -> Iterator[Kept]:
    for pattern in _PARTS[part]:
        top: Path = cache_folder() / part
        for folder in top.glob(pattern) if "*" in pattern else (top / pattern,):
            yield from kept_in(folder)
