"""Facts of files that are known from an earlier run, and those of this run for the next.

Files are taken by folders: the hash of what is stored of all files in a folder stands for the facts of each of them, so
that one changed file costs its own folder only, and a run asks for some hundred keys instead of thousands. Facts never
depend on a runtime, unless the name under which they are kept says so; verdicts are not kept.
"""

from __future__ import annotations

import functools
import hashlib
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
        folder.blobs.setdefault(name, {})[kind] = pickle.dumps(fact, pickle.HIGHEST_PROTOCOL)
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
            self._store.write({folder.key: pickle.dumps(folder.blobs, pickle.HIGHEST_PROTOCOL) for folder in changed})
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


class _Loader(pickle.Unpickler):
    """Makes nothing but facts: whoever could write into the cache shall not be able to run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(f"{_PACKAGE}.") and not name.startswith("_"):
            found = super().find_class(module, name)
            if isinstance(found, type) and hasattr(found, "__dataclass_fields__"):
                return found
        elif (module, name) == ("builtins", "frozenset"):
            return frozenset
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
