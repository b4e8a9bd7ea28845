"""What scans of the official images add to the profiles that are made from written sources.

A scan is one file of `profile_sources/scans`, which `scan_images.py` writes. It tells what the files of a base image
tell, and nothing of the managed runtime: what is known of that stays. A group that somebody sourced by hand and that is
`confirmed` stays as it is where a scan says otherwise, until the scan's `replaces` names it; what is derived or
unconfirmed is replaced. Knows profiles and scans; reads no image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lambdapack.profiles import Preinstalled, Provenance, RuntimeProfile, SystemLibrary
from lambdapack.workflows.runtime_scan import RuntimeScan

GROUPS = ("operating_system", "glibc", "symbol_ceilings", "libraries", "stdlib_modules", "preinstalled")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A group that was sourced by hand, and of which a scan says something else."""

    identifier: str
    group: str
    by_hand: Provenance
    scanned: str

    def __str__(self) -> str:
        return (
            f"{self.identifier}: {self.group}: {self.scanned} says otherwise than what was sourced by hand and stays "
            f"({self.by_hand.source}, {self.by_hand.date}); --replace {self.group} takes the scan"
        )


def record_of(scan: RuntimeScan, source: str, day: str, replaces: tuple[str, ...]) -> str:
    """Returns the content of a scan's file; `source` names the image, `day` is the date (2026-11-21)."""
    profile = scan.profile
    record = {
        "source": source,
        "digest": scan.digest,
        "date": day,
        "replaces": sorted(replaces),
        "operating_system": profile.operating_system,
        "glibc": list(profile.glibc),
        "wheel_tags": list(profile.wheel_tags),
        "symbol_ceilings": {prefix: list(version) for prefix, version in sorted(profile.symbol_ceilings.items())},
        "libraries": sorted(profile.libraries),
        "stdlib_modules": sorted(profile.stdlib_modules),
        "preinstalled": dict(sorted(scan.distributions.items())),
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def with_scan(profile: RuntimeProfile, folder: Path) -> tuple[RuntimeProfile, list[Conflict]]:
    """Returns the profile with what its scan adds, if there is one, and where the two disagree and the scan lost."""
    path = folder / f"{profile.identifier}.json"
    if not path.is_file():
        return profile, []
    record = json.loads(path.read_text("utf-8"))
    seen = Provenance(f"scan of {record['source']}", record["date"], "confirmed", record["digest"] or "")
    conflicts: list[Conflict] = []
    for group in GROUPS:
        changed = replace(profile, **_values(profile, group, record))
        by_hand = profile.provenance[group]
        if changed == profile and by_hand.knowledge == "confirmed":
            continue  # two sources say the same: the first one stays named
        if changed != profile and by_hand.knowledge == "confirmed" and group not in record["replaces"]:
            conflicts.append(Conflict(profile.identifier, group, by_hand, seen.source))
            continue
        profile = replace(changed, provenance={**profile.provenance, group: seen})
    return profile, conflicts


def _values(profile: RuntimeProfile, group: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a group as the scan has them."""
    match group:
        case "operating_system":
            return {"operating_system": record["operating_system"]}
        case "glibc":
            return {"glibc": tuple(record["glibc"]), "wheel_tags": tuple(record["wheel_tags"])}
        case "symbol_ceilings":
            # Functions may be pinned to an older patch level: what was known to be lower stays the safe ceiling.
            newest = {prefix: tuple(version) for prefix, version in record["symbol_ceilings"].items()}
            lowest = {prefix: min(newest.get(prefix, old), old) for prefix, old in profile.symbol_ceilings.items()}
            return {"symbol_ceilings": lowest, "symbol_ceilings_newest": newest}
        case "libraries":
            return {"libraries": dict(_libraries(profile, frozenset(record["libraries"])))}
        case "stdlib_modules":
            return {"stdlib_modules": frozenset(record["stdlib_modules"])}
    return {"preinstalled": tuple(_preinstalled(profile, record["preinstalled"]))}


def _libraries(profile: RuntimeProfile, found: frozenset[str]) -> list[tuple[str, SystemLibrary]]:
    """Those of the image, with what is known of the managed runtime; of that also what the image has not."""
    known = {name: library.in_managed for name, library in profile.libraries.items()}
    names = found | {name for name, in_managed in known.items() if in_managed}
    return [(name, SystemLibrary(name, in_image=name in found, in_managed=known.get(name))) for name in sorted(names)]


def _preinstalled(profile: RuntimeProfile, found: Mapping[str, str]) -> list[Preinstalled]:
    """Known distributions in the version that the image has; others are in the image, and not certainly for a ZIP."""
    known = {item.name: item for item in profile.preinstalled}
    items = [replace(item, version=found.get(name, item.version)) for name, item in known.items()]
    items += [
        Preinstalled(name, version, (name.replace("-", "_"),), certain=False)
        for name, version in found.items()
        if name not in known
    ]
    return sorted(items, key=lambda item: item.name)
