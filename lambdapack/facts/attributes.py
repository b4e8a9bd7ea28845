"""Attributes of modules that running code asks for: `module.name`, `hasattr`, what a module's `__getattr__` says."""

from __future__ import annotations

from collections.abc import Callable

from lambdapack.facts.belief import Belief
from lambdapack.facts.calls import absolute_name
from lambdapack.facts.expression import Expression
from lambdapack.facts.failing import failure_of
from lambdapack.facts.frames import Context, Ledger
from lambdapack.facts.outcome import Execution
from lambdapack.facts.program import Import
from lambdapack.facts.standard import StandardModules
from lambdapack.facts.trampoline import Steps


class Attributes:
    """Answers for the modules of one execution. `resolve` works out calls; whoever makes them sets it."""

    def __init__(self, standard: StandardModules, belief: Belief, ledger: Ledger) -> None:
        self._standard = standard
        self._belief = belief
        self._ledger = ledger
        self.resolve: Callable[[Expression, Context], Steps] | None = None

    def has(self, module: str, name: str, context: Context) -> bool | None:
        """Says whether a module that has been imported has an attribute; None where that is not known."""
        target = self._ledger.executions.get(module)
        if target is None or not target.done or self._belief.sets(name):
            return None
        if target.module.kind in ("stdlib", "builtin"):
            return self._standard.has(target.module, name)
        if target.module.kind != "source" or name in target.constants:
            return True if name in target.constants else None
        if f"{module}.{name}" in self._ledger.executions or name in target.names:
            return None
        return None if self._belief.name_may_exist(target, name, context.execution) else False

    def lacking(self, dotted: str, line: int, context: Context) -> Steps:
        """Returns the failure of `module.name` where the module certainly has no such name."""
        if dotted.partition(".")[0] not in context.execution.aliases or dotted in context.values:
            return []
        owner, *names = absolute_name(dotted, context.execution).split(".")
        for name in names:
            target = self._ledger.executions.get(owner)
            if target is None or self._belief.sets(name):
                return []
            if target.module.kind in ("stdlib", "builtin"):
                lacks = self._standard.lacks(target.module, name)
            else:
                lacks = yield self._lacks(target, name, context)
            if lacks:
                return [failure_of("missing-attribute", Import(line, owner), owner, context, name=name)]
            owner = f"{owner}.{name}"
        return []

    def _lacks(self, target: Execution, name: str, context: Context) -> Steps:
        """True when a module of the artifact certainly lacks a name; a submodule is none before it is imported."""
        if target.module.kind != "source" or not target.done or name in target.names or target.failures:
            return False
        if f"{target.module.name}.{name}" in self._ledger.executions:
            return False
        refused = (yield self.are_refused(target, name, context)) if "__getattr__" in target.names else False
        return not self._belief.name_may_exist(target, name, context.execution, refused=refused)

    def are_refused(self, target: Execution, wanted: str, context: Context) -> Steps:
        """True when a module's own `__getattr__` certainly raises for a name (PEP 562)."""
        if not target.done or self.resolve is None:
            return False
        doubts, calls = dict(self._ledger.doubts), len(self._ledger.calls)
        asked: Expression = ("call", ("name", "__getattr__"), (("literal", wanted),), (), 0)
        inside = Context(target, target.constants, guards=context.guards)
        _, failures = yield self.resolve(asked, inside)
        self._ledger.doubts = doubts
        self._ledger.calls.cut(calls)
        return any(failure.kind == "raises" and failure.name == "AttributeError" for failure in failures)
