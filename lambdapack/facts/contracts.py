"""Contracts: names that have to be there after an import, like `shared.config:Config.load`, as far as that can be read.

Follows the contract's module as the handler's is followed. Knows nothing of what the names are for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lambdapack.facts.handler import HandlerFacts
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.outcome import Failure

ContractState = Literal["kept", "missing-module", "import-fails", "missing-name", "missing-attribute", "undecided"]


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """What is known of one contract. `path` is the module's file, `name` what is missing, `owner` what lacks it,
    `failure` what the import of the module fails with."""

    text: str
    module: str
    state: ContractState
    path: str | None = None
    name: str | None = None
    owner: str | None = None
    failure: Failure | None = None


def read_contract(text: str, follow: Callable[[HandlerFacts], ImportFacts]) -> ContractFacts:
    """Returns what can be said of `package.module:Name.attribute`; `follow` imports a module as the runtime would."""
    module, _, path = text.partition(":")
    first, *rest = path.split(".")
    imports = follow(HandlerFacts(text, module, first, None))
    execution = imports.handler_execution
    where = execution.module.path if execution is not None else None
    if imports.failures:
        failure = imports.failures[0]
        parents = (module, *(module[:at] for at, sign in enumerate(module) if sign == "."))
        is_missing = failure.kind == "missing-module" and failure.module in parents and not failure.path
        return ContractFacts(text, module, "missing-module" if is_missing else "import-fails", where, failure=failure)
    if imports.lacks_function:
        return ContractFacts(text, module, "missing-name", where, first, module)
    if execution is None or execution.program is None or first not in execution.names:
        return ContractFacts(text, module, "undecided", where)
    if not rest:
        return ContractFacts(text, module, "kept", where)
    if rest[0] in execution.program.members.get(first, ()):
        return ContractFacts(text, module, "kept" if len(rest) == 1 else "undecided", where)
    if rest[0].startswith("__") or not imports.is_bare_class(first):  # it may have it from elsewhere
        return ContractFacts(text, module, "undecided", where)
    return ContractFacts(text, module, "missing-attribute", where, rest[0], f"{module}.{first}")
