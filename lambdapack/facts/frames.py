"""The state of an abstract execution: where a block runs, what is known there, how it may be left, what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN, Call
from lambdapack.facts.outcome import Certainty, Execution, Failure
from lambdapack.facts.program import Definition


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
class Ledger:
    """What an execution finds: modules by name, failures that are possible or caught, calls.

    `edges` are the imports that certainly take place once the modules before them run: the modules at work, the one
    that is imported.
    """

    executions: dict[str, Execution] = field(default_factory=dict)
    doubts: dict[Failure, None] = field(default_factory=dict)
    caught: dict[Failure, None] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    edges: dict[tuple[tuple[str, ...], str], None] = field(default_factory=dict)

    def note_import(self, name: str, context: Context) -> None:
        """Keeps that a module is imported by what is at work, if that is certain."""
        if not context.certain:
            return
        at_work = context.execution
        is_module = not at_work.chain or self.executions.get(at_work.module.name) is at_work
        sources = (at_work.module.name,) if is_module else at_work.chain[-2:]  # a function, and who calls it
        self.edges[sources, name] = None

    def reached(self, start: str, *, without: str | None = None) -> frozenset[str]:
        """Returns the modules that are certainly imported when the one at the start runs, that one included; `without`
        a module that is taken not to be there."""
        waiting: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for sources, name in self.edges:
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
