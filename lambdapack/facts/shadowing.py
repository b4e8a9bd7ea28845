"""Code that stands behind other code of the same name on `sys.path`, and is never seen.

Knows the top-level modules of function and layers. Python takes the first package or module that it finds, whole: what
a hidden copy has and the first one has not does not exist. Only namespace packages (without `__init__`) are merged, and
any real package of the name, wherever it stands, wins over all of their parts. Source:
importlib._bootstrap_external.PathFinder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.modules import Module, ModuleFinder, is_of_runtime, is_standard_library

_MODULE = re.compile(r"\.(?:py|so|pyc)$")
# A package that looks for its parts in every folder of sys.path: pkgutil and pkg_resources.
_MERGES = re.compile(rb"\bextend_path\b|\bdeclare_namespace\b")


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A top-level module or package that is hidden. `winner` is the file that is imported, `hidden` the file or folder
    that is not. `lost` are the hidden module files that the winner has no counterpart of, `differing` those whose
    counterpart has another content, `same` the number of the others; `files` are all hidden ones."""

    name: str
    winner: str
    hidden: str
    lost: tuple[str, ...]
    differing: tuple[str, ...]
    same: int
    files: tuple[str, ...]


def find_shadowed(stack: Stack, finder: ModuleFinder) -> tuple[Shadowed, ...]:
    """Returns every hidden module of function and layers; what the runtime brings is meant to be hidden by them."""
    folders = [folder for folder in finder.path if not is_of_runtime(folder) and not is_standard_library(folder)]
    places: dict[str, list[str]] = {}
    for folder in folders:
        for name in sorted({_module_name(file) for file in stack.names(folder)} - {""}):
            if not any(other.startswith(f"{folder}/{name}/") for other in folders):
                places.setdefault(name, []).append(folder)
    found: list[Shadowed] = []
    for name, standing in places.items():
        if len(standing) > 1:
            module = finder.find(name, None)
            if module is not None and module.path is not None and not _merges(stack, module):
                found += _hidden(stack, module, standing)
    return tuple(found)


def _module_name(file: str) -> str:
    """The top-level name that a file or folder could be imported by; empty for what cannot be."""
    name = file.partition(".")[0]
    return name if name.isidentifier() and (name == file or _MODULE.search(file)) else ""


def _merges(stack: Stack, module: Module) -> bool:
    located = stack.file(module.path or "")
    if not module.is_package or located is None or not (module.path or "").endswith(".py"):
        return False
    try:
        return bool(_MERGES.search(stack.read_bytes(located)))
    except UnreadableMember:
        return True  # told by another check


def _hidden(stack: Stack, module: Module, folders: Iterable[str]) -> Iterator[Shadowed]:
    winner = module.path or ""
    root = posixpath.dirname(posixpath.dirname(winner) if module.is_package else winner)
    home = stack.resolve(f"{root}/{module.name}")
    own = _modules(stack, home) if module.is_package and home else _files(stack, root, module.name)
    for folder in folders:
        if folder == root:
            continue
        place = stack.resolve(f"{folder}/{module.name}") or f"{folder}/{module.name}"
        theirs = _modules(stack, place) if stack.is_folder(place) else _files(stack, folder, module.name)
        if not theirs or place == home:
            continue  # nothing, or a link to the same
        lost = tuple(theirs[name].path for name in sorted(theirs) if name not in own)
        both = [(theirs[name], own[name]) for name in sorted(theirs) if name in own]
        differing = tuple(one.path for one, other in both if not _same(stack, one, other))
        files = tuple(located.path for located in theirs.values())
        hidden = place if stack.is_folder(place) else next(iter(theirs.values())).path
        yield Shadowed(module.name, winner, hidden, lost, differing, len(both) - len(differing), files)


def _modules(stack: Stack, folder: str) -> dict[str, Located]:
    """The module files below a folder, by their path in it."""
    found: dict[str, Located] = {}
    pending = [folder]
    while pending:
        place = pending.pop()
        for name in stack.names(place):
            path = f"{place}/{name}"
            located = stack.located.get(path)
            if located is not None and located.entry.is_file:
                if _MODULE.search(name) and not name.endswith(".pyc"):
                    found[path.removeprefix(f"{folder}/")] = located
            elif located is not None and located.entry.is_symlink:
                continue  # may lead in a circle
            elif name != "__pycache__" and stack.is_folder(path):
                pending.append(path)
    return found


def _files(stack: Stack, folder: str, name: str) -> dict[str, Located]:
    """The files in a folder that are the module of a name."""
    files = (file for file in stack.names(folder) if file.partition(".")[0] == name and _MODULE.search(file))
    return {file: stack.located[f"{folder}/{file}"] for file in sorted(files) if f"{folder}/{file}" in stack.located}


def _same(stack: Stack, one: Located, other: Located) -> bool:
    try:
        return stack.same_content(one, other)
    except UnreadableMember:
        return True  # told by another check
