"""Modules that were executed in an earlier run, as far as code that imports them asks: what they bind, what is known of
their values. Each is read when it is first asked for more than its name.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.conditions import Items, VersionInfo
from lambdapack.facts.frames import FunctionValue
from lambdapack.facts.installed import NativeVersion
from lambdapack.facts.modules import Module
from lambdapack.facts.outcome import Execution, Failure
from lambdapack.facts.pickling import FactPickler, FactUnpickler, make_fact
from lambdapack.facts.program import Block, Define, Definition, For, If, Maybe, Program, Try

State = tuple[Any, ...]
_LATER = ("chain", "names", "aliases", "constants", "obscured", "steady", "assumed")
Executions = Mapping[str, Execution]


class Recalled(Execution):
    """A module of an earlier run. `pristine` are its constants as they were then, None while nobody has asked."""

    __slots__ = ("_bound", "_program_of", "_state_of", "pristine")

    def __init__(
        self,
        module: Module,
        failures: tuple[Failure, ...],
        *,
        names_known: bool,
        state_of: Callable[[str], State],
        program_of: Callable[[Module], Program | None],
    ) -> None:
        self.module, self.failures, self.names_known = module, list(failures), names_known
        self.done, self.effects, self.position = True, 0, -1
        self.pristine: dict[str, Any] | None = None
        self._state_of = state_of
        self._program_of = program_of
        self._bound: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Comes here for what has no value yet."""
        if name == "program":
            self.program = self._program_of(self.module) if self.module.kind == "source" else None
            return self.program
        if name not in _LATER:
            raise AttributeError(name)
        for field, value in zip(_LATER, self._state_of(self.module.name), strict=True):
            setattr(self, field, value)
        for leaf in self._bound:
            super().bind_submodule(leaf)
        self.pristine = dict(self.constants)
        return object.__getattribute__(self, name)

    def bind_submodule(self, leaf: str) -> None:
        if self.pristine is None:
            self._bound.append(leaf)
        else:
            super().bind_submodule(leaf)
            self.pristine.pop(leaf, None)


_PLAIN = frozenset((str, tuple, int, bool, bytes, list, dict, type(None)))


class RecalledFunction(FunctionValue):
    """A function of a module of an earlier run; its definition is looked up when it is called."""

    __slots__ = ("_find",)

    def __init__(self, execution: Execution, find: Callable[[], Definition]) -> None:
        object.__setattr__(self, "execution", execution)
        object.__setattr__(self, "_find", find)

    def __getattr__(self, name: str) -> Any:
        if name != "definition":
            raise AttributeError(name)
        object.__setattr__(self, "definition", self._find())
        return object.__getattribute__(self, name)


class ValuePickler(FactPickler):
    """Writes what is known of values. Raises `pickle.PicklingError` for anything that could not be read again."""

    def __init__(self, stream: io.BytesIO, executions: Executions) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._executions = executions

    def persistent_id(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:  # most are: this is asked for everything that is written
            return None
        if value is NOT_KNOWN:
            return ("unknown",)
        if kind is VersionInfo:
            return ("version", *value)
        if kind is Items:
            return ("list", tuple(value))
        if kind is PurePosixPath:
            return ("path", str(value))
        if kind is NativeVersion:
            return ("native version", str.__str__(value), value.module)
        if isinstance(value, FunctionValue):
            definition = value.definition
            if self._is_module(value.execution):
                return ("function", value.execution, definition.name, definition.line)
            return ("inner function", value.execution, definition)
        if isinstance(value, Execution):
            if self._is_module(value):
                return ("module", value.module.name)
            plain = (value.names, value.names_known, value.aliases, value.done, value.obscured, value.assumed)
            return ("frame", self._executions[value.module.name], value.chain, *plain)
        return None

    def reducer_override(self, value: Any) -> Any:
        reduced = super().reducer_override(value)
        if reduced is NotImplemented and value is not make_fact and type(value) not in (frozenset, set, type):
            raise pickle.PicklingError(f"{type(value)} is not kept")
        return reduced

    def _is_module(self, execution: Execution) -> bool:
        return dict.get(self._executions, execution.module.name) is execution  # type: ignore[call-overload]


class ValueUnpickler(FactUnpickler):
    """Reads what `ValuePickler` has written."""

    def __init__(self, blob: bytes, executions: Executions, version_of: Callable[[Module], Any]) -> None:
        super().__init__(io.BytesIO(blob))
        self._executions = executions
        self._version_of = version_of

    def persistent_load(self, pid: tuple[Any, ...]) -> Any:
        match pid:
            case ("unknown",):
                return NOT_KNOWN
            case ("version", major, minor):
                return VersionInfo((major, minor))
            case ("list", items):
                return Items(items)
            case ("path", text):
                return PurePosixPath(text)
            case ("native version", _, module):
                return self._version_of(module)
            case ("function", execution, name, line):
                return RecalledFunction(execution, partial(_definition, execution, name, line))
            case ("inner function", execution, definition):
                return FunctionValue(execution, definition)
            case ("module", name):
                return self._executions[name]
            case ("frame", home, chain, names, names_known, aliases, done, obscured, assumed):
                frame = Execution(home.module, chain, names, names_known, aliases, done=done, obscured=obscured)
                frame.program, frame.assumed = home.program, assumed
                return frame
        raise pickle.UnpicklingError(f"{pid} is nothing that is kept")


def _definition(execution: Execution, name: str, line: int) -> Definition:
    program = execution.program
    found = _definitions(program.body) if program is not None else iter(())
    return next(item for item in found if (item.name, item.line) == (name, line))


def _definitions(block: Block) -> Iterator[Definition]:
    for statement in block.statements:
        match statement:
            case Define():
                yield statement.function
            case Try():
                for inner in (statement.body, *(item.body for item in statement.handlers), statement.orelse):
                    yield from _definitions(inner)
                yield from _definitions(statement.final)
            case If():
                for _, inner in statement.branches:
                    yield from _definitions(inner)
            case Maybe() | For():
                yield from _definitions(statement.body)
