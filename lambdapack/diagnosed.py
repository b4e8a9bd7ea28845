"""The result of a diagnosis before it is rendered: plain data, shaped as `diagnosis.schema.json` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lambdapack.finding import Finding
from lambdapack.report import Report

Status = Literal["confirmed", "open", "ruled-out"]
Confidence = Literal["confirmed", "likely", "possible"]


@dataclass(frozen=True, slots=True)
class Message:
    """One error as a log has it: `text` cleaned of what carried it, `error_type` as Lambda names it, None where it is
    not said. `count` is how often it was said; `first` and `last` are the times as the log writes them, None without
    any; `line` is where it first stands in the input, counted from 1."""

    text: str
    error_type: str | None
    count: int
    first: str | None
    last: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One link of the chain: what was looked at in the artifact and what it showed. `code` is the check that says so,
    None where no check asks this; `path` is the file, as it stands for Lambda."""

    text: str
    code: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that may be behind a message. `status`: `confirmed` by the artifact, `ruled-out` by it, or `open`:
    there was none, or it does not show this. `fixes` are commands and changes, the first one first; `looks` how to see
    for oneself whether this is it."""

    name: str
    sentence: str
    status: Status
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A message that is understood. `pattern` names it in the catalogue, `title` says what the words mean, `misleading`
    why they do not say what is wrong (None: they do). `causes` are ranked, the ruled-out ones last. `named` is what the
    message itself tells: `module`, `soname`, `version` ... `sources` are where this was seen."""

    message: Message
    pattern: str
    title: str
    causes: tuple[Cause, ...]
    confidence: Confidence
    misleading: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    @property
    def cause(self) -> Cause | None:
        """The first cause that was not ruled out; None where the artifact rules out all of them."""
        first = self.causes[0]
        return None if first.status == "ruled-out" else first


@dataclass(frozen=True, slots=True)
class Nearest:
    """A pattern that an unknown message comes near to. `likeness` is 0 to 1."""

    pattern: str
    title: str
    likeness: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message that no pattern knows, with the nearest ones."""

    message: Message
    nearest: tuple[Nearest, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of an input. `artifact` is what it was held against, None without one; `report` its inspection,
    None where it could not even be opened: then `unreadable` says why. `also` are findings that no problem's cause
    rests on: what else is wrong. `assumed` tells what was taken from the log or inferred."""

    problems: tuple[Problem, ...]
    unknown: tuple[Unknown, ...]
    artifact: str | None = None
    runtime: str | None = None
    architecture: str | None = None
    handler: str | None = None
    report: Report | None = None
    unreadable: str | None = None
    also: tuple[Finding, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """True when at least one message has a cause."""
        return any(problem.cause is not None for problem in self.problems)
