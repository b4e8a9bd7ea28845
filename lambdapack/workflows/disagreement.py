"""Holds the two halves against each other: what inspection says of the handler's import, and what a real import did.

One of them is wrong where they differ, and the user is told so, whatever it means for the verdict.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lambdapack.catalogue import all_checks
from lambdapack.checking import Subject
from lambdapack.engine import run_checks
from lambdapack.finding import Finding, Severity

if TYPE_CHECKING:
    from lambdapack.facts.attempts import ImportAttempt

# The checks whose errors say that the import fails, or that nothing is imported at all. Others are about sizes, or
# about what happens when the handler is invoked.
_OF_THE_IMPORT = re.compile(r"ELF00[1-9]|IMP00[1-8]")
_NOT_OF_THE_ARTIFACT = ("RUN", "BUG")


def disagreements(subject: Subject, artifact: str, judged: Sequence[Finding], codes: Iterable[str]) -> Iterator[str]:
    """Yields one line where an attempt ended otherwise than inspection says. `judged` are the findings that there are,
    `codes` those of the checks that were run: the others are run here, and count for nothing else."""
    attempts = [attempt for attempt in subject.attempts if attempt.status != "not-run"]
    if not attempts:
        return
    done = set(codes)
    rest = [item for item in all_checks() if item.code not in done and not {"attempt", "invocation"} & set(item.needs)]
    findings, _ = run_checks(subject, rest)
    seen = [finding for finding in (*judged, *findings) if not finding.code.startswith(_NOT_OF_THE_ARTIFACT)]
    errors = [finding for finding in seen if finding.severity is Severity.ERROR]
    nothing = "no error" if any(finding.severity is Severity.WARNING for finding in seen) else "nothing"
    for attempt in attempts:
        if attempt.status == "failed" and not attempt.wants_network and not errors:
            yield f"inspect saw {nothing}, the import failed ({_words(attempt)}): {_report(subject, artifact)}"
        wrong = sorted({finding.code for finding in errors if _OF_THE_IMPORT.fullmatch(finding.code)})
        if attempt.status == "ok" and wrong:
            says = f"inspect says that the import fails ({', '.join(wrong)})"
            yield f"{says}, and it succeeded: {_report(subject, artifact)}"


def _words(attempt: ImportAttempt) -> str:
    return f"{attempt.error_type}: {attempt.error_message}"[:200]


def _report(subject: Subject, artifact: str) -> str:
    """The request, with a command that can be copied: what was inferred or given here is given there."""
    profile = subject.profile
    command = ["lambdapack", "bundle", artifact, "--runtime", profile.runtime, "--arch", profile.architecture]
    command += ["--handler", subject.handler.text] if subject.handler else []
    return f"please report it with what `{shlex.join(command)}` writes"
