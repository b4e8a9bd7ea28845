"""Holds the signs of a cause against an artifact: by what the checks found, and by questions of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdapack.diagnosed import Evidence
from lambdapack.diagnosis.catalogue import Sign
from lambdapack.diagnosis.naming import fill
from lambdapack.diagnosis.nearness import NOTHING, PACKAGE, THING, is_about, nearness
from lambdapack.diagnosis.questions import NEEDS, QUESTIONS, Answer
from lambdapack.finding import Finding, Severity

if TYPE_CHECKING:  # the inspector is large, and a message alone is diagnosed without it
    from lambdapack.checking import Subject

Named = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Examined:
    """An artifact that was looked at: all findings, the subject that they are about, the checks that could not run.
    `unreadable` says why it could not be opened; then there is nothing else."""

    findings: Sequence[Finding] = ()
    subject: Subject | None = None
    not_run: frozenset[str] = frozenset()
    unreadable: str | None = None


def findings_for(sign: Sign, named: Named, examined: Examined) -> tuple[list[Finding], bool]:
    """Returns the findings that a sign asks for, those about the very thing where there are such; and whether they
    prove it: a doubt about another part of the same package does not."""
    found = [
        (finding, _nearness(sign, finding, named)) for finding in examined.findings if _is_of(sign, finding, named)
    ]
    nearest = max((near for _, near in found), default=NOTHING)
    chosen = [finding for finding, near in found if near == nearest > NOTHING]
    return chosen, nearest > PACKAGE or any(finding.severity is Severity.ERROR for finding in chosen)


def _is_of(sign: Sign, finding: Finding, named: Named) -> bool:
    return (
        sign.code is not None
        and finding.code.startswith(sign.code)
        and all(
            finding.evidence.get(key) == (fill(value, named) if isinstance(value, str) else value)
            for key, value in sign.where.items()
        )
    )


def _nearness(sign: Sign, finding: Finding, named: Named) -> int:
    if sign.any:
        return THING if finding.severity is Severity.ERROR else PACKAGE
    if sign.about is not None:
        return THING if is_about(sign.about, finding) else NOTHING
    return nearness(finding, named)


def ask(sign: Sign, named: Named, examined: Examined) -> Answer | None:
    """Answers the question of a sign: with what shows it when it is as the sign says, with None when it is not."""
    if sign.ask == "unreadable-artifact":
        return Answer(Evidence(examined.unreadable)) if examined.unreadable else None
    if examined.subject is None or sign.ask is None or not can_answer(sign, named, examined):
        return None
    return next(QUESTIONS[sign.ask](examined.subject, named), None)


def can_answer(sign: Sign, named: Named, examined: Examined) -> bool:
    """True when the artifact could have shown what a sign is about."""
    if sign.ask == "unreadable-artifact":
        return True
    if examined.subject is None:
        return False
    if sign.code is not None:
        return not any(code.startswith(sign.code) for code in examined.not_run)
    needs = NEEDS.get(sign.ask or "", ())
    return not needs or any(named.get(key) for key in needs)
