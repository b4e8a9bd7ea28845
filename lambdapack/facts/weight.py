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
    for located in stack.files():
        found = _classify(located.path, stack)
        if found is None or located.path in reached or not is_own(located.path):
            continue
        kind, place = found
        sizes.setdefault(kind, Counter())[place] += located.entry.size
        counts[kind] += 1
    weights = (
        Weight(kind, places.total(), counts[kind], tuple(places.most_common(3))) for kind, places in sizes.items()
    )
    return tuple(sorted(weights, key=lambda weight: (-weight.size, weight.kind)))


def _classify(path: str, stack: Stack) -> tuple[WeightKind, str] | None:
    """The kind of a file and the folder to name for it: the outermost one that gives it away."""
    parts = path.split("/")
    for at, part in enumerate(parts[:-1]):
        if part.endswith((".dist-info", ".egg-info")):
            return "metadata", "/".join(parts[: at + 1])
        if part in _FOLDERS:
            place = "/".join(parts[: at + 1])
            # botocore.docs is no documentation: it is the code that writes it, and botocore imports it.
            if _FOLDERS[part] != "documentation" or "__init__.py" not in stack.names(place):
                return _FOLDERS[part], place
    name = parts[-1]
    kind = _SUFFIXES.get(name.rpartition(".")[2]) if "." in name else None
    return (kind, "/".join(parts[:4])) if kind else None
