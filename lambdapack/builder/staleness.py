"""Whether a lock still is what the project asks for, told as the tool tells it that wrote the lock.

poetry and pipenv keep a digest of the relevant part of the project's file in the lock. Sources: poetry's
`Locker._get_content_hash` (poetry 1.1 to 2.5), plette's `Pipfile.get_hash` (pipenv). A `uv.lock` is uv's to judge.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lambdapack.builder.inputs import read_project
from lambdapack.errors import BuildFailed

Table = Mapping[str, Any]

_PROJECT_KEYS = ("requires-python", "dependencies", "optional-dependencies")
_LEGACY_KEYS = ("dependencies", "source", "extras", "dev-dependencies")
_PIPFILE_SECTIONS = {"source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv"}


def check_poetry(path: Path, lock: Table) -> None:
    """Raises `BuildFailed` when a `poetry.lock` is not of the `pyproject.toml` beside it."""
    project = read_project(path.parent)
    if not project:
        raise BuildFailed(f"{path}: there is no pyproject.toml beside it to hold it against")
    kept = lock.get("metadata", {}).get("content-hash")
    # Until poetry 2.2 the groups of [dependency-groups] did not count.
    if kept not in (poetry_digest(project, groups=True), poetry_digest(project, groups=False)):
        raise _stale(path, "pyproject.toml", "poetry lock")


def check_pipenv(path: Path, lock: Table) -> None:
    """Raises `BuildFailed` when a `Pipfile.lock` is not of the `Pipfile` beside it."""
    pipfile = path.with_name("Pipfile")
    try:
        document = tomllib.loads(pipfile.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BuildFailed(f"{path}: {pipfile} cannot be read to hold it against: {error.strerror or error}") from error
    except ValueError as error:
        raise BuildFailed(f"{pipfile}: is not valid TOML: {error}") from error
    meta = lock.get("_meta", {})
    if meta.get("hash", {}).get("sha256") != pipenv_digest(document, meta.get("sources", [])):
        raise _stale(path, "Pipfile", "pipenv lock")


def poetry_digest(project: Table, *, groups: bool) -> str:
    """Returns the `content-hash` that poetry writes for a `pyproject.toml`."""
    own = project.get("project", {})
    relevant_project = {key: own[key] for key in _PROJECT_KEYS if own.get(key) is not None}
    relevant_groups = project.get("dependency-groups", {}) if groups else {}
    tool = project.get("tool", {}).get("poetry", {})
    modern = bool(relevant_project or relevant_groups)
    relevant_tool = {
        key: tool.get(key)
        for key in (*_LEGACY_KEYS, "group")
        # The old keys count even where they are missing, as null, unless the project is written the new way.
        if tool.get(key) is not None or (key in _LEGACY_KEYS and not modern)
    }
    if not modern:
        return _digest(relevant_tool)
    content: dict[str, Any] = {"tool": {"poetry": relevant_tool}}
    if relevant_project:
        content["project"] = relevant_project
    if relevant_groups:
        content["dependency-groups"] = relevant_groups
    return _digest(content)


def pipenv_digest(pipfile: Table, sources: Sequence[Table]) -> str:
    """Returns the hash that pipenv writes for a `Pipfile`. `sources` count where it names none: pipenv's own default,
    which stands in the lock."""
    content: dict[str, Any] = {
        "_meta": {"sources": pipfile.get("source", sources), "requires": pipfile.get("requires", {})},
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
        **{key: value for key, value in pipfile.items() if key not in _PIPFILE_SECTIONS},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _digest(content: Table) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _stale(path: Path, of: str, command: str) -> BuildFailed:
    return BuildFailed(f"{path}: is stale: {of} has changed since it was locked", hint=f"run: {command}")
