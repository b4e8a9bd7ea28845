"""Distributions that stand in an artifact unfinished: sdists and wheels nobody unpacked, source trees nobody built.

Knows names and folders; opens nothing. What a distribution brings for its own use (virtualenv's seed wheels) is not
told.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from lambdapack.artifact import Stack

_NATIVE_SOURCE = re.compile(r"\.(?:pyx|c|cc|cpp|cxx|rs|f90)$")

# Further inside, a .tar.gz with a number in its name is data as likely as an sdist.
_ROOTS = ("/var/task", "/opt/python")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """`kind`: a `wheel` or an `sdist` that is still an archive, a `source` tree with its setup.py. `name` and `version`
    as the file name or folder name says them; `native`: a source tree has code that has to be compiled."""

    path: str
    kind: Literal["wheel", "sdist", "source"]
    name: str
    version: str
    native: bool = False


def find_unfinished(stack: Stack, owned: Container[str], on_path: Container[str]) -> Iterator[Unfinished]:
    """Yields what is unfinished. `owned` are the files that distributions record, `on_path` archives on `sys.path`,
    which Python can import from as they are."""
    for located in stack.files():
        path = located.path
        folder, _, name = path.rpartition("/")
        if path in owned or path in on_path:
            continue
        is_archive = name.endswith(".whl") or (name.endswith(".tar.gz") and folder in _ROOTS)
        found = _archive(path, name) if is_archive else None
        if name == "PKG-INFO" and not folder.endswith((".egg-info", ".dist-info")):
            found = _source(stack, folder)
        if found is not None and not _is_in_package(stack, folder):
            yield found


def _archive(path: str, name: str) -> Unfinished | None:
    try:
        if name.endswith(".whl"):
            wheel, version, _, _ = parse_wheel_filename(name)
            return Unfinished(path, "wheel", wheel, str(version))
        sdist, version = parse_sdist_filename(name)
    except (InvalidSdistFilename, InvalidWheelFilename):
        return None
    return Unfinished(path, "sdist", sdist, str(version))


def _source(stack: Stack, folder: str) -> Unfinished | None:
    """An unpacked sdist: it has PKG-INFO and what builds it side by side."""
    names = stack.names(folder)
    if not names & {"setup.py", "pyproject.toml"}:
        return None
    name, _, version = folder.rpartition("/")[2].rpartition("-")
    native = any(_NATIVE_SOURCE.search(path) for path in stack.located if path.startswith(f"{folder}/"))
    return Unfinished(folder, "source", name or version, version if name else "", native)


def _is_in_package(stack: Stack, folder: str) -> bool:
    while folder:
        if "__init__.py" in stack.names(folder):
            return True
        folder = folder.rpartition("/")[0]
    return False
