"""Lists that code works with while it is imported: their items, what changes them, functions of sequences.

Pure values. Where a list can be reached by another name, nothing is known of it: its owner sees to that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.conditions import Items, Unknown

_ASKING = frozenset(("index", "count", "copy", "__len__", "__contains__", "__iter__"))
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "any": any,
    "all": all,
    "bool": bool,
    "tuple": tuple,
    "list": Items,
    "sorted": lambda items: Items(sorted(items)),
    "reversed": lambda items: Items(reversed(items)),
    "enumerate": lambda items: Items(enumerate(items)),
}
# What is given a list and keeps nothing of it.
_READING = frozenset((
    *_FUNCTIONS, "print", "repr", "str", "isinstance", "set", "frozenset", "max", "min", "sum", "zip", "filter", "map",
    "iter", "next", "hasattr", "type",
))  # fmt: skip


def changed(items: Items, method: str, arguments: tuple[Any, ...]) -> Items | None:
    """Returns a list after a method was called on it; None where it is not known any more."""
    if method in _ASKING:
        return items
    if any(argument is NOT_KNOWN for argument in arguments):
        return None
    match method, arguments:
        case "append", (item,):
            return Items((*items, item))
        case "extend", (tuple() as more,):
            return Items((*items, *more))
        case "insert", (int() as at, item):
            changing = [*items]
            changing.insert(at, item)
            return Items(changing)
        case "remove", (str() as item,) if all(type(other) is str for other in items) and item in items:
            changing = [*items]
            changing.remove(item)
            return Items(changing)
        case "reverse", ():
            return Items(reversed(items))
        case "clear", ():
            return Items()
    return None


def keeps_lists(function: str) -> bool:
    """True when a function, by its dotted name, may change a list that it is given, or keep it."""
    return function not in _READING and not function.endswith(".join")


def result_of(name: str, arguments: tuple[Any, ...]) -> Any:
    """Returns what a builtin gives for a known sequence; `NOT_KNOWN` for everything else."""
    if name not in _FUNCTIONS or len(arguments) != 1:
        return NOT_KNOWN
    value = arguments[0]
    if name == "bool" and isinstance(value, str | bool | int | None | PurePosixPath):
        return bool(value)
    if not isinstance(value, tuple) or not (type(value) is tuple or isinstance(value, Items)):
        return NOT_KNOWN
    try:
        return _FUNCTIONS[name](value)
    except (TypeError, Unknown):
        return NOT_KNOWN
