"""Comprehensions, executed: one loop over items that are known, item by item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN, value_of
from lambdapack.facts.conditions import Items
from lambdapack.facts.expression import UNKNOWN, Expression
from lambdapack.facts.frames import Context
from lambdapack.facts.trampoline import Steps

Resolve = Callable[[Expression, Context], Steps]


def run_comprehension(expression: Expression, context: Context, resolve: Resolve) -> Steps:
    """Returns what an expression of kind `each` comes to, and what the calls in it fail with."""
    _, iterable, target, conditions, item = expression
    resolved, failures = yield resolve(iterable, context)
    items = value_of(resolved, context.values)
    if failures or not isinstance(items, tuple) or not context.certain:
        context.execution.effects += 1
        return UNKNOWN, failures
    outer = context.values.pop(target, NOT_KNOWN)
    found: list[Any] | None = []
    for value in items:
        context.values[target] = value
        holds, failures = yield _all_hold(conditions, context, resolve)
        if not failures and holds is True:
            part, failures = yield resolve(item, context)
            known = value_of(part, context.values)
            found = None if found is None or known is NOT_KNOWN else [*found, known]
        if failures or holds is None:
            found = None
            break
    context.values.pop(target, None)
    if outer is not NOT_KNOWN:
        context.values[target] = outer
    if found is None:
        context.execution.effects += 1
        return UNKNOWN, failures
    return ("literal", Items(found)), []


def _all_hold(conditions: tuple[Expression, ...], context: Context, resolve: Resolve) -> Steps:
    """Returns whether all conditions hold, None where that is not known, and what they fail with."""
    for condition in conditions:
        resolved, failures = yield resolve(condition, context)
        holds = value_of(resolved, context.values)
        if failures or holds is NOT_KNOWN:
            return None, failures
        if not holds:
            return False, []
    return True, []
