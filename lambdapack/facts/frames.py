"""The state of an abstract execution: where a block runs, what is known there, how it may be left, what was found."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from lambdapack.facts.calls import NOT_KNOWN, Call
from lambdapack.facts.outcome import Certainty, Execution, Failure
from lambdapack.facts.program import Definition

MOST_CALLS = 5_000  # followed in one execution: a bound for programs that call themselves over and over


@dataclass(slots=True)
class Flow:
    """How a module or a function is being left: `jump` certainly (`return`, `break`, `continue`; None: not at all),
    `possible` perhaps. `value` is what it returns, `items` what it has yielded; None where that is not known."""

    jump: str | None = None
    possible: set[str] = field(default_factory=set)
    value: Any = None
    items: list[Any] | None = field(default_factory=list)

    def note_item(self, value: Any) -> None:
        """Takes in what a generator yields."""
        if self.items is not None and value is not NOT_KNOWN:
            self.items.append(value)
        else:
            self.items = None

    def take(self) -> str | None:
        """Returns the certain jump and forgets it, for what still runs: `finally`."""
        jump, self.jump = self.jump, None
        return jump


@dataclass(slots=True)
class Context:
    """Where a block runs: in which module, under which known values, how surely.

    `stop`: a guard is waiting, so the rest of a block does not run after a failure. `handling` is what a bare `raise`
    raises again, `errors` what `except ... as name` bound. `guards` are the errors that are caught around.
    """

    execution: Execution
    values: dict[str, Any]
    volatile: frozenset[str] = frozenset()
    certain: bool = True
    stop: bool = False
    handling: tuple[Failure, ...] = ()
    errors: dict[str, tuple[Failure, ...]] = field(default_factory=dict)
    guards: frozenset[str] = frozenset()
    flow: Flow = field(default_factory=Flow)

    def uncertain(self) -> Context:
        """The same place, for code that may not run."""
        if not self.certain:
            return self
        return Context(
            self.execution,
            self.values,
            self.volatile,
            certain=False,
            stop=self.stop,
            handling=self.handling,
            errors=self.errors,
            guards=self.guards,
            flow=self.flow,
        )


@dataclass(frozen=True, slots=True, eq=False)
class FunctionValue:
    """A function as a value: its definition and the module whose names it sees."""

    execution: Execution
    definition: Definition


@dataclass(slots=True)
class Followed:
    """Calls that are followed: the functions at work, and how many calls there were."""

    active: list[Definition] = field(default_factory=list)
    count: int = 0


Edge = tuple[tuple[str, ...], str]


class Executions(dict[str, Execution]):
    """Modules by name. While `watched` has names, it is noted when one below them is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.watched: frozenset[str] = frozenset()
        self.touched = False

    def get(self, name: str, default: Any = None) -> Any:
        if self.watched and name.partition(".")[0] in self.watched:
            self.touched = True
        return super().get(name, default)


class KeptCalls(Protocol):
    """Calls of an earlier run; they are read when somebody asks for them."""

    def named(self, wanted: Callable[[str], bool]) -> Iterable[Call]: ...


class CallLog:
    """Calls in the order in which they are made."""

    def __init__(self) -> None:
        self._items: list[Call | KeptCalls] = []

    def __len__(self) -> int:
        """The place at which the next call will stand."""
        return len(self._items)

    def __iter__(self) -> Iterator[Call]:
        return self.named(lambda _: True)

    def append(self, item: Call | KeptCalls) -> None:
        """Adds a call, or those of a whole stretch of an earlier run."""
        self._items.append(item)

    def cut(self, place: int) -> None:
        """Forgets what stands at a place and after it."""
        del self._items[place:]

    def named(self, wanted: Callable[[str], bool], begin: int = 0, end: int | None = None) -> Iterator[Call]:
        """Yields the calls of wanted names, from a place on and up to another one."""
        for item in self._items[begin:end]:
            if not isinstance(item, Call):
                yield from item.named(wanted)
            elif wanted(item.name):
                yield item


@dataclass(frozen=True, slots=True)
class Place:
    """How much a ledger had of what only grows."""

    calls: int
    edges: int
    kept_edges: int


@dataclass(slots=True)
class Ledger:
    """What an execution finds: modules by name, failures that are possible or caught, calls.

    `edges` are the imports that certainly take place once the modules before them run: the modules at work, the one
    that is imported; `kept_edges` give those of an earlier run.
    """

    executions: Executions = field(default_factory=Executions)
    doubts: dict[Failure, None] = field(default_factory=dict)
    caught: dict[Failure, None] = field(default_factory=dict)
    calls: CallLog = field(default_factory=CallLog)
    edges: dict[Edge, None] = field(default_factory=dict)
    kept_edges: list[Callable[[], Iterable[Edge]]] = field(default_factory=list)

    def note_import(self, name: str, context: Context) -> None:
        """Keeps that a module is imported by what is at work, if that is certain."""
        if not context.certain:
            return
        at_work = context.execution
        is_module = not at_work.chain or self.executions.get(at_work.module.name) is at_work
        sources = (at_work.module.name,) if is_module else at_work.chain[-2:]  # a function, and who calls it
        self.edges[sources, name] = None

    def place(self) -> Place:
        """Returns how far the execution has come."""
        return Place(len(self.calls), len(self.edges), len(self.kept_edges))

    def all_edges(self, end: Place) -> Iterable[Edge]:
        """Returns the edges up to a place, with those of an earlier run."""
        edges = itertools.islice(self.edges, end.edges)
        return itertools.chain(edges, *(kept() for kept in self.kept_edges[: end.kept_edges]))

    def reached(self, start: str, end: Place | None = None, *, without: str | None = None) -> frozenset[str]:
        """Returns the modules that are certainly imported when the one at the start runs, that one included, as far as
        the execution had come at a place; `without` a module that is taken not to be there."""
        waiting: dict[str, list[Edge]] = {}
        for sources, name in self.all_edges(end or self.place()):
            for source in sources:
                waiting.setdefault(source, []).append((sources, name))
        found, pending = {start}, [start]
        while pending:
            for sources, name in waiting.get(pending.pop(), ()):
                if name not in found and name != without and found.issuperset(sources):
                    found.add(name)
                    pending.append(name)
        return frozenset(found)

    def doubt(self, failures: Iterable[Failure], certainty: Certainty = "possible") -> None:
        """Keeps failures that are not certain."""
        for failure in failures:
            self.doubts[replace(failure, certainty=certainty)] = None
