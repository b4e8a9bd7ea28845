"""A folder on disk as a tree: an unpacked artifact or a build directory."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from lambdapack.artifact.tree import DIRECTORY_0755, REGULAR_0644, Entry, Problem, Tree
from lambdapack.errors import UnreadableArtifact, UnreadableMember


class FolderTree(Tree):
    """Everything below a folder; symbolic links are shown as links and never followed."""

    def __init__(self, root: Path) -> None:
        self.origin = str(root)
        self._root = root
        self._problems: list[Problem] = []
        self._keys: dict[str, bytes] = {}  # SHA-256 of the files' content
        self._entries = self._index()

    @property
    def problems(self) -> Sequence[Problem]:
        return tuple(self._problems)

    def entries(self) -> Sequence[Entry]:
        return self._entries

    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        for entry in wanted:
            try:
                if entry.path in self._keys:
                    yield entry, io.BytesIO(self._read_again(entry))
                    continue
                with (self._root / entry.path).open("rb") as stream:
                    yield entry, stream
            except OSError as error:
                raise UnreadableMember(f"{entry.path}: {error.strerror or error}") from error

    def key(self, entry: Entry) -> bytes | None:
        # Reading a file twice costs less than working out again what it says.
        if entry.path not in self._keys:
            try:
                with (self._root / entry.path).open("rb") as stream:
                    self._keys[entry.path] = hashlib.file_digest(stream, "sha256").digest()
            except OSError:
                return None
        return hashlib.sha256(self._keys[entry.path] + _named(entry)).digest()

    def _read_again(self, entry: Entry) -> bytes:
        """What is read now is kept under the key of what was there before: it has to be the same."""
        content = (self._root / entry.path).read_bytes()
        if hashlib.sha256(content).digest() != self._keys[entry.path]:
            raise UnreadableMember(f"{entry.path}: has changed while it was read")
        return content

    def _index(self) -> tuple[Entry, ...]:
        def unreadable(error: OSError) -> None:
            where = Path(error.filename).relative_to(self._root).as_posix()
            if where == ".":
                raise UnreadableArtifact(f"{self._root}: cannot be read: {error.strerror}") from error
            self._problems.append(Problem("unreadable", where, error.strerror or str(error)))

        entries = []
        for folder, folders, files in os.walk(self._root, onerror=unreadable):
            for name in (*folders, *files):
                full = Path(folder, name)
                try:
                    status = full.lstat()
                    link = str(full.readlink()) if stat.S_ISLNK(status.st_mode) else None
                except OSError as error:
                    unreadable(error)
                    continue
                path = full.relative_to(self._root).as_posix()
                entries.append(Entry(path, status.st_size, _portable(status.st_mode), link, self.origin))
        return tuple(sorted(entries, key=lambda entry: entry.path))


def _portable(mode: int) -> int:
    """Returns the mode as Linux would see it: Windows keeps no permission bits worth the name."""
    if os.name == "nt" and not stat.S_ISLNK(mode):
        return DIRECTORY_0755 if stat.S_ISDIR(mode) else REGULAR_0644
    return mode


def _named(entry: Entry) -> bytes:
    return entry.path.encode("utf-8", "surrogateescape")
