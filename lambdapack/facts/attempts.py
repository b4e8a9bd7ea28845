"""ImportAttempt: what one import of the handler did in a runtime. A fact like any other, never judged here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ImportAttempt:
    """The outcome of loading a handler the way the Lambda runtime client does.

    `status`: `ok`, `failed` (the function would not start), or `not-run` (then `reason` and `remedy` say why and what
    to do). `error_type` and `error_message` are worded as CloudWatch shows them
    (`Runtime.ImportModuleError`, `Unable to import module 'handler': ...`). `traceback` is the full chained traceback
    that the runtime client hides. `backend` is where it ran (`local`), `proof` one line on what that proves:
    what was emulated and what was not. `client` names who loaded the handler (`awslambdaric 4.2.2`, or
    `rules of awslambdaric 4.2.2` when it could not be installed). `seconds` is the time of the import alone.
    """

    status: Literal["ok", "failed", "not-run"]
    handler: str
    backend: str
    proof: str = ""
    client: str = ""
    interpreter: str = ""
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    output: str = ""
    seconds: float | None = None
    reason: str | None = None
    remedy: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
