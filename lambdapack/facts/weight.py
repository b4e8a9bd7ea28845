"""What of an artifact a function that runs has no use for, by kind, with bytes.

Goes by names of folders and files. What the handler's import reads is never counted; what it opens later is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Literal

from lambdapack.artifact import Stack

WeightKind = Literal["tests", "documentation", "metadata", "sources", "stubs", "foreign", "leftovers"]

_FOLDERS: dict[str, WeightKind] = {
    "test": "tests",
    "tests": "tests",
    "doc": "documentation",
    "docs": "documentation",
    "examples": "documentation",
    ".git": "leftovers",
    ".hg": "leftovers",
    ".svn": "leftovers",
    ".venv": "leftovers",
    "venv": "leftovers",
    ".tox": "leftovers",
    ".nox": "leftovers",
    ".idea": "leftovers",
    ".vscode": "leftovers",
    ".mypy_cache": "leftovers",
    ".pytest_cache": "leftovers",
    ".ruff_cache": "leftovers",
    ".aws-sam": "leftovers",
    ".serverless": "leftovers",
    "node_modules": "leftovers",
    "__MACOSX": "leftovers",
}
_SUFFIXES: dict[str, WeightKind] = {
    "pyi": "stubs",
    "pyx": "sources",
    "pxd": "sources",
    "pxi": "sources",
    "c": "sources",
    "cc": "sources",
    "cpp": "sources",
    "cu": "sources",
    "f90": "sources",
    "h": "sources",
    "hh": "sources",
    "hpp": "sources",
    "a": "sources",
    "dll": "foreign",
    "dylib": "foreign",
    "exe": "foreign",
    "pyd": "foreign",
}


@dataclass(frozen=True, slots=True)
class Weight:
    """All files of one kind. `largest` are the folders that hold most of it, with their bytes, largest first."""

    kind: WeightKind
    size: int
    files: int
    largest: tuple[tuple[str, int], ...]


def weigh(stack: Stack, is_own: Callable[[str], bool], reached: Container[str]) -> tuple[Weight, ...]:
    """Returns each kind of dead weight that is there, largest first. `reached` are the files that the import reads."""
    sizes: dict[WeightKind, Counter[str]] = {}
    counts: Counter[WeightKind] = Counter()
    folders: dict[str, tuple[WeightKind, str] | None] = {}
    for located in stack.files():
        folder, _, name = located.path.rpartition("/")
        if folder not in folders:
            folders[folder] = _classify_folder(folder, stack)
        found = folders[folder] or _classify_file(folder, name)
        if found is None or located.path in reached or not is_own(located.path):
            continue
        kind, place = found
        sizes.setdefault(kind, Counter())[place] += located.entry.size
        counts[kind] += 1
    weights = (
        Weight(kind, places.total(), counts[kind], tuple(places.most_common(3))) for kind, places in sizes.items()
    )
    return tuple(sorted(weights, key=lambda weight: (-weight.size, weight.kind)))


def _classify_folder(folder: str, stack: Stack) -> tuple[WeightKind, str] | None:
    """The kind of all that is in a folder, with the outermost folder that gives it away; None for a usual one."""
    parts = folder.split("/")
    for at, part in enumerate(parts):
        place = "/".join(parts[: at + 1])
        if part.endswith((".dist-info", ".egg-info")):
            return "metadata", place
        # botocore.docs is no documentation: it is the code that writes it, and botocore imports it.
        if part in _FOLDERS and (_FOLDERS[part] != "documentation" or "__init__.py" not in stack.names(place)):
            return _FOLDERS[part], place
    return None


def _classify_file(folder: str, name: str) -> tuple[WeightKind, str] | None:
    kind = _SUFFIXES.get(name.rpartition(".")[2]) if "." in name else None
    return (kind, "/".join(folder.split("/")[:4]) or "/") if kind else None
