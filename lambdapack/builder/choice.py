"""Which file of each locked distribution the target gets: the wheel that stands first among its tags, or a source.

Judges by names, tags, markers and hashes alone; fetches nothing, builds nothing, and words no refusal but those about
hashes.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from packaging.pylock import Package
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.uv_command import Lock
from lambdapack.errors import BuildFailed
from lambdapack.facts.distributions import marker_environment
from lambdapack.profiles.profile import RuntimeProfile

SourceKind = Literal["sdist", "folder", "repository"]


@dataclass(frozen=True, slots=True)
class Source:
    """What a wheel has to be built from. `location` is a URL or an absolute path, `version` None where it is not known.

    `sha256` (hex) is an sdist's, `commit` a repository's; `subfolder` is where in it the project stands.
    """

    name: str
    version: str | None
    kind: SourceKind
    location: str
    sha256: str | None = None
    commit: str | None = None
    subfolder: str | None = None

    @property
    def label(self) -> str:
        """`docopt 0.6.2`: how a message names it."""
        return f"{self.name} {self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True)
class Misfit:
    """A version that has wheels (`filenames`), none of which the target accepts."""

    name: str
    version: str | None
    filenames: tuple[str, ...]

    @property
    def label(self) -> str:
        """`numpy 2.3.3`: how a message names it."""
        return f"{self.name} {self.version}" if self.version else self.name


Choice = ResolvedWheel | Source | Misfit


@dataclass(frozen=True, slots=True)
class Wanted:
    """What else counts besides the target. `hashes`: SHA-256 digests by name; when there are any, every file must be
    among them. `from_source`: names that are not taken as wheels. `extras`, `groups`: for markers of a `pylock.toml`.
    """

    hashes: Mapping[str, Collection[str]] | None = None
    from_source: frozenset[str] = frozenset()
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


def choose(lock: Lock, profile: RuntimeProfile, wanted: Wanted | None = None) -> list[Choice]:
    """Returns the choice for each distribution of a lock whose marker holds, sorted by name.

    Raises `BuildFailed` where the hashes leave none, or a file comes without one.
    """
    wanted = wanted or Wanted()
    environment: dict[str, Any] = {
        **marker_environment(profile.python, profile.machine),
        "extras": set(wanted.extras),
        "dependency_groups": set(wanted.groups),
    }
    rank = {tag: position for position, tag in enumerate(profile.wheel_tags)}
    chosen = [
        _choose(package, lock.folder, rank, wanted)
        for package in lock.pylock.packages
        if package.marker is None or package.marker.evaluate(environment, context="lock_file")
    ]
    return sorted(chosen, key=lambda choice: choice.name)


def _choose(package: Package, folder: Path, rank: Mapping[str, int], wanted: Wanted) -> Choice:
    candidates = list(_wheels(package, folder))
    if package.name in wanted.from_source or not candidates:
        return _source(package, folder, wanted)
    fitting: list[tuple[int, str, ResolvedWheel]] = []
    for wheel in candidates:
        try:
            position = _rank(parse_wheel_filename(wheel.filename)[3], rank)
        except InvalidWheelFilename:
            continue
        if position is not None:
            fitting.append((position, wheel.filename, wheel))
    if not fitting:
        version = str(package.version) if package.version else candidates[0].version
        return Misfit(str(package.name), version, tuple(wheel.filename for wheel in candidates))
    if wanted.hashes:
        fitting = [entry for entry in fitting if _is_known(package, entry[2].sha256, wanted)]
        if not fitting:
            raise _not_pinned(package, wanted, "its fitting wheels")
    best = min(fitting)[2]
    if not best.sha256:
        raise BuildFailed(
            f"{best.label}: {best.filename} comes without a SHA-256, so it cannot be verified",
            hint="use an index that publishes hashes, or give the wheel as a file",
        )
    return best


def _rank(tags: frozenset[Tag], rank: Mapping[str, int]) -> int | None:
    """The position of the best of a wheel's tags among the accepted ones, None when none is accepted."""
    return min((rank[str(tag)] for tag in tags if str(tag) in rank), default=None)


def _wheels(package: Package, folder: Path) -> Iterator[ResolvedWheel]:
    sources: list[tuple[str, str | None, str | None, Mapping[str, str], int | None]] = [
        (wheel.filename, wheel.url, wheel.path, wheel.hashes, wheel.size) for wheel in package.wheels or ()
    ]
    if (archive := package.archive) is not None:  # a requirement that names a file or URL directly
        filename = _filename(archive.path, archive.url)
        if filename.endswith(".whl"):
            sources.append((filename, archive.url, archive.path, archive.hashes, archive.size))
    for filename, url, path, digests, size in sources:
        location = _local(folder, path) if path else url or ""
        version = str(package.version) if package.version else filename.split("-")[1]
        yield ResolvedWheel(str(package.name), version, filename, location, _sha256(digests) or "", size)


def _source(package: Package, folder: Path, wanted: Wanted) -> Source:
    name, version = str(package.name), str(package.version) if package.version else None
    if (directory := package.directory) is not None:
        return Source(name, version, "folder", _local(folder, directory.path), subfolder=directory.subdirectory)
    if (vcs := package.vcs) is not None:
        location = _local(folder, vcs.path) if vcs.path else vcs.url or ""
        if vcs.type != "git":
            raise BuildFailed(
                f"{name}: comes from a {vcs.type} repository; only git is supported", hint="give a wheel or an sdist"
            )
        return Source(name, version, "repository", location, commit=vcs.commit_id, subfolder=vcs.subdirectory)
    file = package.sdist or package.archive
    if file is None:
        raise BuildFailed(
            f"{name} {version or ''}".strip() + ": has no sdist that it could be built from",
            hint="take its wheel: remove it from `from-source`",
        )
    digest = _sha256(file.hashes)
    if wanted.hashes and not _is_known(package, digest or "", wanted):
        raise _not_pinned(package, wanted, "its sdist")
    subfolder = package.archive.subdirectory if package.archive else None
    location = _local(folder, file.path) if file.path else file.url or ""
    return Source(name, version, "sdist", location, digest, subfolder=subfolder)


def _is_known(package: Package, digest: str, wanted: Wanted) -> bool:
    return digest in (wanted.hashes or {}).get(package.name, ())


def _not_pinned(package: Package, wanted: Wanted, files: str) -> BuildFailed:
    label = f"{package.name} {package.version}" if package.version else str(package.name)
    known = (wanted.hashes or {}).get(package.name)
    what = f"none of {files} is among the pinned hashes" if known else "has no hash in the requirements, others have"
    return BuildFailed(f"{label}: {what}", hint="pin the hash of the file for this target, or of none")


def _sha256(digests: Mapping[str, str]) -> str | None:
    return digests["sha256"].lower() if "sha256" in digests else None


def _filename(path: str | None, url: str | None) -> str:
    place = path or urlsplit(url or "").path
    return unquote(place.replace("\\", "/").rpartition("/")[2])


def _local(folder: Path, path: str) -> str:
    """The absolute form of a path in a lock. uv counts `..` on the path it was given, links in it or not."""
    places = [Path(os.path.normpath(start / path)) for start in (folder, folder.resolve())]
    return str(next((place for place in places if place.exists()), places[0]))
