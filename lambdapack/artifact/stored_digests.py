"""Digests of a ZIP file and of stretches of it, worked out by a thread while others do something else.

The file is read in large pieces: every piece costs a thread a turn of Python's interpreter lock, and hashing itself
none. Knows the places of members, not what they are.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdapack.artifact.zip_members import described, is_usual

_PIECE = 8 << 20  # bytes


@dataclass(slots=True)
class _Stretch:
    """Bytes of the file that belong to one group, from `start` to `end`."""

    start: int
    end: int
    group: str


class StoredDigests:
    """The digests of one file; whoever asks for one that is being worked out waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="digests")
        self._of_groups: Future[Mapping[str, bytes]] | None = None
        self._of_file: Future[str] | None = None

    def begin(self, groups: Mapping[str, Sequence[zipfile.ZipInfo]], directory: int) -> None:
        """Begins with the digests of groups of members, by name; `directory` is where the last member ends."""
        if self._of_groups is None:
            usual = {name: infos for name, infos in groups.items() if all(map(is_usual, infos))}
            self._of_groups = self._pool.submit(self._hash_groups, usual, directory)
            self._of_file = self._pool.submit(self._hash_file)

    def of_group(self, name: str) -> bytes | None:
        """Returns the SHA-256 of all bytes from the first to the last member of a group, as far as no other group's
        stand between, with what the directory says of them. None for a group with an unusual member."""
        return None if self._of_groups is None else self._of_groups.result().get(name)

    def of_file(self) -> str:
        """Returns the SHA-256 of the whole file. Raises `OSError`."""
        if self._of_file is None:
            self._of_file = self._pool.submit(self._hash_file)
        return self._of_file.result()

    def close(self) -> None:
        """Waits for what was begun and drops the rest."""
        self._pool.shutdown(cancel_futures=True)

    def _hash_groups(self, groups: Mapping[str, Sequence[zipfile.ZipInfo]], directory: int) -> Mapping[str, bytes]:
        digests = {name: hashlib.sha256(b"".join(map(described, infos))) for name, infos in groups.items()}
        pending = _stretches(groups, directory)[::-1]
        try:
            with self._path.open("rb", buffering=0) as file:
                at = pending[-1].start if pending else 0
                file.seek(at)
                while pending and (piece := file.read(_PIECE)):
                    view, end = memoryview(piece), at + len(piece)
                    while pending and pending[-1].start < end:
                        stretch = pending[-1]
                        digests[stretch.group].update(view[max(stretch.start - at, 0) : stretch.end - at])
                        if stretch.end > end:
                            break
                        pending.pop()
                    at = end
        except OSError:
            return {}
        return {name: digest.digest() for name, digest in digests.items()} if not pending else {}

    def _hash_file(self) -> str:
        digest: Any = hashlib.sha256()
        with self._path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return str(digest.hexdigest())


def _stretches(groups: Mapping[str, Sequence[zipfile.ZipInfo]], directory: int) -> list[_Stretch]:
    """Returns the stretches of a file that belong to groups, one behind the other."""
    found: list[_Stretch] = []
    for start, name in sorted((info.header_offset, name) for name, infos in groups.items() for info in infos):
        if found and found[-1].group == name:
            continue
        if found:
            found[-1].end = start
        found.append(_Stretch(start, directory, name))
    return found
