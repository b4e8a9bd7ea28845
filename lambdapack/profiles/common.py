"""What no single runtime has to itself: `data/common.json`, for all runtimes.

The byte code of every Python, the context object of the runtime client, what stands in for modules that left the
standard library. Does not know where any of it is used.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lambdapack.profiles.loading import SCHEMA_VERSION, MalformedProfile, read_data
from lambdapack.profiles.profile import Provenance

DATA_NAME = "common.json"

_GROUPS = frozenset(("bytecode", "lambda_context", "linked_libraries", "replacements"))


@dataclass(frozen=True, slots=True)
class Replacement:
    """A distribution of PyPI that brings a module; `module` is its name there."""

    distribution: str
    module: str


@dataclass(frozen=True, slots=True)
class CommonFacts:
    """bytecode: by Python (`3.13`), the magic numbers it had while it was made and the one it was released with; the
    latter is None where it is not known. context_attributes: what some version of awslambdaric gives its LambdaContext;
    context_renamed: what people write instead, with the attribute they mean. replacements: by the name that the module
    has in the standard library. linked_libraries: by Python, the versions of libraries that its standard modules were
    seen to use on Lambda. provenance: by the name of the group."""

    bytecode: Mapping[str, tuple[int, int | None]]
    context_attributes: frozenset[str]
    context_renamed: Mapping[str, str]
    replacements: Mapping[str, Replacement]
    linked_libraries: Mapping[str, Mapping[str, str]]
    provenance: Mapping[str, Provenance]

    def python_of(self, magic: int) -> str | None:
        """Returns the Python (`3.13`) that a magic number belongs to, also one of its pre-releases; None if unknown."""
        for python, (first, final) in self.bytecode.items():
            if first <= magic <= (final or first + 49):
                return python
        return None

    def to_json(self) -> str:
        """Returns the content of the data file."""
        data = {
            "schema_version": SCHEMA_VERSION,
            "bytecode": {python: [first, final] for python, (first, final) in self.bytecode.items()},
            "context_attributes": sorted(self.context_attributes),
            "context_renamed": dict(sorted(self.context_renamed.items())),
            "replacements": {
                name: [known.distribution, known.module] for name, known in sorted(self.replacements.items())
            },
            "linked_libraries": {python: dict(known) for python, known in self.linked_libraries.items()},
            "provenance": {group: asdict(known) for group, known in sorted(self.provenance.items())},
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse_common_facts(text: str) -> CommonFacts:
    """Returns what `to_json` wrote. Raises MalformedProfile for anything else."""
    try:
        data = json.loads(text)
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is not {SCHEMA_VERSION}")
        provenance = {group: Provenance(**known) for group, known in data["provenance"].items()}
        if set(provenance) != _GROUPS:
            raise ValueError(f"provenance is wanted for {', '.join(sorted(_GROUPS))}")
        return CommonFacts(
            bytecode={python: (int(first), final) for python, (first, final) in data["bytecode"].items()},
            context_attributes=frozenset(data["context_attributes"]),
            context_renamed=dict(data["context_renamed"]),
            replacements={name: Replacement(*known) for name, known in data["replacements"].items()},
            linked_libraries={python: dict(known) for python, known in data["linked_libraries"].items()},
            provenance=provenance,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedProfile(f"{DATA_NAME}: {type(error).__name__}: {error}") from error


@functools.cache
def load_common_facts() -> CommonFacts:
    """Returns what lambdapack knows beside the profiles, always the same object."""
    return parse_common_facts(read_data(DATA_NAME))
