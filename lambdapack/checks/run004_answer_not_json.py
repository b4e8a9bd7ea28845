"""The handler was invoked, and what it answered is empty or is no JSON.

What it finds
    An invocation without an error whose answer is no JSON text: nothing at all, or `NaN` and `Infinity`, which Python
    writes and JSON does not have.

Why it fails on Lambda
    The invocation counts as a success, and the one who called cannot read its answer: "Unexpected token N in JSON",
    "502 Bad Gateway: Malformed Lambda proxy response".

How to fix it
    Return what JSON has: dictionaries, lists, strings, finite numbers, true, false and None. `math.isfinite` tells
    the numbers apart.

When to ignore it
    When nobody reads the answer, as of a function that is invoked asynchronously.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_SHOWN = 80


@check("RUN004", "answers with something else than JSON", needs=("invocation",))
def answer_not_json(subject: Subject) -> Iterator[Hit]:
    for invocation in subject.invocations:
        if invocation.status != "answered" or _is_json(invocation.payload):
            continue
        shown = invocation.payload[:_SHOWN]
        yield Hit(
            path=None,
            message=f"the answer is no JSON: {shown!r}" if shown else "the answer is empty",
            fix="return what JSON has; NaN and Infinity are not in it" if shown else "return a value",
            evidence={"payload": invocation.payload[:1000], "backend": invocation.backend},
        )


def _is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True
