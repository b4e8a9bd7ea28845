"""What a function that is called knows: the names of its module, its parameters as the call gives them."""

from __future__ import annotations

from typing import Any

from lambdapack.facts.belief import Belief
from lambdapack.facts.calls import NOT_KNOWN, value_of
from lambdapack.facts.expression import REST, Expression
from lambdapack.facts.frames import Context
from lambdapack.facts.outcome import Execution
from lambdapack.facts.program import Function


def bind(read: Function, home: Execution, call: Expression, context: Context, belief: Belief) -> dict[str, Any] | None:
    """Returns the values known in a function when it is called; None for a call that does not fit it."""
    _, _, arguments, keywords, _ = call
    values = {
        name: value for name, value in home.constants.items() if name not in read.local_names and not belief.sets(name)
    }
    given = dict(keywords)
    spread = "**" in given
    for at, (name, default) in enumerate((*read.parameters, *read.keyword_parameters)):
        values.pop(name, None)
        if spread:
            continue
        if default == REST:
            rest = [value_of(item, context.values) for item in arguments[len(read.parameters) :]]
            if all(item is not NOT_KNOWN for item in rest):
                values[name] = tuple(rest)
            continue
        scope = context.values
        if at < len(arguments) and at < len(read.parameters):
            expression = arguments[at]
        elif name in given:
            expression = given.pop(name)
        elif default is not None:
            expression, scope = default, home.constants
        else:
            return None
        value = value_of(expression, scope)
        if value is not NOT_KNOWN:
            values[name] = value
    return values
