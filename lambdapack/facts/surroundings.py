"""What surrounds the user's own code in an artifact: everything that stays the same while he works on that code.

A group of files on `sys.path` of which no distribution records any is his own. The rest has one key: the same key, the
same files of others, the same names of all files and the same runtime. Judges nothing and reads no file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdapack.artifact import Stack
from lambdapack.facts.known import FileGroup, KnownFacts
from lambdapack.facts.modules import Module
from lambdapack.profiles.profile import RuntimeProfile

_METADATA = (".dist-info", ".egg-info")
# What others can be changed by, whoever brings it: native code, byte code, search paths.
_ALWAYS = re.compile(r"\.(?:so(?:\.[0-9][^/]*)?|pyc|pth|egg-link)$")
_UNIMPORTANT = ("lifecycle", "provenance")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`own_paths` are the user's own files, `own_names` the top-level modules that they may be imported by."""

    key: bytes
    own_paths: frozenset[str]
    own_names: frozenset[str]

    def has(self, module: Module) -> bool:
        """True for a module that is none of the user's own."""
        if module.path is None and module.kind == "namespace":
            return module.name.partition(".")[0] not in self.own_names
        return module.path not in self.own_paths


def read_surroundings(
    stack: Stack,
    profile: RuntimeProfile,
    roots: Iterable[str],
    recorded: Container[str],
    known: KnownFacts,
    *circumstances: object,
) -> Surroundings | None:
    """Returns the surroundings of the user's code; None where they cannot be told from it. `roots` are the folders of
    `sys.path`, `recorded` the files of distributions, `circumstances` what else facts depend on."""
    groups = [(mount.point, group) for mount in stack.mounts for group in known.groups if group.tree is mount.tree]
    roots = tuple(roots)
    own = [pair for pair in groups if _is_own(*pair, recorded) and any(_top_names(_paths([pair]), roots))]
    shared = _names(stack, roots, _paths(own))
    own = [pair for pair in own if shared.isdisjoint(_top_names(_paths([pair]), roots))]
    paths = frozenset(_paths(own))
    places = paths | {folder for path in paths for folder in _folders(path)}
    if any(stack.resolve(path) in places for path, located in stack.located.items() if located.entry.is_symlink):
        return None
    digest = hashlib.sha256(repr((_plain(profile), roots, circumstances)).encode("utf-8", "surrogatepass"))
    digest.update("\0".join(stack.located).encode("utf-8", "surrogatepass"))
    links = [(path, located.entry.link) for path, located in stack.located.items() if located.entry.link is not None]
    digest.update(repr(links).encode())
    theirs = {id(group) for _, group in own}
    for point, group in groups:
        digest.update(f"\0{point}\0{group.name}\0".encode("utf-8", "surrogatepass"))
        if id(group) not in theirs:
            if group.content is None:
                return None
            digest.update(group.content)
            continue
        for entry in group.entries:
            if _ALWAYS.search(entry.path):
                key = group.keys.get(entry.path)
                if key is None:
                    return None
                digest.update(key)
    return Surroundings(digest.digest(), paths, frozenset(_top_names(paths, roots)))


def _is_own(point: str, group: FileGroup, recorded: Container[str]) -> bool:
    if group.name.endswith(_METADATA):
        return False
    return not any(f"{point.rstrip('/')}/{entry.path}" in recorded for entry in group.entries)


def _paths(groups: Iterable[tuple[str, FileGroup]]) -> Iterator[str]:
    return (f"{point.rstrip('/')}/{entry.path}" for point, group in groups for entry in group.entries)


def _top_names(paths: Iterable[str], roots: Iterable[str]) -> Iterator[str]:
    """Yields the names of the top-level modules that files stand in, seen from each folder of `sys.path`."""
    for path in paths:
        for root in roots:
            if path.startswith(f"{root}/"):
                yield path[len(root) + 1 :].partition("/")[0].partition(".")[0]


def _names(stack: Stack, roots: Iterable[str], own: Iterable[str]) -> frozenset[str]:
    """The top-level names that stand in folders of `sys.path` and belong to others."""
    own = set(own)
    own_places = {f"{root}/{path[len(root) + 1 :].partition('/')[0]}" for path in own for root in roots}
    return frozenset(
        name.partition(".")[0] for root in roots for name in stack.names(root) if f"{root}/{name}" not in own_places
    )


def _folders(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _plain(value: Any) -> Any:
    """Returns a value whose `repr` is the same in every process."""
    if dataclasses.is_dataclass(value):
        names = [item.name for item in dataclasses.fields(value) if item.name not in _UNIMPORTANT]
        return [(name, _plain(getattr(value, name))) for name in names]
    if isinstance(value, Mapping):
        return [(key, _plain(value[key])) for key in sorted(value)]
    if isinstance(value, frozenset | set):
        return sorted(value)
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
