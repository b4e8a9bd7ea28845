"""An invocation, for every backend: what is asked of the emulator, and what its answer and log say.

Sources: what the emulator in aws-sam-cli 1.170 and awslambdaric 4.2 were seen to answer. Starts nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lambdapack.facts.invocations import Invocation
from lambdapack.importtest.backend import AttemptRequest
from lambdapack.importtest.process import Ended, exit_words

EMULATOR = "/usr/local/bin/aws-lambda-rie"
BOOTSTRAP = "/var/runtime/bootstrap"
GRACE_SECONDS = 15.0

Answer = dict[str, Any]

_ERROR_KEYS = frozenset(("errorMessage", "errorType", "requestId", "stackTrace"))
_START = re.compile(r"^START RequestId: (\S+)", re.MULTILINE)
_PLATFORM_LINE = re.compile(r"^(?:START|END|REPORT) RequestId: .*$\n?", re.MULTILINE)
_TIMED_OUT = re.compile(r"Task timed out after [\d.]+ seconds")
_ENDED = re.compile(
    r"Runtime exited (?:with error: (?:exit status \d+|signal: [a-z]+(?:[ /][a-z]+)*)|without providing a reason)"
)
_REQUEST_ID = re.compile(r"^RequestId: \S+ Error: ")


@dataclass(frozen=True, slots=True)
class InvocationRequest:
    """One event for one handler. `event` is JSON text. `attempt.time_limit` is the function's timeout."""

    attempt: AttemptRequest
    event: str


def question(request: InvocationRequest, bootstrap: tuple[str, ...] = (BOOTSTRAP,)) -> Answer:
    """Returns the request for `emulation.py`; the caller adds where to answer."""
    return {
        "emulator": EMULATOR,
        "bootstrap": list(bootstrap),
        "event": request.event,
        "seconds": request.attempt.time_limit + GRACE_SECONDS,
    }


def variables(request: InvocationRequest, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables to start the emulator with, from those that the handler is to see: what the bootstrap and
    the emulator set themselves has to be absent."""
    own = request.attempt.extra_env
    mine = {name: value for name, value in environment.items() if name != "AWS_LAMBDA_RUNTIME_API"}
    if "PYTHONPATH" not in own:
        mine.pop("PYTHONPATH", None)
    # Whole seconds: the emulator reads no others.
    seconds = str(max(1, math.ceil(request.attempt.time_limit)))
    return mine | {"AWS_LAMBDA_FUNCTION_TIMEOUT": seconds, "_HANDLER": request.attempt.handler}


def account(
    request: InvocationRequest, answers: list[Answer], ended: Ended, *, log: str, platform_log: str, found: Invocation
) -> Invocation:
    """Fills in what the emulator answered; `found` says where it ran."""
    told = next((answer for answer in answers if answer.get("event") == "invoked"), None)
    found = replace(
        found,
        log=_PLATFORM_LINE.sub("", log),
        platform_log=platform_log,
        seconds=told.get("seconds") if told else ended.seconds,
    )
    if told is None:
        if ended.stopped == "time":
            return replace(found, status="timeout", error_message=f"no answer in {request.attempt.time_limit:.0f} s")
        words = exit_words(ended.status)
        return replace(found, status="crashed", error_type="Runtime.ExitError", error_message=words)
    if "trouble" in told:
        return replace(
            found,
            status="not-run",
            reason=told["trouble"],
            remedy="use an image that has the emulator, as the official base images have",
        )
    if "silent" in told:
        return replace(found, status="timeout", error_message=f"no answer: {told['silent']}")
    return _answered(found, told["body"], int(told["http_status"]), log, platform_log)


def _answered(found: Invocation, body: str, http_status: int, log: str, platform_log: str) -> Invocation:
    found = replace(found, payload=body)
    if _TIMED_OUT.fullmatch(body.strip()) and "Reset initiated: Timeout" in platform_log:
        return replace(found, status="timeout", error_type="Sandbox.Timedout", error_message=body.strip())
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    start = _START.search(log)
    told = content if isinstance(content, dict) else {}
    # A handler may return such keys itself; the client's carry this invocation's ID, or none when it was not begun.
    is_error = set(told) == _ERROR_KEYS and told["requestId"] in {"", start[1] if start else ""}
    if is_error:
        trace = told["stackTrace"] if isinstance(told["stackTrace"], list) else []
        return replace(
            found,
            status="error",
            error_type=str(told["errorType"]),
            error_message=str(told["errorMessage"]),
            stack_trace=tuple(str(item) for item in trace),
        )
    if http_status == 200:
        return replace(found, status="answered")
    words = _ENDED.search(platform_log)
    message = words[0] if words else _REQUEST_ID.sub("", str(told.get("errorMessage") or f"HTTP {http_status}"))
    return replace(
        found, status="crashed", error_type=str(told.get("errorType") or "Runtime.ExitError"), error_message=message
    )
