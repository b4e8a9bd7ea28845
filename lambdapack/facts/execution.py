"""What importing the handler does, worked out without running it: an abstract execution of module programs.

Every module that the handler's import reaches is executed once for the target: conditions are evaluated for it, guards
catch what they really catch, and what cannot be known is kept apart from what is certain. Judges nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from lambdapack.facts.belief import Belief
from lambdapack.facts.calling import Caller
from lambdapack.facts.calls import NOT_KNOWN, value_of
from lambdapack.facts.conditions import Items, Unknown, asks, evaluate, target_names
from lambdapack.facts.environment import Environment
from lambdapack.facts.expression import UNKNOWN, Expression
from lambdapack.facts.failing import raise_statement, raised
from lambdapack.facts.frames import Context, FunctionValue, Ledger
from lambdapack.facts.importing import Importer, Readers
from lambdapack.facts.installed import Installed
from lambdapack.facts.libraries import LibraryNames
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.outcome import (
    Execution,
    Failure,
    all_alike,
    catches_more_than_imports,
    catching,
    guards_imports,
)
from lambdapack.facts.program import (
    Block,
    ClassUnion,
    Constant,
    Define,
    Effect,
    Evaluate,
    For,
    If,
    Import,
    Jump,
    Leave,
    Maybe,
    Obscure,
    Program,
    Raise,
    Return,
    Statement,
    Try,
    Use,
    Yield,
    all_names,
    jumps,
)
from lambdapack.facts.replay import Replay
from lambdapack.facts.trampoline import Steps, drive
from lambdapack.profiles.profile import RuntimeProfile


class Executor:
    """Executes modules of one finder. `installed` says what `importlib.metadata` answers, `libraries` which libraries
    are found by name, `belief` what code that ran may have made besides, `replay` what libraries
    did in an earlier run."""

    def __init__(
        self,
        finder: ModuleFinder,
        profile: RuntimeProfile,
        readers: Readers,
        installed: Installed,
        libraries: LibraryNames,
        belief: Belief,
        replay: Replay | None = None,
    ) -> None:
        self._values = target_names(profile.python, profile.machine, profile.builtin_modules, profile.prefix)
        self._python = profile.python
        self._belief = belief
        self.ledger = Ledger()
        self._importer = Importer(finder, profile, self._values, readers, belief, self.ledger, self._block, replay)
        self._caller = Caller(self._importer, belief, self.ledger, self._block, installed.answer, libraries)
        self._environment = Environment(belief, self._caller, installed)
        if replay is not None:
            replay.watch(self.ledger, belief, self._caller.followed, self._values)

    def run(self, name: str, importer: str) -> list[Failure]:
        """Imports a dotted name as the runtime client does and returns what certainly fails."""
        origin = Execution(Module(importer, "builtin"), ())
        context = Context(origin, dict(self._values))
        failures: list[Failure] = drive(self._importer.load_dotted(Import(0, name), name, context))
        return failures

    def run_line(self, program: Program, path: str) -> None:
        """Executes one `import` line of a `.pth` file. site prints its errors and goes on."""
        execution = Execution(Module(path, "source", path), (path,), program=program)
        self._belief.note(execution.module, program)
        drive(self._block(program.body, Context(execution, dict(self._values), program.volatile, certain=False)))

    def run_deferred(self, execution: Execution, imported: Import) -> None:
        """Resolves an import that stands in a function; what fails is kept as a deferred doubt."""
        before, calls = dict(self.ledger.doubts), len(self.ledger.calls)
        context = Context(replace(execution, aliases={}), dict(self._values), certain=False)
        failures: list[Failure] = drive(self._importer.run(imported, context))
        self.ledger.doubts = before
        self.ledger.calls.cut(calls)
        self.ledger.doubt(failures, "deferred")

    def call(self, execution: Execution, function: str) -> list[Failure]:
        """Calls a function with two arguments of which nothing is known, and returns what certainly fails."""
        context = Context(execution, execution.constants)
        expression: Expression = ("call", ("name", function), (UNKNOWN, UNKNOWN), (), 0)
        doubts = dict(self.ledger.doubts)
        _, failures = drive(self._caller.resolve(expression, context))
        self.ledger.doubts = doubts
        return list(failures)

    # -- statements ------------------------------------------------------------------------------------------------

    def _block(self, block: Block, context: Context) -> Steps:
        """Runs statements and returns the failures that leave the block."""
        context.execution.names |= block.names
        flow = context.flow
        failures: list[Failure] = []
        outermost = context.execution.program is not None and block is context.execution.program.body
        for at, statement in enumerate(block.statements):
            if outermost:
                context.execution.position = at
            if flow.possible and context.certain:  # it may have been left before
                self.ledger.doubt((yield self._statement(statement, context.uncertain())))
            else:
                # Most statements call nothing: they are done here, without a step of their own.
                raised: list[Failure] | None = self._done_at_once(statement, context)
                if raised is None:
                    raised = yield self._statement(statement, context)
                failures.extend(failure for failure in raised if failure not in failures)
                ended = isinstance(statement, Leave | Evaluate | Constant) and raised and raised[-1].kind == "raises"
                if ended or (raised and context.stop):
                    break
            if flow.jump or isinstance(statement, Raise | Return | Jump):
                break
        return failures

    def _done_at_once(self, statement: Statement, context: Context) -> list[Failure] | None:
        """Executes a statement in which nothing is called and nothing else stands; None for any other."""
        match statement:
            case Constant(value=value):
                if self._caller.has_more_to_know(value, context.values):
                    return None
                self._bind(statement, value, context)
                return []
            case Evaluate(value=value):
                return None if self._caller.has_more_to_know(value, context.values) else []
            case Define() | Use() | Effect():
                return self._simple(statement, context)
        return None

    def _statement(self, statement: Statement, context: Context) -> Steps:
        match statement:
            case Constant():
                return self._assign(statement, context)
            case If():
                return self._if(statement, context)
            case Try():
                return self._try(statement, context)
            case For():
                return self._for(statement, context)
            case Return():
                return self._return(statement, context)
        return self._other(statement, context)

    def _other(self, statement: Statement, context: Context) -> Steps:
        match statement:
            case Import():
                failures: list[Failure] = yield self._importer.run(statement, context)
                context.execution.names |= statement.bound_names  # also after a failure: what follows is judged, too
                return failures
            case Evaluate():
                _, failures = yield self._caller.resolve(statement.value, context)
                return failures
            case Maybe():
                yield self._maybe(statement.body, context)
                return []
            case Yield():
                value, failures = yield self._caller.resolve(statement.value, context)
                context.flow.note_item(value_of(value, context.values) if context.certain else NOT_KNOWN)
                return failures
            case Raise():
                return raise_statement(statement, context)
        return self._simple(statement, context)

    def _simple(self, statement: Statement, context: Context) -> list[Failure]:
        execution = context.execution
        match statement:
            case Define():
                name = statement.function.name
                context.values.pop(name, None)
                execution.aliases.pop(name, None)
                if context.certain and name not in context.volatile and self._is_trusted(execution):
                    context.values[name] = FunctionValue(execution, statement.function)
            case Jump():
                if context.certain:
                    context.flow.jump = statement.kind
                else:
                    context.flow.possible.add(statement.kind)
            case Obscure():
                execution.obscured, execution.names_known = True, False
                for name in context.values.keys() - self._values.keys() - execution.steady:
                    del context.values[name]
            case Leave() if statement.name not in execution.names:
                return [raised("SystemExit", statement.line, context)]
            case Use():
                return self._use(statement, context)
            case ClassUnion(line, names, text) if self._python < (3, 10) and execution.names_known:
                if not names & execution.names:
                    return [replace(raised("TypeError", line, context), detail=text)]
            case Effect():
                execution.effects += 1
        return []

    @staticmethod
    def _is_trusted(execution: Execution) -> bool:
        """False in a module whose code may have bound any of its names."""
        return not (execution.obscured or (execution.program is not None and execution.program.opaque_functions))

    def _assign(self, statement: Constant, context: Context) -> Steps:
        if statement.line:
            lacking = yield self._importer.attributes.lacking(statement.value[1], statement.line, context)
            if lacking:
                return lacking
        value, failures = yield self._caller.resolve(statement.value, context)
        self._bind(statement, value, context, failed=bool(failures))
        if context.certain and not failures and statement.name not in context.values:
            yield self._environment.note(statement, context)
        return failures

    def _bind(self, statement: Constant, value: Expression, context: Context, *, failed: bool = False) -> None:
        name = statement.name
        context.values.pop(name, None)
        context.execution.aliases.pop(name, None)
        context.execution.assumed.pop(name, None)
        # Code that binds names unseen may change a flag, but hardly what was read off the platform.
        platform = asks(statement.value, self._values)
        trusted = name not in context.volatile and (platform or self._is_trusted(context.execution))
        if context.certain and trusted and not failed and value != UNKNOWN:
            with suppress(Unknown):
                context.values[name] = evaluate(value, context.values)
                if isinstance(context.values[name], Items):
                    self._caller.lists.note_name(name, statement.value, context)
                if platform:
                    context.execution.steady.add(name)

    def _return(self, statement: Return, context: Context) -> Steps:
        value, failures = yield self._caller.resolve(statement.value, context)
        if failures:
            return failures
        if context.certain:
            context.flow.jump, context.flow.value = "return", value_of(value, context.values)
        else:
            context.flow.possible.add("return")
        return []

    def _use(self, statement: Use, context: Context) -> list[Failure]:
        """`try: NAME` / `except NameError`: how code asks whether a name is bound."""
        if statement.name in context.values or self._belief.is_bound(statement.name, context.execution):
            return []
        return [raised("NameError", statement.line, context)]

    def _if(self, statement: If, context: Context) -> Steps:
        assumed = False
        for condition, body in statement.branches:
            resolved, failures = yield self._caller.resolve(condition, context)
            if failures:
                return failures
            holds = value_of(resolved, context.values)
            if holds is NOT_KNOWN and context.certain:
                holds = yield self._environment.assume(condition, context)
                assumed = assumed or holds is not NOT_KNOWN
            if holds is NOT_KNOWN or (assumed and not holds):
                yield self._maybe(body, context)
                context = context if assumed and holds is not NOT_KNOWN else context.uncertain()
            elif holds:
                if not context.certain:
                    yield self._maybe(body, context)
                    return []
                return (yield self._assumed(body, context) if assumed else self._block(body, context))
        return []

    def _assumed(self, body: Block, context: Context) -> Steps:
        """Runs the block that runs if an environment variable is not set. Only for a lack in the artifact itself does
        that stand for the normal case: an error that code raises may be there to ask for the variable."""
        if jumps(body):
            yield self._maybe(body, context)
            return []
        failures: list[Failure] = yield self._block(body, context)
        for name in all_names(body):
            context.values.pop(name, None)
        lacking = [failure for failure in failures if self._environment.is_a_lack(failure)]
        self.ledger.doubt(failure for failure in failures if failure not in lacking)
        return lacking

    def _maybe(self, body: Block, context: Context) -> Steps:
        """Runs a block that may not run: what fails in it is possible, and constants in it are lost."""
        self.ledger.doubt((yield self._block(body, context.uncertain())))

    def _for(self, statement: For, context: Context) -> Steps:
        resolved, failures = yield self._caller.resolve_items(statement.iterable, context)
        if failures:
            return failures
        flow, items = context.flow, value_of(resolved, context.values)
        context.values.pop(statement.target, None)
        if isinstance(items, tuple) and statement.target:
            for item in items:
                context.values[statement.target] = item
                failures.extend((yield self._block(statement.body, context)))
                flow.possible.discard("continue")
                if flow.jump == "continue":
                    flow.jump = None
                if failures or flow.jump:
                    break
            context.values.pop(statement.target, None)
        else:
            yield self._maybe(statement.body, context)
            flow.possible.discard("continue")
        if not flow.jump and not failures:
            if isinstance(items, tuple) and statement.target and not flow.possible:
                failures.extend((yield self._block(statement.orelse, context)))
            else:
                yield self._maybe(statement.orelse, context)
        if flow.jump == "break":
            flow.jump = None
        flow.possible.discard("break")
        return failures

    def _try(self, statement: Try, context: Context) -> Steps:
        caught = {name for handler in statement.handlers for name in handler.catches or ("BaseException",)}
        inner = replace(
            context,
            stop=bool(statement.handlers) or context.stop,
            handling=(),
            guards=context.guards | caught,
        )
        doubts, effects, modules = dict(self.ledger.doubts), context.execution.effects, len(self.ledger.executions)
        raised: list[Failure] = yield self._block(statement.body, inner)
        # Something else may have been raised in the body, and caught: by what it does, or by modules that ran in it.
        jump = context.flow.take()
        ran = len(self.ledger.executions) > modules and (
            len(self.ledger.doubts) > len(doubts) or catches_more_than_imports(statement)
        )
        sure = not statement.handlers or (context.execution.effects == effects and not ran)
        if guards_imports(statement):
            self.ledger.doubts = doubts  # whoever guards an import is ready for its failure
        failures: list[Failure] = []
        if raised:
            failures.extend((yield self._except(statement, raised, context, sure=sure)))
        else:
            for handler in statement.handlers:  # not reached as far as can be known, but their names may be bound
                context.execution.names |= all_names(handler.body)
            if not sure:
                context.flow.possible.update(*(jumps(handler.body) for handler in statement.handlers))
                for name in all_names(statement.body).union(*(all_names(item.body) for item in statement.handlers)):
                    context.values.pop(name, None)
            if sure and not jump:
                failures.extend((yield self._block(statement.orelse, context)))
            elif not jump:
                yield self._maybe(statement.orelse, context)
        after = context.flow.take() or jump
        final: list[Failure] = yield self._block(statement.final, context)
        failures = final if context.flow.jump else [*failures, *final]  # `return` in `finally` drops what was raised
        context.flow.jump = context.flow.jump or after
        return failures

    def _except(self, statement: Try, raised: list[Failure], context: Context, *, sure: bool) -> Steps:
        """Runs the handler that catches what was raised and returns what leaves the `try`."""
        handler, catches = catching(statement.handlers, raised[0], context.execution.names)
        # Whatever was raised before comes to the same handler, or to one that raises again: the `try` fails either way.
        sure = sure or (catches and handler is not None and all_alike(statement.handlers))
        if handler is None:
            if sure:
                return raised
            self.ledger.doubt(raised)
            return []
        if not catches:
            self.ledger.doubt(raised)
            yield self._maybe(handler.body, context)
            return []
        errors = context.errors | ({handler.bound: tuple(raised)} if handler.bound else {})
        inner = replace(context, handling=tuple(raised), errors=errors)
        if not sure:
            inner = inner.uncertain()
        escaped: list[Failure] = yield self._block(handler.body, inner)
        if escaped and raised[0].kind in ("native", "byte-code", "syntax"):
            escaped = raised  # the fallback was never meant to be needed: what broke the first choice is the cause
        for failure in raised:
            if failure not in escaped:
                self.ledger.caught[failure] = None
        if sure:
            return escaped
        self.ledger.doubt(escaped)
        return []
