"""Expressions as plain data: what guards ask, what calls are given. Free of any runtime, like programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# An expression, as nested tuples: ("literal", value) · ("tuple" | "list", items) · ("name", "sys.version_info") ·
# ("attribute", of, name) · ("index", of, i) · ("slice", of, stop) · ("call", function, arguments, keywords, line) ·
# ("not", x) · ("and" | "or", items) · ("compare", left, ((operator, right), ...)) ·
# ("each", iterable, target, conditions, item), a comprehension · ("if", condition, then, otherwise) · ("join", texts) ·
# ("some", the calls in what is not understood) · ("unknown",)
Expression = tuple[Any, ...]
UNKNOWN: Expression = ("unknown",)
REST: Expression = ("rest",)  # the default of a parameter `*names`


def inner_expressions(expression: Expression) -> tuple[Expression, ...]:
    """Returns the expressions that an expression is made of, in the order in which they are evaluated."""
    match expression[0]:
        case "literal" | "name" | "unknown":
            return ()
        case "tuple" | "list" | "and" | "or" | "join" | "some":
            return tuple(expression[1])
        case "not" | "slice" | "attribute" | "each":
            return (expression[1],)
        case "index" | "if":
            return expression[1:]
        case "compare":
            return (expression[1], *(right for _, right in expression[2]))
        case "call":
            _, function, arguments, keywords, _ = expression
            return (function, *arguments, *(value for _, value in keywords))
    return ()


def with_inner(expression: Expression, items: list[Expression]) -> Expression:
    """Returns an expression with other inner expressions, in the order of `inner_expressions`."""
    match expression:
        case ("tuple" | "list" | "and" | "or" | "join" | "some" as kind, _):
            return (kind, tuple(items))
        case ("not" | "slice" | "attribute" | "each" as kind, _, *rest):
            return (kind, items[0], *rest)
        case ("index", _, _):
            return ("index", *items)
        case ("compare", _, rights):
            return ("compare", items[0], tuple((sign, item) for (sign, _), item in zip(rights, items[1:], strict=True)))
        case ("if", *_):
            return ("if", *items)
        case ("call", _, arguments, keywords, line):
            named = items[1 + len(arguments) :]
            given = tuple((name, item) for (name, _), item in zip(keywords, named, strict=True))
            return ("call", items[0], tuple(items[1 : 1 + len(arguments)]), given, line)
    return expression


def holds_calls(expression: Expression) -> bool:
    """True when something is called in an expression."""
    if expression[0] == "each" and any(map(holds_calls, (*expression[3], expression[4]))):
        return True
    return expression[0] == "call" or any(holds_calls(item) for item in inner_expressions(expression))


def is_attribute(expression: Expression) -> bool:
    """True for a dotted name."""
    return expression[0] == "name" and "." in expression[1]


def asked_names(expression: Expression) -> Iterator[str]:
    """Yields the dotted names in an expression."""
    if expression[0] == "name":
        yield expression[1]
    if expression[0] == "each":
        for item in (*expression[3], expression[4]):
            yield from asked_names(item)
    for item in inner_expressions(expression):
        yield from asked_names(item)
