"""Which names glibc and libgcc export, on each machine: `data/system-symbols.json`, for all runtimes.

United over old and new versions: what is not in the list is in none of them. Read only when a symbol has to be judged
by it. Which symbol versions a runtime has is in its profile.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lambdapack.profiles.loading import SCHEMA_VERSION, MalformedProfile, read_data
from lambdapack.profiles.profile import Provenance

DATA_NAME = "system-symbols.json"
_EVERY = "every"


@dataclass(frozen=True, slots=True)
class SystemSymbols:
    """`libraries` are the sonames that were looked at; `names` what they export by machine (`x86_64`, `aarch64`)."""

    libraries: frozenset[str]
    names: Mapping[str, frozenset[str]]
    provenance: Provenance

    def to_json(self) -> str:
        """Returns the content of the data file: what every machine has, and then what each has besides."""
        shared = frozenset.intersection(*self.names.values())
        groups = {_EVERY: shared} | {machine: names - shared for machine, names in self.names.items()}
        data = {
            "schema_version": SCHEMA_VERSION,
            "provenance": asdict(self.provenance),
            "libraries": sorted(self.libraries),
            "symbols": {group: " ".join(sorted(names)) for group, names in sorted(groups.items())},
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse_system_symbols(text: str) -> SystemSymbols:
    """Returns what `to_json` wrote. Raises MalformedProfile for anything else."""
    try:
        data = json.loads(text)
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is not {SCHEMA_VERSION}")
        groups = {group: frozenset(names.split(" ")) for group, names in data["symbols"].items()}
        shared = groups.pop(_EVERY)
        return SystemSymbols(
            libraries=frozenset(data["libraries"]),
            names={machine: names | shared for machine, names in groups.items()},
            provenance=Provenance(**data["provenance"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedProfile(f"{DATA_NAME}: {type(error).__name__}: {error}") from error


@functools.cache
def load_system_symbols() -> SystemSymbols:
    """Returns what lambdapack knows of the C library's names, always the same object."""
    return parse_system_symbols(read_data(DATA_NAME))
