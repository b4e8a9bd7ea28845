"""What every form says of a diagnosed error: where it stands, its cause, what mends it."""

from __future__ import annotations

from dataclasses import dataclass

from lambdapack.diagnosed import Diagnosis, Problem
from lambdapack.render.text import plain


@dataclass(frozen=True, slots=True)
class Heard:
    """A diagnosis and where its errors were read: `origin` is the log's path, None where the text was given itself or
    came from standard input."""

    diagnosis: Diagnosis
    origin: str | None = None

    def place(self, line: int) -> str:
        """Where an error stands, as editors and `grep` write it."""
        return f"{plain(self.origin or 'log')}:{line}"


def cause_text(problem: Problem) -> str:
    """Returns the cause of a problem in one sentence, with how sure it is."""
    if problem.cause is None:
        return "no cause: this artifact has none of what is known to cause it; was another one deployed?"
    return f"{problem.cause.sentence.rstrip('.')} ({problem.confidence})"


def first_fix(problem: Problem) -> str | None:
    """Returns what mends a problem, None where its cause is not known."""
    return problem.cause.fixes[0] if problem.cause is not None and problem.cause.fixes else None
