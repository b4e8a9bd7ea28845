"""Runs checks on a subject and gathers what they say. Knows no single check."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from lambdapack.checking import Check, Need, Subject
from lambdapack.finding import Finding, Hit, Severity
from lambdapack.report import BUG_CODE, Skipped

_REASONS: dict[Need, str] = {
    "handler": "no handler was given, so nothing that is reached from it could be judged",
    "attempt": "no import test was run",
    "invocation": "the handler was not invoked",
    "image": "the artifact is no container image",
}


def run_checks(subject: Subject, checks: Iterable[Check]) -> tuple[tuple[Finding, ...], tuple[Skipped, ...]]:
    """Returns the findings, worst first, and the checks that could not be run with the reason."""
    findings: list[Finding] = []
    skipped = []
    for item in checks:
        missing = next((need for need in item.needs if not _has(subject, need)), None)
        if missing is not None:
            if missing == "handler":  # nobody asked for an import test, and a ZIP has nothing of an image
                skipped.append(Skipped(item.code, None, _REASONS[missing]))
            continue
        try:
            findings.extend(Finding.of(item.code, item.name, hit) for hit in item.run(subject))
        except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others found
            findings.append(_bug(item, error))
    return tuple(sorted(findings, key=lambda finding: finding.sort_key)), tuple(skipped)


def _has(subject: Subject, need: Need) -> bool:
    has: dict[Need, bool] = {
        "handler": subject.handler is not None,
        "attempt": bool(subject.attempts),
        "invocation": bool(subject.invocations),
        "image": subject.image is not None,
    }
    return has[need]


def _bug(item: Check, error: Exception) -> Finding:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    hit = Hit(
        path=None,
        message=f"the check {item.code} crashed: {type(error).__name__}: {error} ({frame.filename}:{frame.lineno})",
        fix="this is a bug of lambdapack: please report it together with the artifact's file list",
        evidence={"check": item.code, "error": type(error).__name__},
    )
    return Finding(BUG_CODE, "check-crashed", Severity.ERROR, hit.path, hit.message, hit.fix, hit.evidence, hit.chain)
