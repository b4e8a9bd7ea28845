"""The handler was invoked, and it answered with an HTTP status of 400 or more.

What it finds
    An answer of the form that API Gateway, load balancers and function URLs take, with a `statusCode` from 400 on.

Why it fails on Lambda
    For Lambda the invocation is a success; for whoever sent the request it is the error that the status says.

How to fix it
    Where the event is one that the function should serve, read its log: the reason is in its own code. Where it is not,
    send one that is.

When to ignore it
    When the event was meant to be refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_FIRST_ERROR = 400
_SHOWN = 200


@check("RUN005", "answers with an error status", needs=("invocation",))
def answer_reports_error(subject: Subject) -> Iterator[Hit]:
    for invocation in subject.invocations:
        status = _status(invocation.payload) if invocation.status == "answered" else None
        if status is not None and status >= _FIRST_ERROR:
            yield Hit(
                path=None,
                message=f"statusCode {status}: {invocation.payload[:_SHOWN]}",
                fix="look for the reason in the log of the invocation, or send an event that the function serves",
                evidence={"status_code": status, "payload": invocation.payload[:1000], "backend": invocation.backend},
            )


def _status(payload: str) -> int | None:
    try:
        answer = json.loads(payload)
    except ValueError:
        return None
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    if isinstance(status, str) and status.isdecimal():
        return int(status)
    return status if isinstance(status, int) and not isinstance(status, bool) else None
