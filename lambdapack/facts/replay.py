"""What importing libraries did in an earlier run, taken over where it cannot be otherwise now.

The user's own code is executed in every run. Where it imports a module of somebody else, that import with all that
follows from it is a stretch: it comes out as before if everything but the user's code is as before (`surroundings`),
the same stretches came before it in the same order, and whatever of his code a library can see is the same. All that
makes up a stretch's key. A stretch that reached the user's code is never kept, nor is any after it. Knows what
executions keep, and not what they mean.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from lambdapack.facts.belief import Belief
from lambdapack.facts.calls import MOVES, Call
from lambdapack.facts.conditions import Unknown
from lambdapack.facts.frames import MOST_CALLS, Context, Edge, Followed, Ledger
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.outcome import Execution
from lambdapack.facts.pickling import UNREADABLE, dumped, loaded
from lambdapack.facts.program import Program
from lambdapack.facts.recalled import Recalled, State, ValuePickler, ValueUnpickler
from lambdapack.facts.surroundings import Surroundings

_PLAIN = ("stdlib", "builtin", "preinstalled", "namespace")  # nothing of them is executed
_HARMLESS = frozenset(("sys.path",))  # hooks that say all there is to know by being there


class Replay:
    """Stretches of one execution. `unchecked` are the paths of sources that are still to be compiled, `program_of` and
    `version_of` as `Executor` has them. `followed` and `values` come with `watch`."""

    def __init__(
        self,
        surroundings: Surroundings,
        known: KnownFacts,
        finder: ModuleFinder,
        unchecked: list[str],
        program_of: Callable[[Module], Program | None],
        version_of: Callable[[Module], Any],
    ) -> None:
        self._surroundings = surroundings
        self.known = known
        self._finder = finder
        self.unchecked = unchecked
        self.program_of = program_of
        self.version_of = version_of
        self._state = surroundings.key
        self._off = False
        self._open = False
        self._own: list[Execution] = []
        self._noted: set[str] = set()  # attributes
        self._seen = 0  # executions
        self._made: dict[bytes, bytes] = {}
        self._pristine: dict[str, dict[str, Any]] = {}

    def watch(self, ledger: Ledger, belief: Belief, followed: Followed, values: dict[str, Any]) -> None:
        """Begins with an execution. `values` are what every module knows from the start."""
        self.ledger = ledger
        self.belief = belief
        self.followed = followed
        self.values = values

    def enter(self, module: Module, context: Context) -> Stretch | None:
        """Takes in that a module is about to be executed; returns the stretch that begins with it, None where it
        belongs to one, or is the user's own, or nothing of it is executed."""
        if self._off or self._open or not self._surroundings.has(module):
            return None
        is_plain = module.kind in _PLAIN and not self._finder.over_standard_library
        if not self._take_in_own_code(module, context) or (not is_plain and self.changed_constants() != {}):
            self.give_up()
            return None
        if is_plain:
            return None
        self._open = True
        return Stretch(self, module.name, self._state)

    def leave(self) -> None:
        """Takes in that a stretch has ended."""
        self._open = False
        self._noted = set(self.belief.noted.attributes)
        self._seen = len(self.ledger.executions)

    def give_up(self) -> None:
        """Keeps and takes over nothing from here on."""
        self._off = True
        self._made.clear()

    def has(self, module: Module) -> bool:
        """True for a module that is none of the user's own."""
        return self._surroundings.has(module)

    @property
    def own_names(self) -> frozenset[str]:
        """The top-level modules of the user's own."""
        return self._surroundings.own_names

    def add(self, key: bytes, blob: bytes) -> None:
        """Takes in what is to be kept of a stretch, if nothing disturbs it later."""
        self._made[key] = blob

    def note_pristine(self, executions: Iterable[Execution]) -> None:
        """Takes in how modules of others are now."""
        for execution in executions:
            if isinstance(execution, Recalled):
                execution.pristine = dict(execution.constants)
            else:
                self._pristine[execution.module.name] = dict(execution.constants)

    def changed_constants(self) -> dict[str, tuple[str, ...]] | None:
        """Returns which constants modules of others have lost since they were executed; None if one has changed."""
        found = {}
        for name, was in self._all_pristine():
            now = self.ledger.executions[name].constants
            if _is_same(now, was):
                continue
            if any(key not in was or was[key] is not value for key, value in now.items()):
                return None
            lost = tuple(key for key in was if key not in now and f"{name}.{key}" not in self.ledger.executions)
            if lost:
                found[name] = lost
        return found

    def save(self) -> None:
        """Keeps the new stretches, if the user's code changed nothing of others' since."""
        if not self._off and self.changed_constants() == {}:
            for key, blob in self._made.items():
                self.known.keep(key, blob)
        self._made.clear()

    def _all_pristine(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from self._pristine.items()
        for name, execution in self.ledger.executions.items():
            if isinstance(execution, Recalled) and execution.pristine is not None:
                yield name, execution.pristine

    def _take_in_own_code(self, module: Module, context: Context) -> bool:
        """Adds to the state what the user's code did since the last stretch, as far as others can see it; False where
        that cannot be told."""
        importer = context.execution
        for execution in itertools.islice(self.ledger.executions.values(), self._seen, None):
            if not self._surroundings.has(execution.module):
                self._own.append(execution)
                program = execution.program
                if program is not None and program.import_hooks - _HARMLESS:
                    return False
        fresh = sorted(self.belief.noted.attributes - self._noted)
        active = [(item.name, item.line, item.source) for item in self.followed.active]
        own = [(item.module, "__version__" in item.names, _visible(item.program)) for item in self._own]
        moved = any(self.ledger.calls.named(MOVES.__contains__))
        seen = (
            own,
            fresh,
            active,
            moved,
            module,
            importer.module,
            importer.chain,
            context.certain,
            sorted(context.guards),
        )
        self._state = hashlib.sha256(self._state + repr(seen).encode("utf-8", "surrogatepass")).digest()
        self._noted = set(self.belief.noted.attributes)
        self._seen = len(self.ledger.executions)
        return True


def _visible(program: Program | None) -> tuple[object, ...]:
    """What libraries may see of a module of the user's own that they never import."""
    if program is None:
        return ()
    lazily = {statement.module.rpartition(".")[2] for statement in program.deferred}
    lazily |= {name for statement in program.deferred for name, _ in statement.names or ()}
    hooks = sorted(program.import_hooks)
    return sorted(lazily), hooks, program.computed_attributes, program.loads_libraries


class Stretch:
    """One import of somebody else's module with all that follows from it."""

    def __init__(self, replay: Replay, name: str, key: bytes) -> None:
        self._replay = replay
        self._name = name
        self._key = key
        ledger, noted = replay.ledger, replay.belief.noted
        self._executions = len(ledger.executions)
        self._doubts, self._caught = set(ledger.doubts), set(ledger.caught)
        self._begin = ledger.place()
        self._sources, self._hooking, self._natives = len(noted.sources), len(noted.hooking), len(noted.natives)
        self._attributes = set(noted.attributes)
        self._followed = replay.followed.count
        self._unchecked = len(replay.unchecked)
        replay.belief.words.clear()
        ledger.executions.touched = False
        ledger.executions.watched = replay.own_names

    # -- from an earlier run ---------------------------------------------------------------------------------------

    def recall(self) -> bool:
        """Takes over the stretch of an earlier run; False where there is none that would come out the same."""
        blob = self._replay.known.recall(self._key)
        if blob is None:
            return False
        try:
            summary, *later = loaded(blob)
            self._take_over(_Later(self._replay, *later), *_loaded(summary, self._replay))
        except (_Otherwise, LookupError, *UNREADABLE):
            return False
        self._end()
        return True

    def _take_over(
        self,
        later: _Later,
        words: dict[str, bool],
        followed: int,
        modules: list[tuple[Any, ...]],
        outcome: tuple[tuple[Any, ...], tuple[Any, ...], tuple[str, ...], dict[str, tuple[str, ...]]],
        noted: tuple[list[str], list[tuple[str, Any]], list[str], list[str], bool],
    ) -> None:
        replay, ledger, belief = self._replay, self._replay.ledger, self._replay.belief
        if any(belief.is_named_by_first_party(word) is not answer for word, answer in words.items()):
            raise _Otherwise
        if replay.followed.count + followed >= MOST_CALLS or replay.changed_constants() != {}:
            raise _Otherwise
        if any(name in ledger.executions for name, *_ in modules):
            raise _Otherwise
        for name, kind, path, search, certain, names_known, failures in modules:
            module = Module(name, kind, path, search, certain)
            replay._finder.learn(module)
            execution = Recalled(
                module, failures, names_known=names_known, state_of=later.state_of, program_of=replay.program_of
            )
            ledger.executions[name] = execution
        doubts, caught, unchecked, lost = outcome
        ledger.doubts.update(dict.fromkeys(doubts))
        ledger.caught.update(dict.fromkeys(caught))
        ledger.calls.append(later)
        ledger.kept_edges.append(later.edges)
        replay.unchecked += unchecked
        for name, keys in lost.items():
            for key in keys:
                ledger.executions[name].constants.pop(key, None)
        replay.note_pristine(ledger.executions[name] for name in lost)
        replay.followed.count += followed
        sources, hooking, natives, attributes, loads_libraries = noted
        belief.noted.sources += [ledger.executions[name].module for name in sources]
        belief.noted.hooking += [(ledger.executions[name].module, hooks) for name, hooks in hooking]
        belief.noted.natives += [ledger.executions[name].module for name in natives]
        belief.noted.attributes.update(attributes)
        belief.noted.loads_libraries |= loads_libraries

    # -- for the next one ------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Keeps what has been found since the stretch began."""
        replay, ledger, noted = self._replay, self._replay.ledger, self._replay.belief.noted
        added = list(itertools.islice(ledger.executions.values(), self._executions, None))
        lost = replay.changed_constants()
        replay.note_pristine((*added, *(ledger.executions[name] for name in lost or ())))
        natural = not ledger.executions.touched and replay.followed.count < MOST_CALLS and lost is not None
        natural = natural and all(replay.has(item.module) and _is_read(item) for item in added)
        self._end()
        if not natural or lost is None or len(ledger.kept_edges) > self._begin.kept_edges:
            replay.give_up()
            return
        modules = [(*_told(item.module), item.names_known, tuple(item.failures)) for item in added]
        outcome = (
            tuple(item for item in ledger.doubts if item not in self._doubts),
            tuple(item for item in ledger.caught if item not in self._caught),
            tuple(replay.unchecked[self._unchecked :]),
            lost,
        )
        about = (
            [module.name for module in noted.sources[self._sources :]],
            [(module.name, hooks) for module, hooks in noted.hooking[self._hooking :]],
            [module.name for module in noted.natives[self._natives :]],
            sorted(noted.attributes - self._attributes),
            noted.loads_libraries,
        )
        whole = (dict(replay.belief.words), replay.followed.count - self._followed, modules, outcome, about)
        calls: dict[str, list[tuple[int, Call]]] = {}
        for at, call in enumerate(ledger.calls.named(lambda _: True, begin=self._begin.calls)):
            calls.setdefault(call.name, []).append((at, call))
        edges = list(itertools.islice(ledger.edges, self._begin.edges, None))
        try:
            states = {item.module.name: self._dumped(_state(item, replay.values)) for item in added}
            by_name = {name: self._dumped(found) for name, found in calls.items()}
            replay.add(self._key, dumped((self._dumped(whole), dumped(states), dumped(by_name), dumped(edges))))
        except (pickle.PicklingError, RecursionError):
            replay.give_up()

    def _dumped(self, value: Any) -> bytes:
        stream = io.BytesIO()
        ValuePickler(stream, self._replay.ledger.executions).dump(value)
        return stream.getvalue()

    def _end(self) -> None:
        self._replay.ledger.executions.watched = frozenset()
        self._replay.leave()


class _Otherwise(Exception):
    """The stretch would come out otherwise this time."""


class _Later:
    """What of a kept stretch is read when somebody asks for it, as it was pickled."""

    def __init__(self, replay: Replay, states: bytes, calls: bytes, edges: bytes) -> None:
        self._replay = replay
        self._packed_states = states
        self._calls = calls
        self._edges = edges

    @cached_property
    def _states(self) -> dict[str, bytes]:
        states: dict[str, bytes] = loaded(self._packed_states)
        return states

    @cached_property
    def _calls_by_name(self) -> dict[str, bytes]:
        calls: dict[str, bytes] = loaded(self._calls)
        return calls

    def state_of(self, name: str) -> State:
        """Returns what `Recalled` has of a module."""
        chain, names, aliases, (constants, without), *others = _loaded(self._states[name], self._replay)
        known = {key: value for key, value in self._replay.values.items() if key not in without}
        return chain, names, aliases, known | constants, *others

    def named(self, wanted: Callable[[str], bool]) -> Iterable[Call]:
        """Returns the calls of wanted names, in order."""
        found: list[tuple[int, Call]] = []
        for name, blob in self._calls_by_name.items():
            if wanted(name):
                found += _loaded(blob, self._replay)
        return [call for _, call in sorted(found, key=lambda pair: pair[0])]

    def edges(self) -> Iterable[Edge]:
        """Returns the imports that certainly take place."""
        edges: list[Edge] = loaded(self._edges)
        return edges


def _loaded(blob: bytes, replay: Replay) -> Any:
    return ValueUnpickler(blob, replay.ledger.executions, replay.version_of).load()


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        return one == other
    except Unknown:  # two versions of which nobody knows
        return False


def _is_read(execution: Execution) -> bool:
    """False for a source that could not be read: that is told of in every run."""
    return execution.module.kind != "source" or execution.program is not None


def _told(module: Module) -> tuple[Any, ...]:
    return module.name, module.kind, module.path, module.search, module.certain


def _state(execution: Execution, values: dict[str, Any]) -> State:
    """Returns what `_Later.state_of` returns, with the constants as their difference from what all modules know."""
    constants = execution.constants
    own = {key: value for key, value in constants.items() if key not in values or values[key] is not value}
    without = tuple(key for key in values if key not in constants)
    named = (execution.chain, execution.names, execution.aliases)
    return *named, (own, without), execution.obscured, execution.steady, execution.assumed
