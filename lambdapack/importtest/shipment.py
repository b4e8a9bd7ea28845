"""Trees as one tar stream for each of Lambda's folders, made as it is read: nothing is written to disk.

Knows names, modes and links. Owners are root, as on Lambda, so that a file's mode says what Lambda's user may do.
"""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lambdapack.artifact import Entry, Tree
from lambdapack.errors import UnreadableMember
from lambdapack.importtest.materialise import Copy, merge

_DATE = 315_532_800  # 1980-01-01, as in ZIPs without dates
_CHUNK = 1 << 20


@dataclass
class Shipment:
    """What goes where. `copy` is complete once all streams have been read."""

    mounts: Mapping[str, Sequence[Tree]]
    _sizes: dict[str, int] = field(default_factory=dict, repr=False)
    _left_out: list[str] = field(default_factory=list, repr=False)
    _unreadable: list[str] = field(default_factory=list, repr=False)

    @property
    def copy(self) -> Copy:
        """What has been sent so far."""
        return Copy(dict(self._sizes), tuple(self._left_out), tuple(self._unreadable))

    def stream(self, point: str) -> Iterator[bytes]:
        """Yields the tar of what is mounted at `point`, with paths relative to it; later trees win, as layers do."""
        wanted, left_out = merge({point: self.mounts.get(point, ())})
        self._left_out += left_out
        prefix = point.rstrip("/") + "/"
        files = {path for path, (_, entry) in wanted.items() if not entry.is_directory}
        folders = {path for path, (_, entry) in wanted.items() if entry.is_directory}
        folders |= {folder for path in wanted for folder in _parents(path, prefix)}
        for path in sorted(folders - {point.rstrip("/")}):
            if path in files:
                self._left_out.append(f"{path}: is a file and a folder")
            else:
                yield _header(path.removeprefix(prefix), tarfile.DIRTYPE, 0o755)
        links: list[tuple[str, str]] = []
        for path, entry, content in _contents(wanted, self._left_out):
            if path in folders:
                continue
            if content is None:
                links.append((path, entry.link or ""))
                continue
            self._sizes[path] = len(content)
            if not entry.permissions & stat.S_IROTH:
                self._unreadable.append(path)
            yield _header(path.removeprefix(prefix), tarfile.REGTYPE, entry.permissions, size=len(content))
            for at in range(0, len(content), _CHUNK):
                yield content[at : at + _CHUNK]
            yield bytes(-len(content) % tarfile.BLOCKSIZE)
        # Last, so that no file goes through one.
        for path, target in links:
            yield _header(path.removeprefix(prefix), tarfile.SYMTYPE, 0o777, link=target)
        yield bytes(2 * tarfile.BLOCKSIZE)


def _parents(path: str, prefix: str) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder.startswith(prefix):
        yield folder
        folder = folder.rpartition("/")[0]


def _contents(
    wanted: Mapping[str, tuple[Tree, Entry]], left_out: list[str]
) -> Iterator[tuple[str, Entry, bytes | None]]:
    """Yields files with their bytes, one pass over each tree, and links with None."""
    by_tree: dict[int, tuple[Tree, dict[str, str]]] = {}
    for path, (tree, entry) in wanted.items():
        if entry.is_symlink:
            yield path, entry, None
        elif entry.is_file:
            by_tree.setdefault(id(tree), (tree, {}))[1][entry.path] = path
    for tree, paths in by_tree.values():
        entries = [entry for entry in tree.entries() if entry.path in paths and entry.is_file]
        done: set[str] = set()
        try:
            for entry, stream in tree.read(entries):
                content = stream.read()
                done.add(entry.path)
                yield paths[entry.path], entry, content
        except UnreadableMember:
            # One bad member ends the pass; the others are read one by one.
            for entry in entries:
                if entry.path not in done:
                    try:
                        content = tree.read_bytes(entry)
                    except UnreadableMember as error:
                        left_out.append(f"{paths[entry.path]}: {error}")
                    else:
                        yield paths[entry.path], entry, content


def _header(name: str, kind: bytes, mode: int, *, size: int = 0, link: str = "") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.size, member.linkname, member.mtime = kind, mode, size, link, _DATE
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
