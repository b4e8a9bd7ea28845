"""Calls that stand in functions, with what is known of their arguments once their module has been imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN, Call, absolute_name, read_call, value_of
from lambdapack.facts.deferred import read_deferred_calls
from lambdapack.facts.expression import Expression, inner_expressions, with_inner
from lambdapack.facts.outcome import Execution
from lambdapack.facts.path_values import PathMethod, attribute_of, call_method, reading, result_of


def deferred_calls(execution: Execution, data: bytes) -> Iterator[Call]:
    """Yields the calls in a module's functions of things that load by name; `data` is its source."""
    for deferred in read_deferred_calls(data):
        known = {name: value for name, value in execution.constants.items() if name not in deferred.local_names}
        settled = _settle(deferred.call, execution, known, outermost=True)
        call = read_call(settled, execution, known, "later", deferred.guards)
        if call is not None:
            yield call


def _settle(expression: Expression, execution: Execution, known: Mapping[str, Any], *, outermost: bool) -> Expression:
    """Works out the paths in an expression; the outermost call itself stays one."""
    if expression[0] == "name":
        value = _attribute(expression[1], known)
        return expression if value is NOT_KNOWN else ("literal", value)
    inner = [
        part if outermost and at == 0 and part[0] == "name" else _settle(part, execution, known, outermost=False)
        for at, part in enumerate(inner_expressions(expression))
    ]
    settled = with_inner(expression, inner)
    if settled[0] == "attribute":
        owner = value_of(settled[1], known)
        value = attribute_of(owner, settled[2]) if isinstance(owner, PurePosixPath) else NOT_KNOWN
        return settled if value is NOT_KNOWN else ("literal", value)
    if settled[0] != "call":
        return settled
    function = settled[1]
    method = _attribute(function[1], known) if function[0] == "name" else value_of(function, known)
    arguments = tuple(value_of(item, known) for item in settled[2])
    if isinstance(method, PathMethod):
        value = call_method(method, arguments)
        return reading(method, settled) if value is NOT_KNOWN else ("literal", value)
    if function[0] != "name" or settled[3] or outermost:
        return settled
    value = result_of(absolute_name(function[1], execution), arguments)
    return settled if value is NOT_KNOWN else ("literal", value)


def _attribute(dotted: str, known: Mapping[str, Any]) -> Any:
    """Returns what `HERE.parent` is where `HERE` is a known path."""
    head, _, rest = dotted.partition(".")
    value = known.get(head, NOT_KNOWN)
    for name in rest.split(".") if rest else ():
        if not isinstance(value, PurePosixPath):
            return NOT_KNOWN
        value = attribute_of(value, name)
    return value
