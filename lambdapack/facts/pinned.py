"""What `poetry.lock` and `Pipfile.lock` say of each distribution: version, hashes, where it comes from, when it counts.

Both pin every distribution once for all platforms and say with markers where it belongs. Knows neither indexes nor
wheels. Sources: poetry's lock files of versions 1.1 to 2.1, `pipfile-spec` 6.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

Table = Mapping[str, Any]

MAIN = "main"
"""The group of what the project itself needs."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """One entry of a lock, by normalised name. `version` is None where only a place is given.

    `hashes`: SHA-256 in hex of the files that count as this distribution. `origin`: the lock's own table on where it
    comes from (empty: an index that is not named). `groups` is None where the lock does not say. `optional`: only
    extras ask for it. `applies`: its marker holds for the target (and the extras asked for).
    """

    name: str
    version: str | None
    hashes: frozenset[str]
    origin: Table = field(hash=False)
    groups: frozenset[str] | None
    optional: bool
    applies: bool
    requires: tuple[str, ...] = ()


def holds(marker: object, environment: Mapping[str, str], extras: Collection[str] = ("",)) -> bool:
    """Evaluates the text of a marker; None is no marker. One that cannot be read counts as true."""
    if not marker:
        return True
    try:
        parsed = Marker(str(marker))
        return any(parsed.evaluate({**environment, "extra": extra}) for extra in (*extras, ""))
    except (InvalidMarker, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName):
        return True


def poetry_entries(
    document: Table,
    environment: Mapping[str, str],
    extras: Collection[str] = (),
    chosen_groups: Collection[str] = (MAIN,),
) -> Iterator[Pinned]:
    """Yields the entries of a `poetry.lock`, as they apply to these extras and groups."""
    wanted = {canonicalize_name(extra) for extra in extras}
    by_file = document.get("metadata", {}).get("files", {})  # until lock version 1.1
    for package in document["package"]:
        groups = package.get("groups")
        if groups is None and "category" in package:  # until poetry 1.4
            groups = [MAIN if package["category"] == MAIN else "dev"]
        marker = package.get("markers")
        markers = [marker]
        if isinstance(marker, dict):  # one for each group
            markers = [marker.get(group) for group in groups or () if group in chosen_groups]
        files = package.get("files") or by_file.get(package["name"], ())
        yield Pinned(
            name=canonicalize_name(package["name"]),
            version=str(package["version"]),
            hashes=_sha256(item["hash"] for item in files),
            origin=package.get("source", {}),
            groups=None if groups is None else frozenset(groups),
            optional=bool(package.get("optional", False)),
            applies=any(holds(text, environment, wanted) for text in markers),
            requires=tuple(_edges(package.get("dependencies", {}), environment)),
        )


def pipfile_entries(document: Table, environment: Mapping[str, str]) -> Iterator[Pinned]:
    """Yields the entries of a `Pipfile.lock`; its category `default` is the group `main`."""
    for category, packages in document.items():
        if category == "_meta":
            continue
        for name, entry in packages.items():
            version = str(entry.get("version", "")).removeprefix("==").removeprefix("=")
            yield Pinned(
                name=canonicalize_name(name),
                version=version if version and version != "*" else None,
                hashes=_sha256(entry.get("hashes", ())),
                origin={key: entry[key] for key in ("git", "ref", "path", "file", "subdirectory") if key in entry},
                groups=frozenset({MAIN if category == "default" else category}),
                optional=False,
                applies=holds(entry.get("markers"), environment),
            )


def chosen_entries(
    entries: Iterable[Pinned], groups: Collection[str], optional: Iterable[str], roots: Iterable[str] | None = None
) -> list[Pinned]:
    """Returns the entries that are to be installed for these groups.

    `optional`: names that the wanted extras bring, with what those require. `roots`: what the project requires
    directly, for locks that do not say groups (poetry 1.5 to 1.8); None: everything that is not optional counts.
    """
    applying = [entry for entry in entries if entry.applies]
    by_name: dict[str, list[Pinned]] = {}
    for entry in applying:
        by_name.setdefault(entry.name, []).append(entry)
    from_extras = _reached(optional, by_name)
    from_roots = None if roots is None else _reached(roots, by_name) | from_extras
    chosen = []
    for entry in applying:
        if entry.groups is not None:
            in_group = not entry.groups.isdisjoint(groups)
        else:
            in_group = from_roots is None or entry.name in from_roots
        if in_group and (not entry.optional or entry.name in from_extras):
            chosen.append(entry)
    return chosen


def _reached(names: Iterable[str], by_name: Mapping[str, list[Pinned]]) -> set[str]:
    pending: list[str] = [canonicalize_name(name) for name in names]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += [edge for entry in by_name.get(name, ()) for edge in entry.requires]
    return seen


def _edges(dependencies: Table, environment: Mapping[str, str]) -> Iterator[str]:
    for name, wanted in dependencies.items():
        # A version, a table, or several of them for different markers.
        variants = wanted if isinstance(wanted, list) else [wanted]
        if any(not isinstance(item, dict) or holds(item.get("markers"), environment) for item in variants):
            yield canonicalize_name(name)


def extra_names(document: Table, extras: Iterable[str]) -> tuple[list[str], list[str]]:
    """Returns the distributions that extras of a `poetry.lock` bring, and those extras that it does not have."""
    known = {canonicalize_name(name): listed for name, listed in document.get("extras", {}).items()}
    found: list[str] = []
    missing: list[str] = []
    for extra in extras:
        listed = known.get(canonicalize_name(extra))
        if listed is None:
            missing.append(extra)
            continue
        for text in listed:
            try:
                found.append(canonicalize_name(Requirement(text.partition(" (")[0]).name))
            except InvalidRequirement:
                continue
    return found, missing


def _sha256(hashes: Iterable[str]) -> frozenset[str]:
    pairs = (text.partition(":") for text in hashes)
    return frozenset(digest.lower() for algorithm, _, digest in pairs if algorithm == "sha256")
