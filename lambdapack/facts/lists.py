"""Keeps what is known of lists true while code runs: whatever may change one is noted.

Items are values like others; a list that has two names, or that code has which is not followed, is not known any more.
"""

from __future__ import annotations

from lambdapack.facts import sequences
from lambdapack.facts.belief import Belief
from lambdapack.facts.calls import Call
from lambdapack.facts.conditions import Items
from lambdapack.facts.expression import Expression
from lambdapack.facts.frames import Context, Ledger


class Lists:
    """Follows the lists of one execution."""

    def __init__(self, belief: Belief, ledger: Ledger) -> None:
        self._belief = belief
        self._ledger = ledger

    def note_name(self, name: str, value: Expression, context: Context) -> None:
        """Takes in that a name was bound to a list. In a function a list is its own; in a module only one that the
        module itself is known not to change: `Program` has no others."""
        if value[0] == "name":  # two names for one list
            context.values.pop(name, None)
            context.values.pop(value[1], None)
        elif (
            context.execution.program is not None
            and self._is_module(context)
            and value[0] not in ("list", "join", "each")
        ):
            context.values.pop(name, None)

    def _is_module(self, context: Context) -> bool:
        return self._ledger.executions.get(context.execution.module.name) is context.execution

    def note_call(self, called: Call | None, call: Expression, context: Context) -> None:
        """Keeps what is known of lists true: a method may change one, and so may any function that is given it."""
        values = context.values
        owner, _, method = call[1][1].rpartition(".") if called is not None else ("", "", "")
        if called is not None and isinstance(items := values.get(owner), Items):
            later = sequences.changed(items, method, called.arguments) if context.certain else None
            if later is None or called.keywords:
                del values[owner]
            else:
                values[owner] = later
            if later is not items:
                self._forget(owner, context)
        given = (item[1] for item in (*call[2], *(item for _, item in call[3])) if item[0] == "name")
        for name in [name for name in given if isinstance(values.get(name), Items)]:
            if called is None or sequences.keeps_lists(called.name):
                del values[name]
                self._forget(name, context)

    def _forget(self, name: str, context: Context) -> None:
        """A list has changed: where else it is known by the same name, nothing is known of it any more."""
        home = self._ledger.executions.get(context.execution.module.name)
        if home is not None and home.constants is not context.values:
            home.constants.pop(name, None)
        if name in context.execution.aliases:  # another module's
            self._belief.note_change(name)
