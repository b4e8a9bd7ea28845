"""The layers of an image merged into one file system: later ones on top, whiteouts taking away what lies below.

Source: the "Image Layer Filesystem Changeset" of the OCI image specification; where it leaves something open (links
and files in the place of folders), what Docker and containerd do when they unpack a layer.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

from lambdapack.artifact.tarball import Member
from lambdapack.artifact.tree import Problem

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_AUFS_OWN = ".wh..wh."  # book-keeping of AUFS, no content
_LONGEST_LINK_CHAIN = 40  # as Linux: path_resolution(7), ELOOP


@dataclass(frozen=True, slots=True)
class Placed:
    """A member and the number of the layer that holds its bytes."""

    layer: int
    member: Member

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.member.mode)


class Overlay:
    """The merged file system; paths are relative to the root, without a leading `/`."""

    def __init__(self) -> None:
        self.placed: dict[str, Placed] = {}
        self.problems: list[Problem] = []
        self._children: dict[str, set[str]] = {"": set()}

    def add_layer(self, number: int, members: Iterable[Member]) -> int:
        """Lays one layer over those before it and returns the bytes of its files."""
        files: list[tuple[list[str], Member]] = []
        size = 0
        for member in members:
            size += member.size
            parts = self._parts(member.name)
            if not parts:
                continue  # the root itself, or a name that was refused
            if not parts[-1].startswith(_WHITEOUT):
                files.append((parts, member))
                continue
            # Whiteouts apply to the layers below only, wherever in their own layer they stand.
            folder = self._real(parts[:-1])
            if parts[-1] == _OPAQUE:
                for name in tuple(self._children.get(folder, ())):
                    self._remove(_join(folder, name))
            elif parts[-1] != _WHITEOUT and not parts[-1].startswith(_AUFS_OWN):
                self._remove(_join(folder, parts[-1].removeprefix(_WHITEOUT)))
        for parts, member in files:
            self._put(parts, Placed(number, member))
        return size

    def _put(self, parts: list[str], placed: Placed) -> None:
        folder = self._real(parts[:-1])
        path = _join(folder, parts[-1])
        twin = placed.member.twin
        if twin is not None:
            target = self._parts(twin)
            found = self.placed.get(_join(self._real(target[:-1]), target[-1])) if target else None
            if found is None or found.is_folder:
                self.problems.append(Problem("unreadable", path, f"is a hard link to {twin}, which is not there"))
                return
            placed = found
        elif placed.is_folder and path in self._children:
            self.placed[path] = placed  # only its mode is new
            return
        self._remove(path)
        self._make_folder(folder)
        self._children[folder].add(parts[-1])
        self.placed[path] = placed
        if placed.is_folder:
            self._children[path] = set()

    def _make_folder(self, path: str) -> None:
        """Makes a folder with its parents; a file in the way has to go."""
        if path in self._children:
            return
        parent, _, name = path.rpartition("/")
        self._make_folder(parent)
        self.placed.pop(path, None)
        self._children[parent].add(name)
        self._children[path] = set()

    def _remove(self, path: str) -> None:
        doomed = [path]
        while doomed:
            current = doomed.pop()
            self.placed.pop(current, None)
            doomed += [_join(current, name) for name in self._children.pop(current, ())]
        parent, _, name = path.rpartition("/")
        self._children.get(parent, set()).discard(name)

    def _real(self, parts: list[str]) -> str:
        """Returns the folder that a path leads to when links on the way are followed inside the image."""
        pending, current, links = parts[::-1], "", 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                current = current.rpartition("/")[0]
                continue
            step = _join(current, part)
            found = self.placed.get(step)
            link = found.member.link if found else None
            if link is None or links >= _LONGEST_LINK_CHAIN:
                current = step
                continue
            links += 1
            if link.startswith("/"):
                current = ""
            pending += link.split("/")[::-1]
        return current

    def _parts(self, name: str) -> list[str]:
        """Splits a stored name; an unsafe one is told of and has no parts. Unpacking puts absolute names below the
        image's root, so they are harmless."""
        parts: list[str] = []
        for part in name.split("/"):
            if part == "..":
                if not parts:
                    self.problems.append(
                        Problem("unsafe-path", printable(name), "the name climbs out of the image with '..'")
                    )
                    return []
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        if "\0" in name:
            self.problems.append(Problem("unsafe-path", name, "the name has a NUL byte in it"))
            return []
        clean = printable(name)
        if clean != name:
            self.problems.append(Problem("non-utf8-name", clean, "the name is not UTF-8"))
            return [printable(part) for part in parts]
        return parts


def printable(name: str) -> str:
    """Returns a name whose bytes that are no UTF-8 are spelled out, so that every output can show it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
