"""What a check says (a hit) and what the user is told (a finding).

Knows nothing about artifacts, runtimes or rendering.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = Any  # a value json.dumps takes

_METADATA_VERSION = re.compile(r"-[^/-]+(?=\.(?:dist|egg)-info(?:/|$))")
# The evidence that says what a finding is about, and not in what way it is so.
_IDENTITY = (
    "attribute",
    "distribution",
    "file",
    "function",
    "handler",
    "importer",
    "layer",
    "library",
    "module",
    "name",
    "problem",
    "quota",
    "requirement",
    "soname",
    "symbol",
    "type",
)


class Severity(StrEnum):
    """How sure and how bad: an error fails on Lambda and is proven, a doubt is a warning, the rest is info."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return ("error", "warning", "info").index(self.value)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a check found, not yet stamped with the check's code.

    `path` is where the file stands for Lambda (`/var/task/handler.py`), or None.
    `message` and `fix` are for people; `evidence` carries the same facts for tests and machines, under the
    keys `module`, `soname`, `version`, `distribution`, `name`, `function`, ... of the finding's subject.
    `chain` is the way from the handler to the place, outermost first.
    """

    path: str | None
    message: str
    fix: str
    evidence: Mapping[str, Json] = field(default_factory=dict)
    severity: Severity = Severity.ERROR
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit stamped with the code and name of the check that made it."""

    code: str
    name: str
    severity: Severity
    path: str | None
    message: str
    fix: str
    evidence: Mapping[str, Json]
    chain: tuple[str, ...]

    @classmethod
    def of(cls, code: str, name: str, hit: Hit) -> Finding:
        """Stamps a hit."""
        return cls(code, name, hit.severity, hit.path, hit.message, hit.fix, hit.evidence, hit.chain)

    @property
    def fingerprint(self) -> str:
        """The same for the same cause in the same place, whatever is said of it: see `fingerprint_of`."""
        return fingerprint_of(self.code, self.path, self.evidence)

    @property
    def sort_key(self) -> tuple[int, str, str, str]:
        """Worst first, then by code and place: the order of every output."""
        return (self.severity.rank, self.code, self.path or "", self.message)


def fingerprint_of(code: str, path: str | None, evidence: Mapping[str, Json]) -> str:
    """Returns 32 hexadecimal digits that a finding keeps from one artifact to the next.

    Wording, lines, versions, sizes and severity change with every build and are no part of it.
    """
    identity = {key: evidence[key] for key in _IDENTITY if evidence.get(key) is not None}
    place = _METADATA_VERSION.sub("", path) if path else None
    text = json.dumps([code, place, identity], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
