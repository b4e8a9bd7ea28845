"""Trees: one read-only view of anything that holds files, whatever it is stored in.

Knows names, sizes, modes and bytes. Knows no rule of Lambda and never writes to disk.
"""

from __future__ import annotations

import posixpath
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

if TYPE_CHECKING:
    from lambdapack.artifact.manifest import ImageConfig

ProblemKind = Literal[
    "backslash-name",
    "case-clash",
    "compression",
    "duplicate-name",
    "file-and-folder",
    "long-name",
    "overlap",
    "unsafe-path",
    "encrypted",
    "unreadable",
    "non-utf8-name",
    "wrong-digest",  # `path` names a layer of an image
]

REGULAR_0644 = stat.S_IFREG | 0o644
DIRECTORY_0755 = stat.S_IFDIR | 0o755


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a tree.

    `path` is relative to the tree's root, with `/` and without a leading or trailing one. `size` is in bytes, as
    declared by the container. `mode` has type and permission bits as `stat.st_mode` does. `link` is the target of
    a symbolic link. `origin` names the container it came from. `modified` is the time it was changed, in seconds since
    1970, where an archive keeps it: its local time, read as if it were UTC.
    """

    path: str
    size: int
    mode: int
    link: str | None
    origin: str
    modified: int | None = None

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def permissions(self) -> int:
        """The permission bits alone, e.g. 0o644."""
        return stat.S_IMODE(self.mode)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the container that a list of entries cannot show; `path` is the name as stored."""

    kind: ProblemKind
    path: str
    detail: str


class Tree(ABC):
    """Files with names, modes and bytes. `origin` says what it was read from (a path as the user gave it)."""

    origin: str
    config: ImageConfig | None = None
    """What a container image says of itself; None for everything else."""

    @property
    @abstractmethod
    def problems(self) -> Sequence[Problem]:
        """What could not be shown as an entry: nothing is dropped in silence."""

    @abstractmethod
    def entries(self) -> Sequence[Entry]:
        """All entries, sorted by path."""

    @abstractmethod
    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        """Yields each wanted entry with a stream of its bytes, in storage order; the stream is valid until the
        next step. Raises `UnreadableMember` when a member's bytes do not match what its container promised."""

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        """The entries by their path."""
        return {entry.path: entry for entry in self.entries()}

    def read_bytes(self, entry: Entry) -> bytes:
        """Returns the whole content of one entry."""
        for _, stream in self.read((entry,)):
            return stream.read()
        raise LookupError(entry.path)

    @cached_property
    def groups(self) -> Mapping[str, tuple[Entry, ...]]:
        """The files by what they came with: the outermost folder below those that all of them share. A file that stands
        in none is a group of its own."""
        return grouped(self.entries())

    def prepare_keys(self) -> None:  # noqa: B027 - most trees have nothing to prepare
        """Begins to work out in the background what `group_key` will be asked for."""

    def group_key(self, group: str) -> bytes | None:
        """Identifies names and content of all files of a group by what is stored of them and around them: never the
        same for other content, and perhaps another one for the same. None where there is none to be had quickly."""
        return None

    def key(self, entry: Entry) -> bytes | None:
        """Identifies name and content of a file without inflating it: the SHA-256 of what is stored of it. None where
        that would be no less work than reading it."""
        return None

    def sha256(self) -> str | None:
        """The SHA-256 of the file that holds the tree, None where it is no single file."""
        return None

    def checksum(self, entry: Entry) -> int | None:
        """The CRC-32 of a file's content where the container has it, so that files can be compared without reading."""
        return None

    def trust(self, entries: Iterable[Entry]) -> None:  # noqa: B027 - most trees promise nothing
        """Takes the content of entries for whole: it has been read before, and is the same by its key."""

    def damaged(self) -> Iterator[tuple[Entry, str]]:
        """Yields each file whose content does not match what its container promised, with the reason. Reads all that
        has not been read yet; a folder promises nothing."""
        return iter(())

    def reopen(self) -> bool:
        """Opens anew what it reads from, in a process that is the copy of another one: both would move the same place
        in one file. False where that cannot be done."""
        return False

    def close(self) -> None:  # noqa: B027 - most trees hold nothing open
        """Releases what the tree holds open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def grouped(entries: Sequence[Entry]) -> dict[str, tuple[Entry, ...]]:
    """Returns the files among sorted entries by `Tree.groups`."""
    files = [entry for entry in entries if entry.is_file]
    if not files:
        return {}
    shared = posixpath.commonprefix([files[0].path, files[-1].path])
    below = shared.rfind("/") + 1
    found: dict[str, list[Entry]] = {}
    for entry in files:
        end = entry.path.find("/", below)
        found.setdefault(entry.path if end < 0 else entry.path[:end], []).append(entry)
    return {name: tuple(members) for name, members in found.items()}
