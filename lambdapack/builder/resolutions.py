"""Resolutions that are kept: what a lock or pinned hashes came to, as long as every file that was read is what it was.

Only what is pinned is kept: there, no index can give another answer. What an index decides is asked anew each time, and
so is where wheels are that the store lacks: that comes with the credentials to fetch them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.store import WheelStore
from lambdapack.memo import Readings, key_of, read_kept, write_kept
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.settings import FunctionSettings

FOLDER = "resolutions"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The wheels, sorted by name; what the user has to be told (`notes`); and the folders that wheels were built from
    (`folders`): what stands in them belongs to the project. `requirements` are the inputs as they were named."""

    wheels: tuple[ResolvedWheel, ...] = ()
    notes: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    requirements: tuple[str, ...] = ()


def kept_or_resolved(
    function: FunctionSettings,
    profile: RuntimeProfile,
    store: WheelStore,
    readings: Readings,
    resolve: Callable[[Readings], Resolution],
    *,
    root: Path,
    locked: bool,
) -> Resolution:
    """Returns the kept resolution of a function's requirements, or else what `resolve` returns. `readings` is told in
    either case what it went by."""
    what = [repr(function), str(root), locked, profile.identifier, profile.wheel_tags]
    path = str(store.root / FOLDER / f"{key_of(what)}.json")
    kept = read_kept(path)
    if kept is not None:
        found = _from_data(kept)
        if found is not None and all(store.path_of(wheel).is_file() for wheel in found.wheels):
            readings.take(kept)
            return found
    own = Readings()
    resolution = resolve(own)
    if own.holds_until is None:
        write_kept(path, own, _to_data(resolution))
    readings.join(own)
    return resolution


def _to_data(resolution: Resolution) -> dict[str, object]:
    return {
        "wheels": [asdict(wheel) for wheel in resolution.wheels],
        "notes": resolution.notes,
        "built_from": [str(folder) for folder in resolution.folders],
        "requirements": resolution.requirements,
    }


def _from_data(data: Mapping[str, Any]) -> Resolution | None:
    try:
        return Resolution(
            tuple(ResolvedWheel(**wheel) for wheel in data["wheels"]),
            tuple(map(str, data["notes"])),
            tuple(map(Path, data["built_from"])),
            tuple(map(str, data["requirements"])),
        )
    except (KeyError, TypeError):
        return None  # written by somebody else
