"""What a handler string means to the Lambda runtime client.

Source: awslambdaric 4.2.2, `bootstrap._get_handler`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lambdapack.profiles.profile import RuntimeProfile

HandlerProblem = Literal["no-dot", "no-module", "no-function", "relative", "empty-part", "builtin"]


@dataclass(frozen=True, slots=True)
class HandlerFacts:
    """`text` as configured; `module` the dotted name that is imported; `function` the attribute taken from it.

    `problem`: the string cannot work, whatever the artifact holds.
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
    dotted = module.replace("/", ".")
    problem: HandlerProblem | None = None
    if not module:
        problem = "no-module"
    elif module.split(".")[0] in profile.builtin_modules:
        problem = "builtin"
    elif dotted.startswith("."):
        problem = "relative"
    elif "" in dotted.split("."):
        problem = "empty-part"
    elif not function:
        problem = "no-function"
    return HandlerFacts(text, dotted, function, problem)
