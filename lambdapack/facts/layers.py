"""How layers are laid out and what they do to each other at `/opt`; what of function and layers no import can see.

Sources: AWS's "Packaging your layer content" (`python/`, `python/lib/python3.x/site-packages`, `lib/`, `bin/`) and
"Troubleshoot deployment issues" (a file in the place of another layer's folder).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lambdapack.artifact import Located, Mount, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.modules import ModuleFinder

_LAYERS = "/opt"
_FUNCTION = "/var/task"
_OTHER_PYTHON = re.compile(r"^/opt/python/lib/python(?P<version>3\.\d+)/site-packages$")
_CODE = (".py", ".so", ".pyc")
# A module, or a package with its __init__, in these places of a layer.
_ENTRY = r"(?P<name>[^/.]+)(?:\.[^/]+|/__init__\.pyc?)$"
_IN_VERSION = re.compile(rf"^(?P<place>python/lib/python3\.\d+/site-packages/){_ENTRY}")
_IN_WRAPPER = re.compile(rf"^(?P<place>(?!(?:bin|etc|extensions|include|lib|share)/)[^/]+/python/){_ENTRY}")
_AT_ROOT = re.compile(rf"^(?P<place>){_ENTRY}")

Reason = Literal["layer-root", "layer-nested", "other-python", "function"]


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A folder with importable code that no folder of `sys.path` leads to.

    `reason`: `layer-root` for code beside and not below `python/`; `layer-nested` for the same one folder too deep, or
    in a folder of another name; `other-python` for `python/lib/python3.9/site-packages` under another version, which
    `detail` names; `function` for a function laid out like a layer or an environment. `names` are what is in it.
    """

    folder: str
    origin: str
    reason: Reason
    names: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A file of one layer in the place of another one's. `kind`: `content` for another file, `folder` where one of the
    two is a folder."""

    path: str
    lower: str
    upper: str
    kind: Literal["content", "folder"]


def find_misplaced(stack: Stack, finder: ModuleFinder) -> Iterator[Misplaced]:
    """Yields code that is unreachable because of the folder that it is in, by folder."""
    for mount in stack.mounts:
        if mount.point in (_LAYERS, _FUNCTION):
            yield from _misplaced(mount, stack, finder)


def _misplaced(mount: Mount, stack: Stack, finder: ModuleFinder) -> Iterator[Misplaced]:
    installed: dict[str, list[str]] = {}
    loose: dict[str, set[str]] = {}
    for entry in mount.tree.entries():
        folder, _, file = entry.path.rpartition("/")
        if file == "METADATA" and folder.endswith(".dist-info"):
            place, _, name = mount.absolute(folder).rpartition("/")
            installed.setdefault(place, []).append(name.removesuffix(".dist-info").rpartition("-")[0])
    is_layer = mount.point == _LAYERS
    if is_layer:
        for place, name in _loose_code(mount):
            if place not in installed:
                loose.setdefault(place, set()).add(name)
    installed |= {place: sorted(names) for place, names in loose.items()}
    seen = [place for place in installed if place in finder.path]
    for place, names in sorted(installed.items()):
        if not names or place in finder.path or _is_vendored(place, mount.point, stack):
            continue
        other = _OTHER_PYTHON.match(place)
        if other is not None and any(f"{_LAYERS}/python/lib" in folder for folder in seen):
            continue  # one layer for several versions
        reason: Reason = "function"
        if is_layer:
            reason = "other-python" if other else "layer-root" if place == _LAYERS else "layer-nested"
        yield Misplaced(place, mount.tree.origin, reason, tuple(sorted(set(names))), other["version"] if other else "")


def _loose_code(mount: Mount) -> Iterator[tuple[str, str]]:
    """Yields folder and name of modules and packages where layers often have them in vain, metadata or not: at the root
    of a layer without `python/`, below `python/` in a wrapper folder, in the folder of some Python version."""
    paths = [entry.path for entry in mount.tree.entries() if entry.path.endswith(_CODE)]
    has_python = any(path.startswith("python/") for path in paths)
    for path in paths:
        match = _IN_VERSION.match(path) or (None if has_python else _IN_WRAPPER.match(path) or _AT_ROOT.match(path))
        if match is not None and match["name"].isidentifier():
            yield f"{_LAYERS}/{match['place']}".rstrip("/"), match["name"]


def _is_vendored(place: str, point: str, stack: Stack) -> bool:
    """True below a package, which finds what it brings for itself (setuptools/_vendor), and in hidden folders."""
    while place.startswith(f"{point}/"):
        if "__init__.py" in stack.names(place) or place.rpartition("/")[2].startswith("."):
            return True
        place = place.rpartition("/")[0]
    return False


def find_overlaid(mounts: Sequence[Mount]) -> Iterator[Overlaid]:
    """Yields paths that two layers have with different content, and those that are a file here and a folder there."""
    layers = [mount for mount in mounts if mount.point == _LAYERS]
    if len(layers) < 2:
        return
    holders: dict[str, Located] = {}
    folders: dict[str, str] = {}
    for mount in layers:
        own = {entry.path: entry for entry in mount.tree.entries() if not entry.is_directory}
        parents = set(_parents(own))
        for path, entry in own.items():
            lower = holders.get(path)
            upper = Located(mount.absolute(path), entry, mount.tree)
            if lower is not None and not _same(lower, upper):
                yield Overlaid(upper.path, lower.tree.origin, mount.tree.origin, "content")
            if path in folders:
                yield Overlaid(mount.absolute(path), folders[path], mount.tree.origin, "folder")
            holders[path] = upper
        for path in sorted(parents & holders.keys()):
            if holders[path].tree is not mount.tree:
                yield Overlaid(mount.absolute(path), holders[path].tree.origin, mount.tree.origin, "folder")
        folders |= dict.fromkeys(parents, mount.tree.origin)


def _parents(paths: Iterable[str]) -> Iterator[str]:
    known = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in known:
            known.add(folder)
            yield folder
            folder = folder.rpartition("/")[0]


def _same(lower: Located, upper: Located) -> bool:
    if lower.entry.is_symlink or upper.entry.is_symlink:
        return lower.entry.link == upper.entry.link
    try:
        return Stack.same_content(lower, upper)
    except UnreadableMember:
        return True  # told by another check
