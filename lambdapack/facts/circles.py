"""Modules that import each other: which names one of them certainly does not have yet while it is still running."""

from __future__ import annotations

from collections.abc import Iterable

from lambdapack.facts.calls import NOT_KNOWN, Call
from lambdapack.facts.outcome import Execution
from lambdapack.facts.program import Block, Constant, Define, Import, Statement, all_names

_LOADERS = ("importlib.import_module", "__import__", "exec", "eval", "pkgutil.", "runpy.", "importlib.")


def is_still_unbound(target: Execution, name: str) -> bool:
    """True when a module that is being executed binds a name only in statements that come after the one it is at."""
    program = target.program
    if program is None or target.done or target.position < 0 or program.opaque or program.import_hooks:
        return False
    statements = program.body.statements
    before, after = _bound(statements[: target.position + 1]), _bound(statements[target.position + 1 :])
    # Of names that loops and the like bind it is not known where; a star import may bring any.
    unordered = program.body.names - before - after
    return name in after and name not in before and name not in unordered and "*" not in before


def may_have_come_in_otherwise(
    circle: Iterable[Execution], executed: Iterable[Execution], calls: Iterable[Call]
) -> bool:
    """True when code that ran before may have imported a module of the circle by another way, so that the circle begins
    elsewhere: from inside a function, or by a name that is not known."""
    names = {execution.module.name for execution in circle}
    leaves = {name.rpartition(".")[2] for name in names}
    tops = {name.partition(".")[0] for name in names}
    for execution in executed:
        for statement in execution.program.deferred if execution.program else ():
            named = {statement.module.rpartition(".")[2], *(wanted for wanted, _ in statement.names or ())}
            if named & leaves:
                return True
    return any(
        call.name.startswith(_LOADERS)
        and any(item is NOT_KNOWN for item in call.arguments)
        and call.module.partition(".")[0] in tops
        for call in calls
    )


def _bound(statements: tuple[Statement, ...]) -> set[str]:
    """Returns the names that statements bind, `*` for a star import."""
    names: set[str] = set()
    for statement in statements:
        match statement:
            case Constant(name=name):
                names.add(name)
            case Define():
                names.add(statement.function.name)
            case Import():
                names |= statement.bound_names
                names |= {"*"} & {wanted for wanted, _ in statement.names or ()}
            case _:
                names |= all_names(Block((statement,)))
    return names
