"""Functions by the look of their code: modules with a function that takes `event` and `context`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lambdapack.discovery.found import FoundFunction

_HANDLER = re.compile(r"^def\s+(\w*handler\w*|main)\s*\(\s*_?event\b[^,()]*,\s*_?context\b", re.MULTILINE)
_NOT_CODE = frozenset(
    ("node_modules", "venv", "env", "tests", "test", "build", "dist", "site-packages", "cdk.out", "__pycache__")
)
_MOST_FILES = 5000
_MOST_DEPTH = 6


def read_code(folder: Path) -> Iterator[FoundFunction]:
    """Yields what looks like a handler; each stands in a folder of its own, or is named after its module."""
    found: list[tuple[Path, str]] = []
    for path in _modules(folder):
        match = _HANDLER.search(path.read_text(encoding="utf-8", errors="replace"))
        if match is not None:
            found.append((path, match[1]))
    folders = [path.parent for path, _ in found]
    for path, function in found:
        alone = folders.count(path.parent) == 1 and path.parent != folder
        yield FoundFunction(
            name=path.parent.name if alone else path.stem,
            origin=f"{path.relative_to(folder).as_posix()}: def {function}(event, context)",
            handler=f"{path.stem}.{function}",
            source=path.parent,
        )


def _modules(folder: Path) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _NOT_CODE and depth < _MOST_DEPTH
        )
        if "pyvenv.cfg" in files:
            folders[:] = []
            continue
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test_"):
                seen += 1
                if seen > _MOST_FILES:
                    return
                yield Path(place, name)
