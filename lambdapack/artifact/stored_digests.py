"""Digests of a ZIP file and of stretches of it, worked out by a thread while others do something else.

The file is read in large pieces: every piece costs a thread a turn of Python's interpreter lock, and hashing itself
none. Knows the places of members, not what they are.
"""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from lambdapack.artifact.zip_members import described, is_usual

_PIECE = 8 << 20  # bytes


_Result = TypeVar("_Result")


class _Begun(Generic[_Result]):
    """A job in a thread of its own, begun when another one has ended."""

    def __init__(self, job: Callable[[], _Result], *, after: _Begun[Any] | None = None) -> None:
        self._job = job
        self._after = after
        self._outcome: _Result | OSError | None = None
        self._thread = threading.Thread(target=self._run, name="digests", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        if self._after is not None:
            self._after.wait()
        try:
            self._outcome = self._job()
        except OSError as error:
            self._outcome = error

    def wait(self) -> None:
        """Waits for its end."""
        self._thread.join()

    def result(self) -> _Result:
        """Waits for the result and returns it, or raises `OSError`."""
        self._thread.join()
        if isinstance(self._outcome, OSError):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome


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
        self._of_groups: _Begun[Mapping[str, bytes]] | None = None
        self._of_file: _Begun[str] | None = None

    def begin(self, groups: Mapping[str, Sequence[zipfile.ZipInfo]], directory: int) -> None:
        """Begins with the digests of groups of members, by name; `directory` is where the last member ends."""
        if self._of_groups is None:
            usual = {name: infos for name, infos in groups.items() if all(map(is_usual, infos))}
            self._of_groups = _Begun(lambda: self._hash_groups(usual, directory))
            self._of_file = _Begun(self._hash_file, after=self._of_groups)  # it is asked for last

    def of_group(self, name: str) -> bytes | None:
        """Returns the SHA-256 of all bytes from the first to the last member of a group, as far as no other group's
        stand between, with what the directory says of them. None for a group with an unusual member."""
        return None if self._of_groups is None else self._of_groups.result().get(name)

    def of_file(self) -> str:
        """Returns the SHA-256 of the whole file. Raises `OSError`."""
        if self._of_file is None:
            self._of_file = _Begun(self._hash_file)
        return self._of_file.result()

    def close(self) -> None:
        """Waits for what was begun."""
        for begun in (self._of_groups, self._of_file):
            if begun is not None:
                begun.wait()

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
