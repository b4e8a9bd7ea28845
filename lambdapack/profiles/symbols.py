"""Which names of the C-API each Python exports to extension modules: `data/python-symbols.json`, for all runtimes.

Read only when native code has to be judged by it. Does not know what native code asks for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lambdapack.profiles.loading import SCHEMA_VERSION, MalformedProfile, read_data
from lambdapack.profiles.profile import Provenance

DATA_NAME = "python-symbols.json"

PythonVersion = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PythonSymbols:
    """`pythons` are the versions that were looked at, oldest first; `history` says in which of them a name is exported.

    `stable_private` are names with a leading underscore that belong to the stable ABI all the same: like public ones,
    they come with feature releases only, where other private ones may come with a patch release.
    """

    pythons: tuple[PythonVersion, ...]
    history: Mapping[str, tuple[PythonVersion, ...]]
    stable_private: frozenset[str]
    provenance: Provenance

    def to_json(self) -> str:
        """Returns the content of the data file: names by the versions that have them."""
        spans: dict[str, list[str]] = {}
        for name, versions in sorted(self.history.items()):
            spans.setdefault(" ".join(_dotted(version) for version in versions), []).append(name)
        data = {
            "schema_version": SCHEMA_VERSION,
            "provenance": asdict(self.provenance),
            "pythons": " ".join(_dotted(version) for version in self.pythons),
            "stable_private": sorted(self.stable_private),
            "symbols": dict(sorted(spans.items())),
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse_python_symbols(text: str) -> PythonSymbols:
    """Returns what `to_json` wrote. Raises MalformedProfile for anything else."""
    try:
        data = json.loads(text)
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is not {SCHEMA_VERSION}")
        history: dict[str, tuple[PythonVersion, ...]] = {}
        for span, names in data["symbols"].items():
            history |= dict.fromkeys(names, _versions(span))
        return PythonSymbols(
            pythons=_versions(data["pythons"]),
            history=history,
            stable_private=frozenset(data["stable_private"]),
            provenance=Provenance(**data["provenance"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedProfile(f"{DATA_NAME}: {type(error).__name__}: {error}") from error


@functools.cache
def load_python_symbols() -> PythonSymbols:
    """Returns what lambdapack knows of every Python's C-API, always the same object."""
    return parse_python_symbols(read_data(DATA_NAME))


@functools.cache
def python_symbols(python: PythonVersion) -> frozenset[str] | None:
    """Returns the names that a Python exports, None for one that was not looked at."""
    known = load_python_symbols()
    if python not in known.pythons:
        return None
    return frozenset(name for name, versions in known.history.items() if python in versions)


def _versions(text: Any) -> tuple[PythonVersion, ...]:
    versions = []
    for part in text.split(" "):
        major, minor = part.split(".")
        versions.append((int(major), int(minor)))
    return tuple(versions)


def _dotted(version: PythonVersion) -> str:
    return f"{version[0]}.{version[1]}"
