"""Texts that code puts together while it is imported: methods of strings, `%`. Pure text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.conditions import Items

_LONGEST = 10_000  # characters: what grows beyond is no name
_METHODS = frozenset((
    "capitalize", "casefold", "count", "endswith", "find", "isdigit", "isidentifier", "lower", "lstrip", "partition",
    "removeprefix", "removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith",
    "strip", "title", "upper",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextMethod:
    """A method of a known text, not called yet."""

    text: str
    name: str


def attribute_of(text: str, name: str) -> Any:
    """Returns a method of a known text; `NOT_KNOWN` for one that is not worked out."""
    return TextMethod(text, name) if name in _METHODS or name in ("format", "join") else NOT_KNOWN


def call_method(method: TextMethod, arguments: tuple[Any, ...]) -> Any:
    """Returns what calling a text's method gives, `NOT_KNOWN` where an argument is not known."""
    text = method.text
    try:
        if method.name == "join":
            parts = arguments[0] if len(arguments) == 1 else None
            known = isinstance(parts, tuple) and all(isinstance(part, str) for part in parts)
            return text.join(parts) if known and parts is not None else NOT_KNOWN
        if not all(isinstance(item, str | int | None | tuple) for item in arguments):
            return NOT_KNOWN
        function: Callable[..., Any] = getattr(text, method.name)
        if method.name == "format" and not all(isinstance(item, str | int) for item in arguments):
            return NOT_KNOWN
        value = function(*arguments)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        return NOT_KNOWN
    if isinstance(value, str) and len(value) > _LONGEST:
        return NOT_KNOWN
    return Items(value) if isinstance(value, list) else value


def formatted(arguments: tuple[Any, ...]) -> Any:
    """Returns what `text % values` gives."""
    if len(arguments) != 2 or type(arguments[0]) is not str:
        return NOT_KNOWN
    text, values = arguments
    items = values if type(values) is tuple else (values,)
    if not all(type(item) in (str, int) for item in items):
        return NOT_KNOWN
    try:
        value = text % items
    except (TypeError, ValueError):
        return NOT_KNOWN
    return value if len(value) <= _LONGEST else NOT_KNOWN
