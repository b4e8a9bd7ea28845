"""Why something is in an artifact: plain data, shaped as `why.schema.json` says. Knows not how it was found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["distribution", "module", "file"]


@dataclass(frozen=True, slots=True)
class Bringer:
    """A distribution that requires another one, with the requirement as it is written."""

    name: str
    version: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Part:
    """A distribution or module with the bytes of its files."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Why one thing is in one artifact.

    `path` is a file's place on Lambda, None for a distribution; `owner` the distribution of a file, None for the
    project's own. `reason` is one sentence. `chain` leads from the handler to it, empty when nothing the handler
    imports reaches it. `required_by` are the distributions that ask for it. `bytes` and `files` are its own;
    `milliseconds` of importing it (its own modules, without what they import), None without an import test.
    `would_drop` is what nothing else needs, largest first.
    """

    kind: Kind
    name: str
    version: str | None
    path: str | None
    owner: str | None
    reason: str
    chain: tuple[str, ...]
    required_by: tuple[Bringer, ...]
    bytes: int
    files: int
    milliseconds: float | None
    would_drop: tuple[Part, ...]
