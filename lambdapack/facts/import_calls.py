"""The calls that importing a handler makes, and whether it certainly comes to each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from lambdapack.facts.calls import Call
from lambdapack.facts.frames import Ledger, Place
from lambdapack.facts.later import deferred_calls
from lambdapack.facts.outcome import Execution, Failure


class ImportCalls:
    """The calls in a ledger up to a place: what came later belongs to no import. `start` is the module that imports the
    handler's, `failures` are what it fails with."""

    def __init__(self, ledger: Ledger, end: Place, start: str, failures: Sequence[Failure]) -> None:
        self._ledger = ledger
        self._end = end
        self._start = start
        self._failures = failures

    def named(self, wanted: Callable[[str], bool], sources: Sequence[tuple[Execution, bytes]] = ()) -> Iterator[Call]:
        """Yields the calls of wanted names, in order, then those of things that load by name in functions of the given
        modules. `when` is that of the module: `as_reached` knows more, and takes longer to find out."""
        yield from self._ledger.calls.named(wanted, end=self._end.calls)
        for execution, data in sources:
            yield from (call for call in deferred_calls(execution, data) if wanted(call.name))

    def as_reached(self, call: Call) -> Call:
        """A call is certain in its module only: so must be the way to it, and no failure that is caught elsewhere may
        keep the module from getting there. What nobody catches has to be mended anyway, and the call comes next."""
        if call.when != "import":
            return call
        execution = self._ledger.executions.get(call.module)
        caught = () if execution is None else set(execution.failures).difference(self._failures)
        stopped = any(failure.line < call.line for failure in caught)
        if stopped or not self._reached.issuperset(call.chain[-2:]):
            return replace(call, when="perhaps")
        return call

    @cached_property
    def _reached(self) -> frozenset[str]:
        return self._ledger.reached(self._start, self._end)
