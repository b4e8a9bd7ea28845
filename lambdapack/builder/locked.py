"""Reads locks for a build: every form comes out as one `Lock` with places and hashes, changed in nothing.

A `uv.lock` is exported by uv; a `pylock.toml` is what we read anyway. `poetry.lock` and `Pipfile.lock` name versions
and hashes but no places: uv is asked for exactly these versions, and what it finds has to have these hashes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from lambdapack.builder.choice import Wanted
from lambdapack.builder.inputs import Inputs, read_project, requirement_inputs
from lambdapack.builder.staleness import check_pipenv, check_poetry
from lambdapack.builder.uv_command import Limits, Lock, UvRefused, compile_lock, export_lock, parse_lock, short_reason
from lambdapack.errors import BuildFailed, UsageError
from lambdapack.facts.distributions import marker_environment
from lambdapack.facts.locks import read_table
from lambdapack.facts.pinned import MAIN, Pinned, chosen_entries, extra_names, pipfile_entries, poetry_entries
from lambdapack.profiles.profile import RuntimeProfile

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock, and what besides the target decides which of its files are taken. `indexes`: options that name the
    indexes of the lock; their URLs may hold credentials."""

    lock: Lock
    wanted: Wanted
    indexes: tuple[str, ...] = field(default=(), repr=False)


def read_locked(inputs: Inputs, profile: RuntimeProfile, *, scratch: Path, locked: bool) -> Locked:
    """Reads the lock of inputs that are one. `locked`: it must still be what the project asks for.

    Raises `BuildFailed` when it is stale, damaged or not for the target's Python, `UsageError` for extras and groups
    that it does not have.
    """
    path = inputs.files[0]
    wanted = Wanted(from_source=inputs.from_source)
    try:
        if inputs.kind == "uv":
            return Locked(_for_python(path, _exported(inputs, scratch, locked=locked), profile), wanted)
        if inputs.kind == "pylock":
            return _pylock(inputs, profile)
        table = read_table(path)
        if locked:
            (check_poetry if inputs.kind == "poetry" else check_pipenv)(path, table)
        return _pinned(inputs, table, profile, scratch)
    except UsageError as error:
        raise BuildFailed(str(error), hint=error.hint) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BuildFailed(
            f"{path}: is damaged: {type(error).__name__}: {error}", hint="give the lock file as the tool wrote it"
        ) from error


def _exported(inputs: Inputs, scratch: Path, *, locked: bool) -> Lock:
    path = inputs.files[0]
    try:
        return export_lock(inputs, scratch=scratch, locked=locked)
    except UvRefused as refusal:
        if "needs to be updated" in refusal.stderr:
            words = f"{path}: is stale: the project has changed since it was locked"
            raise BuildFailed(words, hint="run: uv lock") from None
        raise BuildFailed(f"{path}: {short_reason(refusal.stderr)}") from None


def _pylock(inputs: Inputs, profile: RuntimeProfile) -> Locked:
    path = inputs.files[0]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildFailed(f"{path}: cannot be read: {error}") from error
    lock = _for_python(path, parse_lock(text, path.parent), profile)
    _refuse_unknown(path, "extra", inputs.extras, lock.pylock.extras or ())
    _refuse_unknown(path, "group", inputs.groups, lock.pylock.dependency_groups or ())
    environment = marker_environment(profile.python, profile.machine)
    environments = lock.pylock.environments or ()
    if environments and not any(marker.evaluate(environment) for marker in environments):
        raise BuildFailed(
            f"{path}: is locked for other environments than {profile.runtime} {profile.architecture}",
            hint="lock again for Linux and this Python",
        )
    # PEP 751: default-groups stand for the project itself, which is meant where nothing else is.
    groups = {*inputs.groups, *(lock.pylock.default_groups or ())}
    wanted = Wanted(from_source=inputs.from_source, extras=frozenset(inputs.extras), groups=frozenset(groups))
    return Locked(lock, wanted)


def _for_python(path: Path, lock: Lock, profile: RuntimeProfile) -> Lock:
    wanted: SpecifierSet | None = lock.pylock.requires_python
    # Any patch version will do: Lambda updates them by itself.
    if wanted is not None and not any(wanted.contains(f"{profile.runtime[6:]}.{patch}") for patch in (0, 99)):
        raise BuildFailed(
            f"{path}: is locked for Python {wanted}, the target is {profile.runtime}",
            hint="choose another runtime, or widen requires-python and lock again",
        )
    return lock


def _pinned(inputs: Inputs, table: dict[str, Any], profile: RuntimeProfile, scratch: Path) -> Locked:
    path = inputs.files[0]
    environment = marker_environment(profile.python, profile.machine)
    if inputs.kind == "poetry":
        entries = _of_poetry(inputs, table, environment)
        places = {str(entry.origin["url"]) for entry in entries if entry.origin.get("type") == "legacy"}
        indexes = tuple(f"--extra-index-url {url}" for url in sorted(places) if not _is_pypi(url))
    else:
        groups = [MAIN, *inputs.groups]
        _refuse_unknown(path, "group", inputs.groups, [key for key in table if key not in ("_meta", "default")])
        entries = chosen_entries(pipfile_entries(table, environment), groups, ())
        indexes = tuple(_pipfile_indexes(table))
    lines = [_requirement(entry, path) for entry in entries]
    pinned_by_hash = all(entry.hashes for entry in entries if " @ " not in _requirement(entry, path))
    try:
        lock = compile_lock(
            requirement_inputs(inputs.folder, strings=tuple(lines)),
            profile,
            scratch=scratch,
            limits=Limits(dependencies=False),
            indexes=indexes,
            # Where hashes decide, it is the same file whichever index has it.
            options=("--index-strategy=unsafe-best-match",) if indexes and pinned_by_hash else (),
        )
    except UvRefused as refusal:
        raise BuildFailed(f"{path}: {short_reason(refusal.stderr)}") from None
    hashes = {entry.name: entry.hashes for entry in entries if entry.hashes}
    unhashed = {str(package.name) for package in lock.pylock.packages if package.directory or package.vcs}
    missing = sorted({entry.name for entry in entries} - hashes.keys() - unhashed)
    if hashes and missing:
        raise BuildFailed(f"{path}: has no SHA-256 for {', '.join(missing)}", hint="lock again")
    return Locked(lock, Wanted(hashes=hashes, from_source=inputs.from_source), indexes)


def _of_poetry(inputs: Inputs, table: dict[str, Any], environment: dict[str, str]) -> list[Pinned]:
    path = inputs.files[0]
    optional, missing = extra_names(table, inputs.extras)
    if missing:
        _refuse_unknown(path, "extra", missing, table.get("extras", {}))
    groups = [MAIN, *inputs.groups]
    entries = list(poetry_entries(table, environment, inputs.extras, groups))
    roots = None
    if any(entry.groups is None for entry in entries):
        roots = list(_poetry_roots(read_project(path.parent), inputs.groups))
    elif inputs.groups:
        known = {group for entry in entries for group in entry.groups or ()}
        _refuse_unknown(path, "group", inputs.groups, known)
    return chosen_entries(entries, groups, optional, roots)


def _poetry_roots(project: dict[str, Any], groups: Iterable[str]) -> Iterator[str]:
    """What the project and the chosen groups require directly; locks of poetry 1.5 to 1.8 do not say."""
    tool = project.get("tool", {}).get("poetry", {})
    tables = [tool.get("dependencies", {})]
    tables += [tool.get("group", {}).get(group, {}).get("dependencies", {}) for group in groups]
    for table in tables:
        yield from (name for name in table if name != "python")
    for text in project.get("project", {}).get("dependencies", ()):
        if match := _NAME.match(text):
            yield match[0]


def _requirement(entry: Pinned, path: Path) -> str:
    """A line that asks for exactly this entry."""
    origin = entry.origin
    kind = str(origin.get("type", ""))
    if kind == "git" or "git" in origin:
        url = str(origin.get("git") or origin["url"])
        commit = origin.get("resolved_reference") or origin.get("ref") or origin.get("reference") or "HEAD"
        folder = origin.get("subdirectory")
        url = url if "://" in url else re.sub(r"^([\w.-]+@[^:/]+):", r"ssh://\1/", url)
        return f"{entry.name} @ git+{url}@{commit}" + (f"#subdirectory={folder}" if folder else "")
    if kind in ("directory", "file") or "path" in origin or ("file" in origin and "://" not in str(origin["file"])):
        place = str(origin.get("path") or origin.get("file") or origin["url"])
        target = Path(os.path.normpath(path.parent / place))
        return f"{entry.name} @ {target.as_uri()}"
    if kind == "url" or "file" in origin:
        return f"{entry.name} @ {origin.get('url') or origin['file']}"
    if entry.version is None:
        raise BuildFailed(f"{path}: {entry.name} is not pinned to a version", hint="lock again")
    return f"{entry.name}=={entry.version}"


def _pipfile_indexes(table: dict[str, Any]) -> Iterator[str]:
    """The indexes of a `Pipfile.lock`, the first of which takes the place of PyPI. `${VARIABLES}` are filled in."""
    for position, source in enumerate(table["_meta"].get("sources", ())):
        url = _VARIABLE.sub(lambda match: os.environ.get(match[1] or match[2], match[0]), str(source["url"]))
        if not _is_pypi(url):
            yield f"--{'index-url' if position == 0 else 'extra-index-url'} {url}"


def _is_pypi(url: str) -> bool:
    """True for PyPI, the index that uv asks unless it is told otherwise: the user's own default stands for it."""
    return re.fullmatch(r"pypi\.[a-z]{3}", urlsplit(url).hostname or "") is not None


def _refuse_unknown(path: Path, what: str, asked: Iterable[str], known: Iterable[str]) -> None:
    names = sorted(known)
    have = {canonicalize_name(name) for name in names}
    for name in asked:
        if canonicalize_name(name) not in have:
            listed = f"it has {', '.join(names)}" if names else "it has none"
            raise BuildFailed(f"{path}: has no {what} {name!r}; {listed}")
