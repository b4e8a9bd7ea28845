"""Facts as bytes, and bytes as facts again, of this version only. Reading makes nothing but facts and plain values:
whoever could write into the cache shall not be able to run code. Knows nothing of where the bytes are kept."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import io
import pickle
from collections.abc import Callable
from typing import Any

_PACKAGE = __name__.rpartition(".")[0]
_MAKER = "make_fact"

UNREADABLE = (pickle.UnpicklingError, AttributeError, EOFError, TypeError, ValueError, IndexError, ImportError)
"""What reading bytes may raise that were written by somebody else, or cut."""


def dumped(fact: Any) -> bytes:
    """Returns a fact as bytes. Raises `RecursionError` for one that is nested too deeply."""
    stream = io.BytesIO()
    FactPickler(stream, pickle.HIGHEST_PROTOCOL).dump(fact)
    return stream.getvalue()


def loaded(blob: bytes) -> Any:
    """Returns the fact in bytes; raises one of `UNREADABLE`."""
    return FactUnpickler(io.BytesIO(blob)).load()


class FactPickler(pickle.Pickler):
    """Writes facts as their class and the values of their fields. Frozen dataclasses with slots would be made anew by
    calling Python for each field, and there are tens of thousands of them."""

    def reducer_override(self, fact: Any) -> Any:
        kind: type = type(fact)
        setters = _setters(kind)
        if setters is None:
            return NotImplemented
        return make_fact, (kind, *map(fact.__getattribute__, setters))


def make_fact(kind: type, *values: Any) -> Any:
    """Makes a fact of its class and the values of its fields, in their order."""
    setters = _setters(kind)
    if setters is None or len(setters) != len(values):
        raise pickle.UnpicklingError(f"{kind} is no fact of this version")
    fact: Any = object.__new__(kind)
    for value, set_value in zip(values, setters.values(), strict=True):
        set_value(fact, value)
    return fact


@functools.cache
def _setters(kind: type) -> dict[str, Callable[[Any, Any], None]] | None:
    """What sets each field of a dataclass with slots, by name; None for any other class."""
    if not dataclasses.is_dataclass(kind) or "__slots__" not in vars(kind):
        return None
    return {item.name: getattr(kind, item.name).__set__ for item in dataclasses.fields(kind)}


class FactUnpickler(pickle.Unpickler):
    """Makes facts, and refuses everything else that is no plain value."""

    def find_class(self, module: str, name: str) -> Any:
        return _permitted(module, name)


@functools.cache
def _permitted(module: str, name: str) -> Any:
    if (module, name) == (__name__, _MAKER):
        return make_fact
    if (module, name) == ("builtins", "frozenset"):
        return frozenset
    if module.startswith(f"{_PACKAGE}.") and not name.startswith("_"):
        found = getattr(importlib.import_module(module), name, None)
        if dataclasses.is_dataclass(found):
            return found
    raise pickle.UnpicklingError(f"{module}.{name} is no fact")
