"""Calls that importing the handler makes, or that its functions would make, with what they are given by literals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lambdapack.facts.conditions import Unknown, evaluate
from lambdapack.facts.expression import Expression
from lambdapack.facts.outcome import Execution


class _NotKnown:
    """What a call is given that cannot be known."""

    def __repr__(self) -> str:
        return "NOT_KNOWN"


NOT_KNOWN: Final = _NotKnown()
MOVES = frozenset(("os.chdir", "contextlib.chdir"))
"""Calls after which a path that begins nowhere leads to another place."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `name` is the dotted name of what is called, followed through the module's imports (`ctypes.CDLL` for
    `from ctypes import CDLL as load`); a function of the module itself has the module's name before it, a builtin only
    its own. `arguments` and `keywords` are values, `NOT_KNOWN` for what is not a constant (all, with `*args`).

    `module` and `path` are where it stands, `line` in which line. `when`: `import`, it certainly runs when the handler
    is imported; `perhaps`: something decides that cannot be known; `later`: it stands in a function. `guards` are the
    dotted names of the errors that a `try` around it catches (`BaseException` for a bare `except`), through all modules
    that import each other.
    """

    name: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    module: str
    path: str | None
    line: int
    when: str
    guards: frozenset[str]
    chain: tuple[str, ...]

    def is_guarded_against(self, *errors: str) -> bool:
        """True when one of the errors, named with its base classes, is caught around the call."""
        return bool({"BaseException", "Exception", *errors} & self.guards)


def read_call(
    expression: Expression,
    execution: Execution,
    values: Mapping[str, Any],
    when: str,
    guards: frozenset[str],
) -> Call | None:
    """Returns the call that an expression of kind `call` makes in a module; None when what is called has no name."""
    _, function, arguments, keywords, line = expression
    if function[0] != "name":
        return None
    spread = any(name == "**" for name, _ in keywords)
    return Call(
        absolute_name(function[1], execution),
        (NOT_KNOWN,) if spread else tuple(value_of(item, values) for item in arguments),
        {name: value_of(item, values) for name, item in keywords if name != "**"},
        execution.module.name,
        execution.module.path,
        line,
        when,
        guards,
        execution.chain,
    )


def absolute_name(dotted: str, execution: Execution) -> str:
    """Follows the first part of a dotted name through a module's imports."""
    head, _, rest = dotted.partition(".")
    if head in execution.aliases:
        head = execution.aliases[head]
    elif head in execution.names:
        head = f"{execution.module.name}.{head}"
    return f"{head}.{rest}" if rest else head


def value_of(expression: Expression, values: Mapping[str, Any]) -> Any:
    """Returns an expression's value, `NOT_KNOWN` where it has none."""
    try:
        return evaluate(expression, values)
    except Unknown:
        return NOT_KNOWN


def imported_name(called: Call) -> str | None:
    """Returns the absolute name that `import_module` or `__import__` is given, None where it is not known."""
    name = called.arguments[0] if called.arguments else called.keywords.get("name", NOT_KNOWN)
    if not isinstance(name, str) or not name:
        return None
    relative = name.startswith(".")
    if called.name != "importlib.import_module":
        level = called.arguments[4] if len(called.arguments) > 4 else called.keywords.get("level", 0)
        return name if level == 0 and level is not NOT_KNOWN and not relative else None
    if not relative:
        return name
    package = called.arguments[1] if len(called.arguments) > 1 else called.keywords.get("package", NOT_KNOWN)
    if not isinstance(package, str):
        return None
    leaf = name.lstrip(".")
    for _ in range(len(name) - len(leaf) - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{leaf}" if leaf else package
