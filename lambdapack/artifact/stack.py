"""Trees mounted where Lambda mounts them, seen as one file system.

Only mounts and looks up: the function at `/var/task`, layers merged at `/opt` in order, later ones on top; an image at
`/`. Search order (`sys.path`, `LD_LIBRARY_PATH`) is not known here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from lambdapack.artifact.tree import Entry, Tree

_LONGEST_LINK_CHAIN = 40  # as Linux: path_resolution(7), ELOOP


@dataclass(frozen=True, slots=True)
class Mount:
    """A tree and the absolute directory that its root becomes."""

    point: str
    tree: Tree

    def absolute(self, path: str) -> str:
        """The place of one of the tree's paths."""
        return posixpath.join(self.point, path)


@dataclass(frozen=True, slots=True)
class Located:
    """An entry together with the absolute path it has for Lambda and the tree that holds its bytes."""

    path: str
    entry: Entry
    tree: Tree


class Stack:
    """The merged view. Paths are absolute, normalised, with `/`."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = tuple(mounts)
        self._located: dict[str, Located] = {}
        self._children: dict[str, set[str]] = {"/": set()}
        for mount in mounts:
            self._add_folder(mount.point)
            begin = mount.point.rstrip("/") + "/"
            for entry in mount.tree.entries():
                path = begin + entry.path
                self._located[path] = Located(path, entry, mount.tree)
                if entry.is_directory:
                    self._add_folder(path)
                else:
                    folder, _, name = path.rpartition("/")
                    if folder not in self._children:
                        self._add_folder(folder)
                    self._children[folder].add(name)

    def _add_folder(self, path: str) -> None:
        new = []
        while path not in self._children:  # a loop and no recursion: paths may be deeper than Python's stack
            self._children[path] = set()
            new.append(path)
            path = path.rpartition("/")[0] or "/"
        for folder in new:
            parent, _, name = folder.rpartition("/")
            self._children[parent or "/"].add(name)

    @property
    def located(self) -> Mapping[str, Located]:
        """Every entry by its absolute path, later mounts winning."""
        return self._located

    def files(self) -> Iterator[Located]:
        """All regular files, in path order."""
        return iter(self._files)

    @cached_property
    def _files(self) -> tuple[Located, ...]:
        return tuple(located for _, located in sorted(self._located.items()) if located.entry.is_file)

    def resolve(self, path: str) -> str | None:
        """Follows symbolic links inside the stack; None when the path, or a link on the way, leads nowhere."""
        pending = [part for part in path.split("/") if part]
        current = ""
        for _ in range(_LONGEST_LINK_CHAIN * 25):
            if not pending:
                return current or "/"
            part = pending.pop(0)
            if part == ".":
                continue
            if part == "..":
                current = current.rpartition("/")[0]
                continue
            step = f"{current}/{part}"
            located = self._located.get(step)
            if located is not None and located.entry.link is not None:
                target = located.entry.link
                if target.startswith("/"):
                    current = ""
                pending[:0] = [piece for piece in target.split("/") if piece]
                continue
            if located is None and step not in self._children:
                return None
            current = step
        return None

    def file(self, path: str) -> Located | None:
        """The regular file at a path, links followed, or None."""
        found = self._located.get(path)
        if found is not None and found.entry.is_file:
            return found
        real = self.resolve(path)
        found = self._located.get(real) if real else None
        return found if found is not None and found.entry.is_file else None

    def is_folder(self, path: str) -> bool:
        """True for a directory, stored or implied by a file's path, links followed."""
        if path in self._children:
            return True
        real = self.resolve(path)
        return real is not None and real in self._children

    def folders(self) -> Iterable[str]:
        """Every directory, stored or implied."""
        return self._children.keys()

    def names(self, folder: str) -> frozenset[str]:
        """The names in a directory; empty when there is none."""
        children = self._children.get(folder)
        if children is None:
            real = self.resolve(folder)
            children = self._children.get(real) if real else None
        return frozenset(children or ())

    def read(self, wanted: Iterable[Located]) -> Iterator[tuple[Located, BinaryIO]]:
        """Streams files tree by tree, each in storage order: one pass over every container."""
        by_tree: dict[int, dict[str, Located]] = {}
        for located in wanted:
            by_tree.setdefault(id(located.tree), {})[located.entry.path] = located
        for group in by_tree.values():
            tree = next(iter(group.values())).tree
            for entry, stream in tree.read([located.entry for located in group.values()]):
                yield group[entry.path], stream

    @staticmethod
    def same_content(one: Located, other: Located) -> bool:
        """True when two files have the same bytes; by size and checksum where their containers have one.

        Raises `UnreadableMember` where they have to be read and cannot be."""
        if one.entry.size != other.entry.size:
            return False
        checksums = one.tree.checksum(one.entry), other.tree.checksum(other.entry)
        if None not in checksums:
            return checksums[0] == checksums[1]
        return one.tree.read_bytes(one.entry) == other.tree.read_bytes(other.entry)

    def read_bytes(self, located: Located) -> bytes:
        """Returns the whole content of one file."""
        return located.tree.read_bytes(located.entry)
