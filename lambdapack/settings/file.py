"""Finds and opens the configuration file. Knows names and TOML; does not know the keys of our table."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambdapack.errors import UsageError
from lambdapack.settings.table import Table
from lambdapack.settings.wording import shown

Note = Callable[[Path], object]

EXAMPLE_TABLE = "tool.lambdapack.functions.NAME"


def search(start: Path, note: Note) -> Table | None:
    """Returns our table in the nearest configuration at or above a folder, or None; `note` hears of each candidate."""
    start = start.resolve()
    for folder in (start, *start.parents):
        own = folder / "lambdapack.toml"
        note(own)
        if own.is_file():
            return open_file(own, note)
        project = folder / "pyproject.toml"
        note(project)
        # Someone else's pyproject.toml is none of our business, not even when it is broken.
        if project.is_file() and b"lambdapack" in _bytes(project):
            table = _own_table(project, _document(project))
            if table is not None:
                return table
        if (folder / ".git").exists():
            break
    return None


def open_file(config: Path, note: Note) -> Table:
    """Returns our table of a named configuration file; raises `UsageError` when there is none in it."""
    if config.is_dir():
        raise UsageError(f"{shown(config)}: is a folder; name the pyproject.toml or lambdapack.toml itself")
    path = config.absolute()
    note(path)
    table = _own_table(path, _document(path))
    if table is None:
        raise UsageError(f"{shown(path)}: has no [tool.lambdapack]; add a table [{EXAMPLE_TABLE}]")
    return table


def _own_table(path: Path, document: dict[str, Any]) -> Table | None:
    """Our part of a file: `[tool.lambdapack]`, or the whole of one that is not a `pyproject.toml`."""
    tool = document.get("tool")
    if isinstance(tool, dict) and "lambdapack" in tool and "functions" not in document:
        return Table(path, "tool", tool).table("lambdapack")
    return None if path.name == "pyproject.toml" else Table(path, "", document)


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(path)}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{shown(path)}: is not valid TOML: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{shown(path)}: does not exist; mend the path given with --config") from error
    except OSError as error:
        raise UsageError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error
