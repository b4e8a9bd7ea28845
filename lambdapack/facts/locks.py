"""Lock files: which version of which distribution was decided on, for one target.

Reads `requirements.txt` with pins, `uv.lock`, `poetry.lock`, `Pipfile.lock` and `pylock.toml` (PEP 751). Markers are
evaluated for the target. What a lock does not say (the extras and groups that were asked for) is not guessed: such
packages may be there and need not be. Sources: uv's, poetry's and pipenv's lock files of 2026, PEP 751, pip's
requirements file format.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lambdapack.errors import UsageError
from lambdapack.facts.pinned import MAIN, Pinned, holds, pipfile_entries, poetry_entries

_INCLUDE = re.compile(r"^(?:-r|--requirement)[\s=]*(?P<path>\S+)$")
_PIN = ("==", "===")
_PROJECT = {"virtual", "editable"}  # kinds of a uv source
_LOCAL = _PROJECT | {"directory"}

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of a lock. `versions` are those that the target may have, `needed` is True when it has to be
    there."""

    name: str
    versions: frozenset[str]
    needed: bool

    def allows(self, version: str) -> bool:
        """True when the version is a locked one, however it is spelled; a build's `+local` part does not count."""
        return not self.versions or _plain(version) in map(_plain, self.versions)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file's decisions for one target, by normalised name; `path` is the file as the user named it."""

    path: str
    packages: Mapping[str, Locked]


def read_lock(path: Path, environment: Mapping[str, str]) -> Lock:
    """Reads a lock file, by its content. `environment` are the marker values of the target.

    Raises `UsageError` for a file that cannot be read or is none of the known forms.
    """
    if path.suffix in (".txt", ".in"):
        packages = _of_requirements(path, environment, set())
    else:
        table = read_table(path)
        if "lock-version" in table and "packages" in table:
            packages = _of_pylock(table, environment)
        elif "package" in table and "requires-python" in table and "version" in table:
            packages = _of_uv(table["package"], environment)
        elif "package" in table and "metadata" in table:
            packages = _of_poetry(table, environment)
        elif "_meta" in table and "default" in table:
            packages = _of_pipfile(table, environment)
        else:
            raise UsageError(
                f"{path}: is no lock file that lambdapack knows",
                hint="give a requirements.txt with pins, a uv.lock, poetry.lock, Pipfile.lock or pylock.toml",
            )
    try:
        return Lock(str(path), _merged(packages))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path}: is damaged: {type(error).__name__}: {error}", hint="give the lock file as the tool wrote it"
        ) from error


def read_table(path: Path) -> dict[str, Any]:
    """Reads a lock file that is TOML, or (`Pipfile.lock`) JSON. Raises `UsageError`."""
    text = _text(path)
    # Both are ValueErrors; a JSON document begins with a brace, and no TOML document does.
    is_json = text.lstrip().startswith("{")
    try:
        table = json.loads(text) if is_json else tomllib.loads(text)
    except ValueError as error:
        what = "JSON" if is_json else "TOML"
        raise UsageError(f"{path}: is not {what}: {error}", hint="give the lock file as the tool wrote it") from error
    return table if isinstance(table, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8") from error


def _merged(packages: Iterable[Locked]) -> dict[str, Locked]:
    found: dict[str, Locked] = {}
    for item in packages:
        known = found.get(item.name)
        found[item.name] = (
            Locked(item.name, known.versions | item.versions, known.needed or item.needed) if known else item
        )
    return found


def _plain(version: str) -> Version | str:
    try:
        return Version(Version(version).public)
    except InvalidVersion:
        return version


def _of_requirements(path: Path, environment: Mapping[str, str], seen: set[Path]) -> Iterator[Locked]:
    seen.add(path)
    text = re.sub(r"\\\r?\n", " ", _text(path))
    for raw in text.splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if match := _INCLUDE.match(line):
            included = path.parent / match["path"]
            if included not in seen:
                yield from _of_requirements(included, environment, seen)
            continue
        try:
            requirement = Requirement(re.split(r"\s--", line)[0])
        except InvalidRequirement:
            continue  # an option, or a path
        if holds(requirement.marker, environment):
            pins = frozenset(item.version for item in requirement.specifier if item.operator in _PIN)
            yield Locked(canonicalize_name(requirement.name), pins if "*" not in "".join(pins) else frozenset(), True)


def _of_pylock(table: Table, environment: Mapping[str, str]) -> Iterator[Locked]:
    groups = table.get("default-groups", [])
    for package in table["packages"]:
        needed = _applies_in_pylock(package.get("marker"), environment, groups)
        everything = [*table.get("dependency-groups", []), *groups]
        if needed or _applies_in_pylock(package.get("marker"), environment, everything, table.get("extras", [])):
            yield _locked(package, needed=needed)


def _applies_in_pylock(
    marker: str | None, environment: Mapping[str, str], groups: Iterable[str], extras: Iterable[str] = ()
) -> bool:
    if marker is None:
        return True
    values: dict[str, Any] = {**environment, "extras": set(extras), "dependency_groups": set(groups)}
    try:
        return Marker(marker).evaluate(values, context="lock_file")
    except (InvalidMarker, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName):
        return True


def _of_poetry(document: Table, environment: Mapping[str, str]) -> Iterator[Locked]:
    for entry in poetry_entries(document, environment):
        # From poetry 1.5 to 1.8 a lock does not say groups.
        main = entry.groups is not None and MAIN in entry.groups
        if entry.applies or not main:
            yield _pinned(entry, needed=main and entry.applies and not entry.optional)


def _of_pipfile(document: Table, environment: Mapping[str, str]) -> Iterator[Locked]:
    for entry in pipfile_entries(document, environment):
        main = entry.groups is not None and MAIN in entry.groups
        if entry.applies or not main:
            yield _pinned(entry, needed=main and entry.applies)


def _pinned(entry: Pinned, *, needed: bool) -> Locked:
    return Locked(entry.name, frozenset({entry.version} if entry.version else ()), needed)


def _of_uv(packages: list[Table], environment: Mapping[str, str]) -> Iterator[Locked]:
    """Follows the dependencies from the projects: a uv.lock says of each edge, not of each package, when it applies."""
    by_name: dict[str, list[Table]] = {}
    for package in packages:
        by_name.setdefault(canonicalize_name(package["name"]), []).append(package)
    roots = [package for package in packages if _PROJECT & package.get("source", {}).keys()]
    needed = set(_reached(roots, by_name, environment, optional=False)) if len(roots) == 1 else set()
    allowed = set(_reached(roots, by_name, environment, optional=True))
    # A project's own code may be installed, in whatever version it has by now.
    local = {canonicalize_name(item["name"]) for item in packages if _LOCAL & item.get("source", {}).keys()}
    yield from (Locked(name, frozenset(), needed=False) for name in sorted(local))
    for name, version in sorted(allowed | needed):
        if name not in local:
            yield Locked(name, frozenset({version}) if version else frozenset(), (name, version) in needed)


def _reached(
    roots: list[Table], by_name: Mapping[str, list[Table]], environment: Mapping[str, str], *, optional: bool
) -> Iterator[tuple[str, str]]:
    """Yields name and version of what the roots lead to; `optional`: also by their extras and dependency groups."""
    pending: list[tuple[Table, tuple[str, ...]]] = []
    for root in roots:
        pending.append((root, tuple(root.get("optional-dependencies", {})) if optional else ()))
        if optional:
            groups = [edge for edges in root.get("dev-dependencies", {}).values() for edge in edges]
            pending.append(({"dependencies": groups}, ()))
    seen: set[tuple[str, str, str]] = set()
    while pending:
        package, extras = pending.pop()
        edges = list(package.get("dependencies", ()))
        for extra in extras:
            edges += package.get("optional-dependencies", {}).get(extra, ())
        for edge in edges:
            if not holds(edge.get("marker"), environment):
                continue
            wanted = edge.get("version")
            for target in by_name.get(canonicalize_name(edge["name"]), ()):
                version = str(target.get("version", ""))
                if wanted is not None and version != wanted:
                    continue
                name = canonicalize_name(target["name"])
                yield name, version
                fresh = [item for item in ("", *edge.get("extra", ())) if (name, version, item) not in seen]
                seen.update((name, version, item) for item in fresh)
                if fresh:
                    pending.append((target, tuple(edge.get("extra", ()))))


def _locked(package: Table, *, needed: bool) -> Locked:
    version = package.get("version")
    return Locked(canonicalize_name(package["name"]), frozenset({str(version)} if version else ()), needed)
