"""From requirements to exactly one wheel per distribution, each of them accepted by the target.

uv resolves (`uv_command.py`); the choice among the wheels it offers is made here, by the tags of the runtime
profile. Nothing is downloaded, and nothing is ever compiled: what has no wheel fails, and says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.pylock import Package
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.requirements import RequirementDetails, read_details
from lambdapack.builder.uv_command import (
    Lock,
    NoWheel,
    UvRefused,
    compile_lock,
    offered_wheels,
    short_reason,
    why_no_wheel,
)
from lambdapack.errors import BuildFailed
from lambdapack.facts.distributions import marker_environment
from lambdapack.memo import INDEX_ANSWERS_HOLD, Readings
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

_MOST_SHOWN = 4
_NEVER_COMPILED = "lambdapack never compiles on the host for a foreign target"


def resolve(
    files: Sequence[Path],
    lines: Sequence[str],
    profile: RuntimeProfile,
    *,
    folder: Path,
    scratch: Path,
    progress: Progress = silent,
    readings: Readings | None = None,
) -> tuple[ResolvedWheel, ...]:
    """Resolves requirement files and requirement strings; returns the wheels sorted by name.

    `folder` is where uv looks for its configuration and relative paths start; `scratch` takes temporary files.
    Raises `BuildFailed` when there is no solution, no fitting wheel, or no index to ask.
    """
    if not files and not lines:
        return ()
    progress(f"resolving for {target_words(profile)}")
    readings = readings if readings is not None else Readings(noting=False)
    details = read_details(files, lines, folder)
    for file in (*files, *details.files):
        readings.file(file)
    _note_settings_of_uv(folder, readings)
    try:
        lock = compile_lock(files, lines, profile, folder=folder, scratch=scratch)
    except UvRefused as refusal:
        raise _explained(refusal, profile, details, folder, scratch) from None
    wheels = choose_wheels(lock, profile, details.hashes)
    _note_origins(wheels, readings, pinned=bool(details.hashes))
    return wheels


def choose_wheels(
    lock: Lock, profile: RuntimeProfile, hashes: Mapping[str, set[str]] | None = None
) -> tuple[ResolvedWheel, ...]:
    """Takes for each package of a lock the wheel that stands first in the profile's order of tags.

    `hashes`, when there are any, must know every chosen wheel: pip's rule for requirement files with hashes.
    """
    environment = marker_environment(profile.python, profile.machine)
    rank = {tag: position for position, tag in enumerate(profile.wheel_tags)}
    chosen = [
        _choose(package, lock.folder, rank, profile, hashes or {})
        for package in lock.pylock.packages
        if package.marker is None or package.marker.evaluate(environment, context="lock_file")
    ]
    return tuple(sorted(chosen, key=lambda wheel: wheel.name))


def _note_settings_of_uv(folder: Path, readings: Readings) -> None:
    """Notes where uv reads its settings (docs.astral.sh/uv/concepts/configuration-files)."""
    for place in (folder.resolve(), *folder.resolve().parents):
        readings.file(place / "uv.toml")
        readings.file(place / "pyproject.toml")
    own = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    for path in (Path(own, "uv/uv.toml"), Path("/etc/xdg/uv/uv.toml"), Path("/etc/uv/uv.toml")):
        readings.file(path)
    for variable in ("APPDATA", "SYSTEMDRIVE"):
        if os.environ.get(variable):
            readings.doubt(f"uv may read settings below {variable}")
    if os.environ.get("UV_CONFIG_FILE"):
        readings.file(Path(folder, os.environ["UV_CONFIG_FILE"]))


def _note_origins(wheels: Sequence[ResolvedWheel], readings: Readings, *, pinned: bool) -> None:
    """Hashes pin every wheel (`choose_wheels`); without them, what an index or a folder offers is an input, too."""
    if pinned:
        return
    if any(urlsplit(wheel.location).scheme not in ("http", "https") for wheel in wheels):
        readings.doubt("wheels come from a folder, which may have others next time")
    readings.until(time.time() + INDEX_ANSWERS_HOLD)


def target_words(profile: RuntimeProfile) -> str:
    """`python3.13 x86_64 (glibc ≤ 2.34)`: how messages name the target."""
    glibc = ".".join(map(str, profile.glibc[:2]))
    return f"{profile.runtime} {profile.architecture} (glibc ≤ {glibc})"


def tag_rank(tags: frozenset[Tag], rank: Mapping[str, int]) -> int | None:
    """Returns the position of the best of a wheel's tags among the accepted ones, None when none is accepted."""
    return min((rank[str(tag)] for tag in tags if str(tag) in rank), default=None)


def _choose(
    package: Package, folder: Path, rank: Mapping[str, int], profile: RuntimeProfile, hashes: Mapping[str, set[str]]
) -> ResolvedWheel:
    candidates = _candidates(package, folder)
    label = f"{package.name} {package.version}" if package.version else str(package.name)
    if not candidates:
        raise _no_wheel_at_all(package, label)
    fitting: list[tuple[int, str, ResolvedWheel]] = []
    for wheel in candidates:
        try:
            position = tag_rank(parse_wheel_filename(wheel.filename)[3], rank)
        except InvalidWheelFilename:
            continue
        if position is not None:
            fitting.append((position, wheel.filename, wheel))
    if not fitting:
        raise _does_not_fit(label, [wheel.filename for wheel in candidates], profile)
    if hashes:
        known = hashes.get(package.name, set())
        fitting = [entry for entry in fitting if entry[2].sha256 in known]
        if not fitting:
            what = "none of its fitting wheels is among the pinned hashes" if known else "has no hash, others have"
            raise BuildFailed(
                f"{label}: {what} in the requirements", hint="pin the hash of the wheel for this target, or of none"
            )
    best = min(fitting)[2]
    if not best.sha256:
        raise BuildFailed(
            f"{best.label}: {best.filename} comes without a SHA-256, so it cannot be verified",
            hint="use an index that publishes hashes, or give the wheel as a file",
        )
    return best


def _candidates(package: Package, folder: Path) -> list[ResolvedWheel]:
    sources: list[tuple[str, str | None, str | None, Mapping[str, str], int | None]] = [
        (wheel.filename, wheel.url, wheel.path, wheel.hashes, wheel.size) for wheel in package.wheels or ()
    ]
    if (archive := package.archive) is not None:  # a requirement that names a file or URL directly
        place = archive.path or urlsplit(archive.url or "").path
        filename = unquote(place.replace("\\", "/").rpartition("/")[2])
        if filename.endswith(".whl"):
            sources.append((filename, archive.url, archive.path, archive.hashes, archive.size))
    found = []
    for filename, url, path, digests, size in sources:
        location = _local(folder, path) if path else url or ""
        version = str(package.version) if package.version else filename.split("-")[1]
        digest = digests.get("sha256", "").lower()
        found.append(ResolvedWheel(str(package.name), version, filename, location, digest, size))
    return found


def _local(folder: Path, path: str) -> str:
    """The absolute form of a path in a lock. uv counts `..` on the path it was given, links in it or not."""
    places = [Path(os.path.normpath(start / path)) for start in (folder, folder.resolve())]
    return str(next((place for place in places if place.is_file()), places[0]))


def _no_wheel_at_all(package: Package, label: str) -> BuildFailed:
    if package.directory is not None:
        return BuildFailed(
            f"{label}: is a folder ({package.directory.path}), not a wheel: {_NEVER_COMPILED}",
            hint="list the package under `shared`, or give a wheel that was built for the target",
        )
    if package.vcs is not None:
        return BuildFailed(
            f"{label}: comes from a {package.vcs.type} repository and has no wheel: {_NEVER_COMPILED}",
            hint="give a wheel that was built for the target, e.g. in the official base image",
        )
    if package.sdist is not None:  # uv was told to take wheels only, but a requirement file has the last word
        return BuildFailed(
            f"{label}: the requirements ask for its sdist (--no-binary): {_NEVER_COMPILED}",
            hint="remove --no-binary from the requirements",
        )
    return _sdist_only(label)


def _sdist_only(label: str, wanted_by: str = "") -> BuildFailed:
    return BuildFailed(
        f"{label} has no wheel (sdist only): {_NEVER_COMPILED}{wanted_by}",
        hint="take a version that has a wheel, or build one in the official base image and name the .whl file",
    )


def _does_not_fit(label: str, filenames: Sequence[str], profile: RuntimeProfile, wanted_by: str = "") -> BuildFailed:
    return BuildFailed(
        f"{label}: no wheel fits {target_words(profile)}; on offer: {_shown_tags(filenames, profile)}{wanted_by}",
        hint="pin a version that has a wheel for the target, or take a runtime that one of these fits",
    )


def _shown_tags(filenames: Sequence[str], profile: RuntimeProfile) -> str:
    """The tags of a few wheels, those nearest to the target first: same machine, then Linux, then the rest."""
    tags = ["-".join(name.removesuffix(".whl").split("-")[-3:]) for name in filenames]
    own_python = f"cp{profile.python[0]}{profile.python[1]}"

    def distance(tag: str) -> tuple[bool, bool, bool, bool, str]:
        python, _, platform = tag.split("-", 2) if tag.count("-") >= 2 else (tag, "", "")
        return (
            profile.machine not in platform,
            "manylinux" not in platform and "any" not in platform,
            python != own_python,
            python.endswith("t") or "t-" in tag,
            tag,
        )

    ordered = sorted(set(tags), key=distance)
    more = f" and {len(ordered) - _MOST_SHOWN} more" if len(ordered) > _MOST_SHOWN else ""
    return ", ".join(ordered[:_MOST_SHOWN]) + more


def _explained(
    refusal: UvRefused, profile: RuntimeProfile, details: RequirementDetails, folder: Path, scratch: Path
) -> BuildFailed:
    """Turns uv's refusal into one line. "no usable wheels" means two things to a user, so uv is asked which."""
    missing: NoWheel | None = why_no_wheel(refusal.stderr)
    if missing is not None and missing.name in details.direct:
        return _does_not_fit(missing.name, [details.direct[missing.name]], profile)
    if missing is not None:
        offer = offered_wheels(
            missing.name, missing.version, profile, options=details.index_options, folder=folder, scratch=scratch
        )
        if offer is not None:
            version, filenames = offer
            wanted_by = f"; {missing.parent} requires it" if missing.parent else ""
            label = f"{missing.name} {version}" if version else missing.name
            if not filenames:
                return _sdist_only(label, wanted_by)
            return _does_not_fit(label, filenames, profile, wanted_by)
    reason = short_reason(refusal.stderr)
    unreachable = "Failed to fetch" in reason or "network was disabled" in refusal.stderr
    return BuildFailed(
        f"uv cannot resolve the requirements for {target_words(profile)}: {reason}",
        hint="check the network, the index and its credentials" if unreachable else None,
    )
