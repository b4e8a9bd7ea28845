"""Invocations in a sandbox, for the rootfs and the local backend: the emulator inside, one event sent to it.

Knows rooms and the words of `emulation.py`. What a room has in it is the backend's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lambdapack.facts.invocations import Invocation
from lambdapack.importtest import emulation, invocation
from lambdapack.importtest.backend import Unavailable
from lambdapack.importtest.dialogue import converse
from lambdapack.importtest.invocation import InvocationRequest
from lambdapack.importtest.process import Ended
from lambdapack.importtest.room import PRIVATE, Room
from lambdapack.importtest.sandbox import Plain, run_confined

EMULATOR_HERE = f"{PRIVATE}/aws-lambda-rie"
NO_EMULATOR = Unavailable(
    "there is no Runtime Interface Emulator: the image has none, and it cannot be fetched",
    "make the package index reachable (it comes with aws-sam-cli), or name the program with --rie",
)


def invoke_in(
    room: Room,
    request: InvocationRequest,
    workspace: Path,
    *,
    python: str,
    emulator: Path | None,
    bootstrap: tuple[str, ...],
    environment: Mapping[str, str],
    found: Invocation,
    plain: Plain | None = None,
) -> Invocation:
    """Sends the event to an emulator in the room. `emulator` is one of this machine's, None for the room's own;
    `python` and `bootstrap` are places in the room. `found` says where this is; `plain` is as for `run_confined`."""
    script = Path(emulation.__file__)
    steps = (*room.steps, ("read", f"{PRIVATE}/{script.name}", str(script)))
    asked = invocation.question(request, bootstrap)
    if emulator is not None:
        steps = (*steps, ("read", EMULATOR_HERE, str(emulator)))
        asked["emulator"] = EMULATOR_HERE
    command = (python, "-I", "-S", "-B", "-u", f"{PRIVATE}/{script.name}")
    variables = invocation.variables(request, environment)

    def start(channel: int, crash: int) -> Ended | Unavailable:
        return run_confined(
            replace(room, steps=steps, command=(*command, str(channel)), environment=variables),
            workspace,
            descriptors=(channel, crash),
            time_limit=request.attempt.time_limit + 2 * invocation.GRACE_SECONDS,
            memory_limit=request.attempt.memory_limit,
            keep_apart=True,
            plain=plain,
        )

    heard = converse(asked, workspace, start, inside=f"{PRIVATE}/channel")
    if isinstance(heard, Unavailable):
        return not_invoked(request, found.backend, heard)
    ended = heard.ended
    return invocation.account(
        request, list(heard.answers), ended, log=ended.output, platform_log=ended.errors, found=found
    )


def not_invoked(request: InvocationRequest, backend: str, why: Unavailable) -> Invocation:
    """Says why there was no invocation."""
    return Invocation("not-run", request.attempt.handler, backend, reason=why.reason, remedy=why.remedy)
