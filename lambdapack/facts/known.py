"""Facts of files that are known from an earlier run, and those of this run for the next.

Files are taken by folders: the hash of what is stored of all files in a folder stands for the facts of each of them, so
that one changed file costs its own folder only, and a run asks for some hundred keys instead of thousands. Facts never
depend on a runtime, unless the name under which they are kept says so; verdicts are not kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import importlib
import io
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lambdapack import __version__
from lambdapack.artifact import Entry, Located, Stack, Tree
from lambdapack.facts.store import FactStore

_Fact = TypeVar("_Fact")
_WHOLE = ""  # beside the names of files, which are never empty: all checksums of the folder are right
_PACKAGE = __name__.rpartition(".")[0]


@dataclass(slots=True)
class _Folder:
    """The files directly in one folder of a tree. `blobs` are pickled facts by file name and kind."""

    key: bytes
    entries: list[Entry]
    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)
    changed: bool = False


class KnownFacts:
    """The facts of one stack's files. Without a store nothing is known, and nothing is kept."""

    def __init__(self, stack: Stack | None = None, store: FactStore | None = None) -> None:
        self._store = store
        self._folders: dict[tuple[int, str], _Folder] = {}
        if stack is not None and store is not None:
            for tree in dict.fromkeys(mount.tree for mount in stack.mounts):
                self._recognise(tree, store)

    def get(self, located: Located, kind: str, read: Callable[[], _Fact]) -> _Fact:
        """Returns a fact of a file: the known one, or else what `read` returns, which is known from then on."""
        folder_name, _, name = located.entry.path.rpartition("/")
        folder = self._folders.get((id(located.tree), folder_name))
        if folder is None:
            return read()
        blob = folder.blobs.get(name, {}).get(kind)
        if blob is not None:
            try:
                fact: _Fact = _Loader(io.BytesIO(blob)).load()
            except (pickle.UnpicklingError, AttributeError, EOFError, TypeError, ValueError, IndexError, ImportError):
                pass  # written by somebody else
            else:
                return fact
        fact = read()
        with contextlib.suppress(RecursionError):  # nested deeper than can be kept: it is read anew each time
            folder.blobs.setdefault(name, {})[kind] = _dumped(fact)
            folder.changed = True
        return fact

    def has(self, located: Located, kind: str) -> bool:
        """True when a fact of a file is known."""
        folder_name, _, name = located.entry.path.rpartition("/")
        folder = self._folders.get((id(located.tree), folder_name))
        return folder is not None and kind in folder.blobs.get(name, {})

    def read_damages(self, stack: Stack) -> dict[str, str]:
        """Returns the files of a stack that are not what their container promises, with the reason. Reads all that was
        not read before; what is whole is known from then on."""
        found: dict[str, str] = {}
        for mount in stack.mounts:
            folders = set()
            for entry, reason in mount.tree.damaged():
                found[mount.absolute(entry.path)] = reason
                folders.add(entry.path.rpartition("/")[0])
            for (tree, name), folder in self._folders.items():
                if tree == id(mount.tree) and name not in folders and _WHOLE not in folder.blobs:
                    folder.blobs[_WHOLE] = {}
                    folder.changed = True
        return found

    def save(self) -> None:
        """Keeps what has become known."""
        changed = [folder for folder in self._folders.values() if folder.changed]
        if self._store is not None:
            self._store.write({folder.key: _dumped(folder.blobs) for folder in changed})
        for folder in changed:
            folder.changed = False

    def _recognise(self, tree: Tree, store: FactStore) -> None:
        by_folder: dict[str, list[Entry]] = {}
        for entry in tree.entries():
            if entry.is_file:
                by_folder.setdefault(entry.path.rpartition("/")[0], []).append(entry)
        folders = {}
        for name, entries in by_folder.items():
            key = tree.key(entries)
            if key is not None:
                key = hashlib.sha256(_version() + key).digest()
                folders[key] = self._folders[id(tree), name] = _Folder(key, entries)
        whole: list[Entry] = []
        for key, blob in store.read(folders).items():
            try:
                folders[key].blobs = _Loader(io.BytesIO(blob)).load()
            except (pickle.UnpicklingError, EOFError):
                continue
            if _WHOLE in folders[key].blobs:
                whole += folders[key].entries
        tree.trust(whole)


def _dumped(fact: Any) -> bytes:
    stream = io.BytesIO()
    _Dumper(stream, pickle.HIGHEST_PROTOCOL).dump(fact)
    return stream.getvalue()


class _Dumper(pickle.Pickler):
    """Writes facts as their class and the values of their fields. Frozen dataclasses with slots would be made anew by
    calling Python for each field, and there are tens of thousands of them."""

    def reducer_override(self, fact: Any) -> Any:
        kind: type = type(fact)
        setters = _setters(kind)
        if setters is None:
            return NotImplemented
        return make_fact, (kind, *map(fact.__getattribute__, setters))


def make_fact(kind: type, *values: Any) -> Any:
    """Makes a fact of its class and the values of its fields, in their order."""
    setters = _setters(kind)
    if setters is None or len(setters) != len(values):
        raise pickle.UnpicklingError(f"{kind} is no fact of this version")
    fact: Any = object.__new__(kind)
    for value, set_value in zip(values, setters.values(), strict=True):
        set_value(fact, value)
    return fact


@functools.cache
def _setters(kind: type) -> dict[str, Callable[[Any, Any], None]] | None:
    """What sets each field of a dataclass with slots, by name; None for any other class."""
    if not dataclasses.is_dataclass(kind) or "__slots__" not in vars(kind):
        return None
    return {item.name: getattr(kind, item.name).__set__ for item in dataclasses.fields(kind)}


class _Loader(pickle.Unpickler):
    """Makes nothing but facts: whoever could write into the cache shall not be able to run code."""

    def find_class(self, module: str, name: str) -> Any:
        return _permitted(module, name)


@functools.cache
def _permitted(module: str, name: str) -> Any:
    if (module, name) == (__name__, make_fact.__name__):
        return make_fact
    if (module, name) == ("builtins", "frozenset"):
        return frozenset
    if module.startswith(f"{_PACKAGE}.") and not name.startswith("_"):
        found = getattr(importlib.import_module(module), name, None)
        if dataclasses.is_dataclass(found):
            return found
    raise pickle.UnpicklingError(f"{module}.{name} is no fact")


@functools.cache
def _version() -> bytes:
    """Changes with the code that reads facts: what an older lambdapack read is not known to a newer one."""
    digest = hashlib.sha256(__version__.encode())
    with os.scandir(Path(__file__).parent) as files:
        for item in sorted(files, key=lambda item: item.name):
            if item.name.endswith(".py"):
                status = item.stat()
                digest.update(f"{item.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.digest()
