"""The handler was invoked and answered, but its log has lines of errors.

What it finds
    Lines of the level ERROR or CRITICAL that the function logged, as text (`[ERROR]`) or as JSON
    (`"level": "ERROR"`), and tracebacks, in an invocation that did answer.

Why it fails on Lambda
    The function caught something and went on: a job that was not done looks as if it had been.

How to fix it
    Read the line. What must not pass unseen should be raised, not only logged.

When to ignore it
    When the event was meant to provoke it: `--ignore RUN006`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_LINE = re.compile(
    r'^(?:\W*(?:\S+\s+){0,3}?\W*(?:ERROR|CRITICAL|FATAL)\b.*|.*"level": ?"(?:ERROR|CRITICAL|FATAL)".*'
    r"|Traceback \(most recent call last\):)",
    re.MULTILINE,
)
_SHOWN = 300


@check("RUN006", "logs errors although it answers", needs=("invocation",))
def error_in_log(subject: Subject) -> Iterator[Hit]:
    for invocation in subject.invocations:
        if invocation.status != "answered":
            continue  # then the client has logged the failure itself
        lines = [line.strip() for line in _LINE.findall(invocation.log)]
        if lines:
            more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
            yield Hit(
                path=None,
                message=f"the log says: {lines[0][:_SHOWN].expandtabs(1)}{more}",
                fix="mend what it says, or raise it, so that the invocation fails",
                evidence={"lines": lines[:20], "backend": invocation.backend},
            )
