"""The handler was really invoked, and the invocation failed.

What it finds
    An invocation by AWS's own Runtime Interface Emulator that ended in an error of the function, in the end of its
    process, or not in time, in the words that CloudWatch would show. Lambda answers such an invocation with
    `FunctionError: Unhandled`, a synchronous caller gets the error, and API Gateway makes "502 Bad Gateway" of it.

Why it fails on Lambda
    It failed here in the same way: "AttributeError: 'LambdaContext' object has no attribute 'request_id'",
    "Runtime.MarshalError: Unable to marshal response: Object of type Decimal is not JSON serializable",
    "Task timed out after 3.00 seconds", "Runtime exited with error: exit status 1".

How to fix it
    The stack trace names the line. What is no JSON has to be made JSON before it is returned: `str()` for dates and
    UUIDs, `int()` or `float()` for Decimals, `list()` for sets.

When to ignore it
    When the function has to reach a network or a service that the test does not give it: such an error says nothing
    of the artifact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check, meant_context_attribute

_FILE = re.compile(r'File "(/(?:var/task|opt)/[^"]+)"')
_NO_ATTRIBUTE = re.compile(r"'LambdaContext' object has no attribute '(\w+)'")


@check("RUN003", "failed when it was invoked", needs=("invocation",))
def invocation_failed(subject: Subject) -> Iterator[Hit]:
    for invocation in subject.invocations:
        if invocation.status not in ("error", "crashed", "timeout"):
            continue
        files = _FILE.findall("".join(invocation.stack_trace))
        kind, text = invocation.error_type, invocation.error_message
        wrong = _NO_ATTRIBUTE.search(text or "")
        meant = meant_context_attribute(wrong[1]) if wrong else None
        yield Hit(
            path=files[-1] if files else None,
            message=f"{kind}: {text}" if kind else f"{text}",
            fix=_fix(invocation.status, wrong[1] if wrong else None, meant, files),
            evidence={
                "status": invocation.status,
                "error_type": kind,
                "error_message": text,
                "traceback": "".join(invocation.stack_trace) or None,
                "meant": meant,
                "backend": invocation.backend,
                "proof": invocation.proof,
            },
        )


def _fix(status: str, attribute: str | None, meant: str | None, files: list[str]) -> str:
    if attribute is not None:
        call = "()" if meant == "get_remaining_time_in_millis" else ""
        return f"write context.{meant}{call}" if meant else f"take {attribute} from elsewhere: the context has it not"
    if status == "timeout":
        return "give the function more time (--timeout, and its Timeout setting), or find what it waits for"
    return f"begin where the stack trace ends: {files[-1]}" if files else "read the log of the invocation"
