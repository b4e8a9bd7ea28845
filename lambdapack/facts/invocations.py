"""Invocation: what the handler did with one event in the runtime's emulator. A fact like any other, not judged here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Invocation:
    """The outcome of one invocation by AWS's Runtime Interface Emulator, with the runtime's own client and context.

    `status`: `answered` (the handler returned), `error` (it raised, or could not be loaded), `crashed` (the process
    ended), `timeout`, or `not-run` (then `reason` and `remedy` say why and what to do). `payload` is the answer as it
    was sent. `error_type`, `error_message` and `stack_trace` are the runtime client's. `log` is what the function
    printed, `platform_log` what the emulator did. `seconds` is the time until the answer, with the import.
    """

    status: Literal["answered", "error", "crashed", "timeout", "not-run"]
    handler: str
    backend: str
    proof: str = ""
    payload: str = ""
    error_type: str | None = None
    error_message: str | None = None
    stack_trace: tuple[str, ...] = ()
    log: str = ""
    platform_log: str = ""
    seconds: float | None = None
    reason: str | None = None
    remedy: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
