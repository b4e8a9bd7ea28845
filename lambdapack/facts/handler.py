"""What a handler string means to the Lambda runtime client.

Source: awslambdaric 4.2.2, `bootstrap._get_handler`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lambdapack.profiles.profile import RuntimeProfile

HandlerProblem = Literal["no-dot", "relative", "builtin"]


@dataclass(frozen=True, slots=True)
class HandlerFacts:
    """`text` as configured; `module` the dotted name that is imported; `function` the attribute taken from it.

    `problem`: the client refuses the string before it imports anything.
    """

    text: str
    module: str
    function: str
    problem: HandlerProblem | None


def read_handler(text: str, profile: RuntimeProfile) -> HandlerFacts:
    """Splits a handler string at its last dot; slashes before it stand for dots."""
    module, dot, function = text.rpartition(".")
    if not dot:
        return HandlerFacts(text, "", text, "no-dot")
    problem: HandlerProblem | None = None
    if module.split(".")[0] in profile.builtin_modules:
        problem = "builtin"
    dotted = module.replace("/", ".")
    if dotted.startswith("."):
        problem = problem or "relative"
    return HandlerFacts(text, dotted, function, problem)
