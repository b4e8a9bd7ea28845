"""Conditions: evaluates the expressions that guards are made of for a target instead of for this host.

Only what guards really use is understood (version and platform comparisons, constants, `and`/`or`/`not`); anything else
is unknown, and an unknown condition never decides a verdict. `expressions.py` reads them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from lambdapack.facts.expression import Expression, inner_expressions


class Unknown(Exception):
    """The value cannot be known without running the program."""


class Items(tuple[Any, ...]):
    """What is known of a list: its items at one moment."""

    __slots__ = ()


_PATH_SIGNS = {"sep": "/", "pathsep": ":", "curdir": ".", "pardir": "..", "extsep": "."}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.eq,
    "is not": operator.ne,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
}


def evaluate(expression: Expression, names: Mapping[str, Any]) -> Any:
    """Returns the value for a target whose known dotted names are in `names`; raises `Unknown`."""
    kind = expression[0]
    if kind == "literal":
        return expression[1]
    if kind == "name":
        if expression[1] in names:
            return names[expression[1]]
        raise Unknown
    if kind in ("tuple", "list"):
        return (Items if kind == "list" else tuple)(evaluate(item, names) for item in expression[1])
    if kind == "not":
        return not evaluate(expression[1], names)
    if kind in ("and", "or"):
        return _evaluate_boolean(kind, expression[1], names)
    if kind == "index":
        return _item(evaluate(expression[1], names), evaluate(expression[2], names))
    if kind == "slice":
        value = evaluate(expression[1], names)
        return value[: expression[2]] if isinstance(value, VersionInfo) and expression[2] <= 2 else _fail()
    if kind == "call":
        return _call(expression, names)
    if kind == "join":
        return _join([evaluate(item, names) for item in expression[1]])
    if kind == "if":
        return evaluate(expression[2 if evaluate(expression[1], names) else 3], names)
    if kind == "compare":
        left = evaluate(expression[1], names)
        for symbol, right_expression in expression[2]:
            right = evaluate(right_expression, names)
            try:
                if not _COMPARISONS[symbol](left, right):
                    return False
            except (TypeError, KeyError):
                raise Unknown from None
            left = right
        return True
    raise Unknown


def _fail() -> Any:
    raise Unknown


def _evaluate_boolean(kind: str, items: tuple[Expression, ...], names: Mapping[str, Any]) -> Any:
    """`and`/`or` in three-valued logic: one known false decides an `and`, one known true an `or`."""
    unknown = False
    value: Any = kind == "and"
    for item in items:
        try:
            value = evaluate(item, names)
        except Unknown:
            unknown = True
            continue
        if bool(value) == (kind == "or"):
            return value
    if unknown:
        raise Unknown
    return value


def _item(value: Any, index: Any) -> Any:
    if isinstance(value, VersionInfo):
        return value[index] if index in (0, 1) else _fail()
    # Parts of a known text or path are worked out elsewhere.
    if isinstance(value, tuple) and isinstance(index, int) and -len(value) <= index < len(value):
        return value[index]
    raise Unknown


def _join(parts: list[Any]) -> Any:
    """Texts written one after the other, `"a" + b`, `f"{a}.b"`, and sequences of one kind."""
    if parts and all(type(part) is type(parts[0]) for part in parts) and type(parts[0]) in (tuple, Items):
        return type(parts[0])(item for part in parts for item in part)
    return "".join(parts) if all(isinstance(part, str) for part in parts) else _fail()


def _call(call: Expression, names: Mapping[str, Any]) -> Any:
    _, function, arguments, keywords, _ = call
    if function[0] != "name" or keywords:
        raise Unknown
    dotted: str = function[1]
    if not arguments and f"{dotted}()" in names:
        return names[f"{dotted}()"]
    owner, _, method = dotted.rpartition(".")
    if method in ("startswith", "endswith", "lower") and owner in names and isinstance(names[owner], str):
        values = [evaluate(argument, names) for argument in arguments]
        try:
            return getattr(names[owner], method)(*values)
        except TypeError:
            raise Unknown from None
    raise Unknown


class VersionInfo(tuple[int, int]):
    """`sys.version_info` of a target whose patch level is not known: comparisons that hang on it are unknown."""

    def _other(self, other: object) -> tuple[Any, ...]:
        if not isinstance(other, tuple):
            raise Unknown
        if len(other) > 2 and other[:2] == tuple(self):
            raise Unknown
        return other

    def _longer(self) -> tuple[Any, ...]:
        # (3, 13) < sys.version_info: the real one has five items and is therefore greater than its own prefix.
        return (*self, 0, "final", 0)

    def __lt__(self, other: object) -> bool:
        return self._longer() < self._other(other)

    def __le__(self, other: object) -> bool:
        return self._longer() <= self._other(other)

    def __gt__(self, other: object) -> bool:
        return self._longer() > self._other(other)

    def __ge__(self, other: object) -> bool:
        return self._longer() >= self._other(other)

    def __eq__(self, other: object) -> bool:
        return self._longer() == self._other(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self))


def target_names(
    python: tuple[int, int], machine: str, builtin_modules: Iterable[str] = (), prefix: str | None = None
) -> dict[str, Any]:
    """Returns what a module can ask about its surroundings, answered for Linux on Lambda."""
    version = VersionInfo(python)
    known = {
        "sys.version_info": version,
        **dict.fromkeys(("sys.prefix", "sys.base_prefix", "sys.exec_prefix", "sys.base_exec_prefix"), prefix),
        "sys.version_info.major": python[0],
        "sys.version_info.minor": python[1],
        "sys.platform": "linux",
        "sys.builtin_module_names": tuple(builtin_modules),
        "sys.byteorder": "little",
        "sys.maxsize": 2**63 - 1,
        "sys.implementation.name": "cpython",
        "os.name": "posix",
        **{f"{module}.{name}": value for module in ("os", "os.path") for name, value in _PATH_SIGNS.items()},
        "platform.system()": "Linux",
        "platform.machine()": machine,
        "platform.python_implementation()": "CPython",
        "TYPE_CHECKING": False,  # wherever it comes from, this is what it means
        "typing.TYPE_CHECKING": False,
        "typing_extensions.TYPE_CHECKING": False,
        "__debug__": True,
    }
    return {name: value for name, value in known.items() if value is not None}


def asks(expression: Expression, names: Container[str]) -> bool:
    """True when an expression depends on one of the names, as `LINUX = sys.platform.startswith("linux")` does."""
    if expression[0] == "name":
        return expression[1] in names or expression[1].rpartition(".")[0] in names or f"{expression[1]}()" in names
    return any(asks(item, names) for item in inner_expressions(expression))


def rebind(values: dict[str, Any], known: Mapping[str, Any], bound: str, module: str) -> None:
    """`import sys as _sys`: what is known of `sys` is known of `_sys` from here on."""
    values.pop(bound, None)
    if bound != module:
        values.update({bound + name[len(module) :]: v for name, v in known.items() if name.startswith(f"{module}.")})
