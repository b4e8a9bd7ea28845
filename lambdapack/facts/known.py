"""Facts of files that are known from an earlier run, and those of this run for the next.

A fact is kept by the hash of what is stored of its file, so that it is known wherever that file comes again, and read
back when it is asked for. What is stored of a whole group of files (a package, its metadata) has one hash, too: while
that is the same as in an earlier run, no single file of the group has to be hashed. Facts never depend on a runtime,
unless the name under which they are kept says so; verdicts are not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from lambdapack import __version__
from lambdapack.artifact import Entry, Located, Stack, Tree
from lambdapack.facts.pickling import UNREADABLE, dumped, loaded
from lambdapack.facts.store import FactStore

_Fact = TypeVar("_Fact")
_FEW = 8  # files of a group that are asked for one by one, before all are fetched at once
_PACKAGES = ("facts", "artifact", "profiles", "profiles/data")  # what facts are read by


@dataclass(slots=True)
class FileGroup:
    """Files of a tree that came together, and what is known of them. `content` is the same for the same files,
    whenever and however they were packed; None where they cannot be told without reading them."""

    tree: Tree
    name: str
    entries: Sequence[Entry]
    content: bytes | None = None
    _row: bytes | None = None
    _whole: bool = False
    _packed: bytes = b""
    _keys: dict[str, bytes] | None = None
    _asked: int = 0
    _changed: bool = False

    @property
    def keys(self) -> dict[str, bytes]:
        """The key of each file by its path, as far as it has one."""
        if self._keys is None:
            self._keys = loaded(self._packed)
        return self._keys


@dataclass(slots=True)
class _File:
    """What is known of one file: pickled facts by their kind."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    changed: bool = False


class KnownFacts:
    """The facts of one stack's files. Without a store nothing is known, and nothing is kept."""

    def __init__(self, stack: Stack | None = None, store: FactStore | None = None) -> None:
        self._store = store
        self._trees = [] if stack is None else list(dict.fromkeys(mount.tree for mount in stack.mounts))
        self._files: dict[bytes, _File] = {}
        self._kept: dict[bytes, bytes] = {}
        self._later: dict[bytes, Callable[[], bytes | None]] = {}
        if store is not None:
            for tree in self._trees:
                tree.prepare_keys()

    @property
    def is_kept(self) -> bool:
        """True when what becomes known is known to the next run."""
        return self._store is not None

    def get(self, located: Located, kind: str, read: Callable[[], _Fact]) -> _Fact:
        """Returns a fact of a file: the known one, or else what `read` returns, which is known from then on."""
        file = self._file(located)
        if file is None:
            return read()
        blob = file.blobs.get(kind)
        if blob is not None:
            with contextlib.suppress(*UNREADABLE):
                fact: _Fact = loaded(blob)
                return fact
        fact = read()
        with contextlib.suppress(RecursionError):  # nested deeper than can be kept: it is read anew each time
            file.blobs[kind] = dumped(fact)
            file.changed = True
        return fact

    def take_in(self, located: Located, kind: str, blob: bytes) -> None:
        """Takes in a fact of a file, as bytes, that another process has read."""
        file = self._file(located)
        if file is not None:
            file.blobs[kind] = blob
            file.changed = True

    def unknown_bytes(self, suffix: str) -> int:
        """Returns the size of all files with a suffix that stand in groups of which nothing is known or was asked."""
        if self._store is None:
            entries = (entry for tree in self._trees for entry in tree.entries() if entry.is_file)
        else:
            groups = (group for group in self.groups if not group._asked and (group.content is None or group._changed))
            entries = (entry for group in groups for entry in group.entries)
        return sum(entry.size for entry in entries if entry.path.endswith(suffix))

    def has(self, located: Located, kind: str) -> bool:
        """True when a fact of a file is known."""
        file = self._file(located)
        return file is not None and kind in file.blobs

    def recall(self, key: bytes) -> bytes | None:
        """Returns what was kept under a key that says all that it depends on, None when nothing was."""
        return None if self._store is None else self._store.read((_salted(key),)).get(_salted(key))

    def keep(self, key: bytes, blob: bytes) -> None:
        """Keeps something under a key that says all that it depends on."""
        self._kept[_salted(key)] = blob

    def keep_later(self, key: bytes, blob: Callable[[], bytes | None]) -> None:
        """Keeps what there is at the end of the run under a key; nothing if that is None."""
        self._later[key] = blob

    @cached_property
    def groups(self) -> tuple[FileGroup, ...]:
        """The groups of files of all trees, in order."""
        store = self._store
        if store is None:
            return ()
        groups, rows = [], {}
        for tree in self._trees:
            for name, entries in tree.groups.items():
                group = FileGroup(tree, name, entries)
                groups.append(group)
                key = tree.group_key(name)
                if key is not None:
                    group._row = _salted(key)
                    rows[group._row] = group
        for row, blob in store.read(rows).items():
            with contextlib.suppress(*UNREADABLE):
                group = rows[row]
                group.content, group._whole, group._packed = loaded(blob)
        for group in groups:
            if group.content is None:
                _hash_files(group)
            elif group._whole:
                group.tree.trust(group.entries)
        return tuple(groups)

    def read_damages(self, stack: Stack) -> dict[str, str]:
        """Returns the files of a stack that are not what their container promises, with the reason. Reads all that was
        not read before; what is whole is known from then on."""
        groups = self.groups
        found: dict[str, str] = {}
        damaged: dict[int, set[str]] = {}
        for mount in stack.mounts:
            for entry, reason in mount.tree.damaged():
                found[mount.absolute(entry.path)] = reason
                damaged.setdefault(id(mount.tree), set()).add(entry.path)
        for group in groups:
            bad = damaged.get(id(group.tree), set())
            if not group._whole and bad.isdisjoint(entry.path for entry in group.entries):
                group._whole = group._changed = True
        return found

    def save(self) -> None:
        """Keeps what has become known."""
        if self._store is None:
            return
        rows = dict(self._kept)
        made = {_salted(key): make() for key, make in self._later.items()}
        rows |= {key: blob for key, blob in made.items() if blob is not None}
        for key, file in self._files.items():
            if file.changed:
                rows[key] = dumped(file.blobs)
                file.changed = False
        for group in self.__dict__.get("groups", ()):
            if group._changed and group._row is not None and group.content is not None:
                rows[group._row] = dumped((group.content, group._whole, group._packed or dumped(group.keys)))
                group._changed = False
        self._kept.clear()
        self._store.write(rows)

    @cached_property
    def _group_of(self) -> dict[tuple[int, str], FileGroup]:
        return {(id(group.tree), entry.path): group for group in self.groups for entry in group.entries}

    def _file(self, located: Located) -> _File | None:
        if self._store is None:
            return None
        group = self._group_of.get((id(located.tree), located.entry.path))
        key = None if group is None else group.keys.get(located.entry.path)
        if group is None or key is None:
            return None
        if key not in self._files:
            group._asked += 1
            self._fetch(self._store, (key,) if group._asked <= _FEW else group.keys.values())
        return self._files[key]

    def _fetch(self, store: FactStore, keys: Iterable[bytes]) -> None:
        wanted = [key for key in keys if key not in self._files]
        rows = store.read(wanted)
        for key in wanted:
            file = self._files[key] = _File()
            with contextlib.suppress(*UNREADABLE):
                file.blobs = loaded(rows[key]) if key in rows else {}


def _hash_files(group: FileGroup) -> None:
    """Works out the keys of a group's files, each by itself."""
    keys = [(entry.path, group.tree.key(entry)) for entry in group.entries]
    group._keys = {path: _salted(key) for path, key in keys if key is not None}
    if len(group._keys) == len(group.entries):
        group.content = hashlib.sha256(b"".join(_parts(group._keys))).digest()
        group._changed = True


def _parts(keys: dict[str, bytes]) -> Iterator[bytes]:
    for path, key in keys.items():
        name = path.encode("utf-8", "surrogatepass")
        yield b"%d " % len(name) + name + key


def _salted(key: bytes) -> bytes:
    return hashlib.sha256(_version() + key).digest()


@cache
def _version() -> bytes:
    """Changes with the code that reads facts: what an older lambdapack read is not known to a newer one."""
    digest = hashlib.sha256(__version__.encode())
    root = Path(__file__).parent.parent
    for package in _PACKAGES:
        with os.scandir(root / package) as files:
            for item in sorted(files, key=lambda item: item.name):
                if item.name.endswith((".py", ".json")):
                    status = item.stat()
                    digest.update(f"{package}/{item.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.digest()
