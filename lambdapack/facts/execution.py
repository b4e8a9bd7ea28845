"""What importing the handler does, worked out without running it: an abstract execution of module programs.

Every module that the handler's import reaches is executed once for the target: conditions are evaluated for it, guards
catch what they really catch, and what cannot be known is kept apart from what is certain. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from lambdapack.facts.belief import Belief
from lambdapack.facts.conditions import Unknown, asks, evaluate, rebind, target_names
from lambdapack.facts.grammar import SyntaxProblem
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.outcome import (
    Certainty,
    Execution,
    Failure,
    FailureKind,
    catches_more_than_imports,
    catching,
    guards_imports,
)
from lambdapack.facts.program import (
    Block,
    Constant,
    Effect,
    If,
    Import,
    Leave,
    Maybe,
    Program,
    Raise,
    Statement,
    Try,
    Use,
    all_names,
)
from lambdapack.facts.trampoline import Steps, drive
from lambdapack.profiles.profile import RuntimeProfile


@dataclass(slots=True)
class _Context:
    """Where a block runs: in which module, under which known values, how surely."""

    execution: Execution
    values: dict[str, Any]
    certain: bool = True
    stop: bool = False  # a guard is waiting: the rest of the block does not run after a failure
    handling: tuple[Failure, ...] = ()  # what a bare `raise` raises again


class Executor:
    """Executes modules of one finder. `program_of` returns a source module's program, None if it cannot be read;
    `refusal_of` says why the target's compiler refuses one, `loads` whether the loader accepts a native file,
    `belief` what code that ran may have made besides."""

    def __init__(
        self,
        finder: ModuleFinder,
        profile: RuntimeProfile,
        program_of: Callable[[Module], Program | None],
        loads: Callable[[str], bool],
        refusal_of: Callable[[Module], SyntaxProblem | None],
        belief: Belief,
    ) -> None:
        self._finder = finder
        self._values = target_names(profile.python, profile.machine, profile.builtin_modules)
        self._program_of = program_of
        self._loads = loads
        self._refusal_of = refusal_of
        self._belief = belief
        self.executions: dict[str, Execution] = {}
        self.doubts: dict[Failure, None] = {}
        self.caught: dict[Failure, None] = {}

    def run(self, name: str, importer: str) -> list[Failure]:
        """Imports a dotted name as the runtime client does and returns what certainly fails."""
        origin = Execution(Module(importer, "builtin"), ())
        context = _Context(origin, dict(self._values))
        failures: list[Failure] = drive(self._import_dotted(Import(0, name), name, context))
        return failures

    def run_line(self, program: Program, path: str) -> None:
        """Executes one `import` line of a `.pth` file. site prints its errors and goes on."""
        execution = Execution(Module(path, "source", path), (path,), program=program)
        self._belief.note(execution.module, program)
        drive(self._block(program.body, _Context(execution, dict(self._values), certain=False)))

    def run_deferred(self, execution: Execution, imported: Import) -> None:
        """Resolves an import that stands in a function; what fails is kept as a deferred doubt."""
        before = dict(self.doubts)
        failures: list[Failure] = drive(self._import(imported, _Context(execution, dict(self._values), certain=False)))
        self.doubts = before
        self._doubt(failures, "deferred")

    def _doubt(self, failures: Iterable[Failure], certainty: Certainty = "possible") -> None:
        for failure in failures:
            self.doubts[replace(failure, certainty=certainty)] = None

    # -- modules ---------------------------------------------------------------------------------------------------

    def _load(self, name: str, parent: Execution | None, context: _Context) -> Steps:
        """Returns the execution of one module whose parents are loaded, or None when there is no such module."""
        known = self.executions.get(name)
        if known is not None:
            return known
        module = self._finder.find(name, parent.module if parent else None)
        if module is None and parent and parent.program and "extend_path" in parent.program.import_hooks:
            module = self._finder.find_extended(name, parent.module)
        if module is None:
            return None
        chain = (*context.execution.chain, name)
        execution = Execution(module, chain)
        self.executions[name] = execution
        match module.kind:
            case "source":
                yield self._execute(execution)
            case "extension":
                execution.names_known = False
                self._belief.note(module, None)
                if module.path is not None and not self._loads(module.path):
                    execution.failures.append(
                        self._failure("native", Import(0, name), name, context, native_path=module.path)
                    )
            case "namespace":
                pass
            case _:
                execution.names_known = False
        execution.done = True
        if parent is not None and not execution.failures:
            leaf = name.rpartition(".")[2]  # the import system binds a submodule in its package
            parent.names.add(leaf)
            parent.constants.pop(leaf, None)
        return execution

    def _execute(self, execution: Execution) -> Steps:
        program = self._program_of(execution.module)
        if program is None:
            execution.names_known = False
            return
        refusal = self._refusal_of(execution.module)
        if refusal is not None:
            execution.names_known = False
            context = _Context(execution, {})
            statement = Import(refusal.line, execution.module.name)
            execution.failures.append(
                self._failure("syntax", statement, execution.module.name, context, name=refusal.message)
            )
            return
        execution.program = program
        self._belief.note(execution.module, program)
        if program.opaque or program.damaged:
            execution.names_known = False
        values = dict(self._values)
        values["__name__"] = execution.module.name
        execution.constants = values
        execution.failures.extend((yield self._block(program.body, _Context(execution, values))))
        if "__getattr__" in execution.names:
            execution.names_known = False

    # -- statements ------------------------------------------------------------------------------------------------

    def _block(self, block: Block, context: _Context) -> Steps:
        """Runs statements and returns the failures that leave the block."""
        context.execution.names |= block.names
        failures: list[Failure] = []
        for statement in block.statements:
            raised: list[Failure] = yield self._statement(statement, context)
            failures.extend(failure for failure in raised if failure not in failures)
            if isinstance(statement, Raise) or (raised and (context.stop or isinstance(statement, Leave))):
                break
        return failures

    def _statement(self, statement: Statement, context: _Context) -> Steps:
        match statement:
            case Import():
                failures: list[Failure] = yield self._import(statement, context)
                context.execution.names |= statement.bound_names  # also after a failure: what follows is judged, too
                return failures
            case Constant():
                self._assign(statement, context)
            case If():
                return (yield self._if(statement, context))
            case Try():
                return (yield self._try(statement, context))
            case Maybe():
                yield self._maybe(statement.body, context)
            case Raise():
                return self._raise(statement, context)
            case Leave() if statement.name not in context.execution.names:
                return [self._raised("SystemExit", statement.line, context)]
            case Use():
                return self._use(statement, context)
            case Effect():
                context.execution.effects += 1
        return []

    def _assign(self, statement: Constant, context: _Context) -> None:
        program = context.execution.program
        context.values.pop(statement.name, None)
        # Code that binds names unseen may change a flag, but hardly what was read off the platform.
        trusted = program is None or not program.opaque or asks(statement.value, self._values)
        if context.certain and trusted and not (program and statement.name in program.volatile):
            with suppress(Unknown):
                context.values[statement.name] = evaluate(statement.value, context.values)

    def _use(self, statement: Use, context: _Context) -> list[Failure]:
        """`try: NAME` / `except NameError`: how code asks whether a name is bound."""
        if statement.name in context.values or self._belief.is_bound(statement.name, context.execution):
            return []
        return [self._raised("NameError", statement.line, context)]

    def _if(self, statement: If, context: _Context) -> Steps:
        for condition, body in statement.branches:
            try:
                holds = bool(evaluate(condition, context.values))
            except Unknown:
                yield self._maybe(body, context)
                context = replace(context, certain=False) if context.certain else context
                continue
            if holds:
                if context.certain:
                    return (yield self._block(body, context))
                yield self._maybe(body, context)
                return []
        return []

    def _maybe(self, body: Block, context: _Context) -> Steps:
        """Runs a block that may not run: what fails in it is possible, and constants in it are lost."""
        self._doubt((yield self._block(body, replace(context, certain=False))))

    def _try(self, statement: Try, context: _Context) -> Steps:
        inner = replace(context, stop=bool(statement.handlers) or context.stop, handling=())
        doubts, effects, modules = dict(self.doubts), context.execution.effects, len(self.executions)
        raised: list[Failure] = yield self._block(statement.body, inner)
        # Something else may have been raised in the body, and caught: by what it does, or by modules that ran in it.
        ran = len(self.executions) > modules and (
            len(self.doubts) > len(doubts) or catches_more_than_imports(statement)
        )
        sure = not statement.handlers or (context.execution.effects == effects and not ran)
        if guards_imports(statement):
            self.doubts = doubts  # whoever guards an import is ready for its failure
        failures: list[Failure] = []
        if raised:
            failures.extend((yield self._except(statement, raised, context, sure=sure)))
        else:
            for handler in statement.handlers:  # not reached as far as can be known, but their names may be bound
                context.execution.names |= all_names(handler.body)
            if not sure:
                for name in all_names(statement.body).union(*(all_names(item.body) for item in statement.handlers)):
                    context.values.pop(name, None)
            if sure:
                failures.extend((yield self._block(statement.orelse, context)))
            else:
                yield self._maybe(statement.orelse, context)
        failures.extend((yield self._block(statement.final, context)))
        return failures

    def _except(self, statement: Try, raised: list[Failure], context: _Context, *, sure: bool) -> Steps:
        """Runs the handler that catches what was raised and returns what leaves the `try`."""
        handler, catches = catching(statement.handlers, raised[0], context.execution.names)
        if handler is None:
            if sure:
                return raised
            self._doubt(raised)
            return []
        if not catches:
            self._doubt(raised)
            yield self._maybe(handler.body, context)
            return []
        escaped: list[Failure] = yield self._block(handler.body, replace(context, handling=tuple(raised)))
        if escaped and raised[0].kind in ("native", "syntax"):
            escaped = raised  # the fallback was never meant to be needed: what broke the first choice is the cause
        for failure in raised:
            if failure not in escaped:
                self.caught[failure] = None
        if sure:
            return escaped
        self._doubt(escaped)
        return []

    def _raise(self, statement: Raise, context: _Context) -> list[Failure]:
        if context.handling:
            return list(context.handling)  # whatever the handler raises, this is where it came from
        if statement.error is None:
            return []
        return [self._raised(statement.error.rpartition(".")[2], statement.line, context)]

    def _raised(self, error: str, line: int, context: _Context) -> Failure:
        module = context.execution.module.name
        return self._failure("raises", Import(line, module), module, context, name=error)

    # -- imports ---------------------------------------------------------------------------------------------------

    def _import(self, statement: Import, context: _Context) -> Steps:
        name = statement.module
        if statement.level:
            base = context.execution.module.package
            for _ in range(statement.level - 1):
                base = base.rpartition(".")[0]
            if not base:
                return [self._failure("relative-import", statement, "." * statement.level + name, context)]
            name = f"{base}.{name}" if name else base
        failures: list[Failure] = yield self._import_dotted(statement, name, context)
        if statement.names is None:
            if not failures:
                rebind(context.values, self._values, statement.bound or "", name)
            return failures
        target = None if failures else self.executions.get(name)
        if target is None:
            context.execution.names_known &= all(wanted != "*" for wanted, _ in statement.names)
            return failures
        for wanted, bound in statement.names:
            if wanted == "*":
                self._star(target, context)
            else:
                failures.extend((yield self._from(statement, target, wanted, bound, context)))
        return failures

    def _import_dotted(self, statement: Import, name: str, context: _Context) -> Steps:
        parent: Execution | None = None
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            current = ".".join(parts[:count])
            loaded: Execution | None = yield self._load(current, parent, context)
            if loaded is None:
                return self._absent(statement, current, parent, context)
            if loaded.failures:
                return list(loaded.failures)
            if not loaded.module.certain:
                self._doubt([self._failure("missing-module", statement, current, context)])
            parent = loaded
        return []

    def _absent(self, statement: Import, missing: str, parent: Execution | None, context: _Context) -> list[Failure]:
        if self._belief.module_is_made(parent):
            return []
        failure = self._failure("missing-module", statement, missing, context)
        if self._belief.module_may_exist(missing, parent):
            self._doubt([failure])
            return []
        return [failure]

    def _from(self, statement: Import, target: Execution, wanted: str, bound: str, context: _Context) -> Steps:
        if wanted in target.names:
            if wanted in target.constants and context.certain and not self._belief.sets(wanted):
                context.values[bound] = target.constants[wanted]
            else:
                context.values.pop(bound, None)
            return []
        qualified = f"{target.module.name}.{wanted}"
        if qualified in self._values:
            context.values[bound] = self._values[qualified]
        else:
            context.values.pop(bound, None)
        if target.module.is_package and target.module.kind not in ("stdlib", "preinstalled", "builtin"):
            loaded: Execution | None = yield self._load(qualified, target, context)
            if loaded is not None:
                return list(loaded.failures)
        if self._belief.name_may_exist(target, wanted, context.execution):
            return []
        return [self._failure("missing-name", statement, target.module.name, context, name=wanted)]

    def _star(self, target: Execution, context: _Context) -> None:
        program = target.program
        if target.names_known and target.done and program is not None and not program.exports_unknown:
            public = (
                program.exports if program.exports is not None else [n for n in target.names if not n.startswith("_")]
            )
            context.execution.names.update(public)
            for name in public:
                context.values.pop(name, None)
        elif target.module.kind != "namespace":
            context.execution.names_known = False
            for name in [name for name in context.values if name not in self._values]:
                del context.values[name]
            context.execution.names |= {name for name in target.names if not name.startswith("_")}

    def _failure(
        self,
        kind: FailureKind,
        statement: Import,
        module: str,
        context: _Context,
        *,
        name: str | None = None,
        native_path: str | None = None,
    ) -> Failure:
        importer = context.execution.module
        return Failure(
            kind, importer.name, importer.path, statement.line, module, name, native_path, context.execution.chain
        )
