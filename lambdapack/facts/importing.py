"""Import statements, executed: finding and loading modules, taking names from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdapack.facts.attributes import Attributes
from lambdapack.facts.belief import Belief
from lambdapack.facts.calls import read_call
from lambdapack.facts.circles import is_still_unbound, may_have_come_in_otherwise
from lambdapack.facts.conditions import rebind
from lambdapack.facts.expression import Expression
from lambdapack.facts.failing import failure_of
from lambdapack.facts.frames import Context, Ledger
from lambdapack.facts.grammar import SyntaxProblem
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.native_inits import NativeInit
from lambdapack.facts.outcome import Execution, Failure
from lambdapack.facts.program import Block, Import, Program
from lambdapack.facts.replay import Replay
from lambdapack.facts.standard import StandardModules
from lambdapack.facts.trampoline import Steps
from lambdapack.profiles.profile import RuntimeProfile


@dataclass(frozen=True, slots=True)
class Readers:
    """What modules are, asked when they are met. `program_of` returns a source module's program, None if it cannot be
    read; `loads` says whether the loader accepts a native file; `refusal_of` why the target refuses a module, source or
    byte code; `version_of` returns the version that a native module gives itself, `init_of` what loading it does."""

    program_of: Callable[[Module], Program | None]
    loads: Callable[[str], bool]
    refusal_of: Callable[[Module], SyntaxProblem | None]
    version_of: Callable[[Module], str | None]
    init_of: Callable[[Module], NativeInit]


class Importer:
    """Executes the imports of modules of one finder; `run` executes a block."""

    def __init__(
        self,
        finder: ModuleFinder,
        profile: RuntimeProfile,
        values: dict[str, Any],
        readers: Readers,
        belief: Belief,
        ledger: Ledger,
        run: Callable[[Block, Context], Steps],
        replay: Replay | None,
    ) -> None:
        self._replay = replay
        self._finder = finder
        self._standard = StandardModules(profile, finder)
        self._values = values
        self._readers = readers
        self.attributes = Attributes(self._standard, belief, ledger)
        self._belief = belief
        self._ledger = ledger
        self._run = run

    # -- modules ---------------------------------------------------------------------------------------------------

    def _load(self, name: str, parent: Execution | None, context: Context) -> Steps:
        """Executes a module whose parents are loaded; returns its execution, or None when there is no such module."""
        module = self._finder.find(name, parent.module if parent else None)
        if module is None and parent and parent.program and "extend_path" in parent.program.import_hooks:
            module = self._finder.find_extended(name, parent.module)
        if module is None:
            return None
        stretch = self._replay.enter(module, context) if self._replay is not None else None
        if stretch is not None and stretch.recall():
            execution = self._ledger.executions[name]
        else:
            execution = yield self._load_found(module, context)
            if stretch is not None:
                stretch.keep()
        if parent is not None and not execution.failures:
            parent.bind_submodule(name.rpartition(".")[2])
        return execution

    def _load_found(self, module: Module, context: Context) -> Steps:
        """Executes a module and all that it imports."""
        name = module.name
        execution = Execution(module, (*context.execution.chain, name))
        self._ledger.executions[name] = execution
        match module.kind:
            case "source":
                yield self._execute(execution, context)
            case "extension":
                execution.names_known = False
                self._belief.note(module, None)
                if module.path is not None and not self._readers.loads(module.path):
                    execution.failures.append(
                        failure_of("native", Import(0, name), name, context, native_path=module.path)
                    )
                if not execution.failures:
                    yield self._initialise(execution, self._readers.init_of(module), context)
            case "bytecode":
                execution.names_known = False
                refusal = self._readers.refusal_of(module)
                if refusal is not None:
                    execution.failures.append(
                        failure_of("byte-code", Import(0, name), name, context, name=refusal.message)
                    )
            case "namespace":
                pass
            case _:
                execution.names_known = False
                for needed in self._standard.imports(module):
                    execution.failures.extend((yield self._need(needed, Context(execution, {}))))
        execution.done = True
        return execution

    def _initialise(self, execution: Execution, init: NativeInit, importing: Context) -> Steps:
        """Does what a native module does while it is loaded."""
        context = Context(execution, {}, certain=importing.certain, guards=importing.guards)
        for needed in init.imports:
            execution.failures.extend((yield self.run(Import(0, needed), context)))
        if init.metadata is not None:
            asked: Expression = ("call", ("name", "importlib.metadata.version"), (("literal", init.metadata),), (), 0)
            call = read_call(asked, execution, {}, "import" if importing.certain else "perhaps", importing.guards)
            if call is not None:
                self._ledger.calls.append(call)
        if init.numpy is not None and not execution.failures:
            yield self.run(Import(0, "numpy"), context)
            version = self._ledger.executions.get("numpy.version")
            found = version.constants.get("version") if version is not None else None
            major = found.partition(".")[0] if isinstance(found, str) else ""
            if major.isdecimal() and int(major) > init.numpy:
                name, path = execution.module.name, execution.module.path
                failure = failure_of("native-api", Import(0, name), name, context, name=found, native_path=path)
                execution.failures.append(failure)

    def _need(self, needed: str, context: Context) -> Steps:
        """Imports, or asks for an attribute, as a standard module does that is being imported."""
        module, _, attribute = needed.partition("!")
        if not attribute:
            module, _, names = needed.partition(":")
            wanted = tuple((name, name) for name in names.split(",")) if names else None
            return (yield self.run(Import(0, module, names=wanted), context))
        target = self._ledger.executions.get(module)
        if target is None or target.module.kind != "source" or attribute in target.names:
            return []
        if self._belief.name_may_exist(target, attribute, context.execution):
            return []
        return [failure_of("raises", Import(0, module), module, context, name="AttributeError")]

    def _execute(self, execution: Execution, importing: Context) -> Steps:
        program = self._readers.program_of(execution.module)
        if program is None:
            execution.names_known = False
            return
        refusal = self._readers.refusal_of(execution.module)
        if refusal is not None:
            execution.names_known = False
            context = Context(execution, {})
            statement = Import(refusal.line, execution.module.name)
            execution.failures.append(
                failure_of("syntax", statement, execution.module.name, context, name=refusal.message)
            )
            return
        execution.program = program
        self._belief.note(execution.module, program)
        if program.opaque_functions or program.damaged:
            execution.names_known = False
        values = dict(self._values)
        values["__name__"] = execution.module.name
        values["__package__"] = execution.module.package
        values["__file__"] = execution.module.path
        execution.constants = values
        context = Context(execution, values, program.volatile, guards=importing.guards)
        execution.failures.extend((yield self._run(program.body, context)))
        if program.opaque:
            execution.names_known = False

    # -- imports ---------------------------------------------------------------------------------------------------

    def run(self, statement: Import, context: Context) -> Steps:
        """Executes an import statement and returns what it fails with."""
        name = statement.module
        if statement.level:
            base = context.execution.module.package
            for _ in range(statement.level - 1):
                base = base.rpartition(".")[0]
            if not base:
                return [failure_of("relative-import", statement, "." * statement.level + name, context)]
            name = f"{base}.{name}" if name else base
        failures: list[Failure] = yield self.load_dotted(statement, name, context)
        aliases = context.execution.aliases
        if statement.names is None:
            if statement.bound:
                aliases[statement.bound] = statement.bound if name.startswith(f"{statement.bound}.") else name
            if not failures:
                rebind(context.values, self._values, statement.bound or "", name)
            return failures
        aliases.update({bound: f"{name}.{wanted}" for wanted, bound in statement.names if wanted != "*"})
        target = None if failures else self._ledger.executions.get(name)
        if target is None:
            context.execution.names_known &= all(wanted != "*" for wanted, _ in statement.names)
            return failures
        for wanted, bound in statement.names:
            if wanted == "*":
                self._star(target, context)
                continue
            later = not target.done and self._comes_later(target, wanted, context)
            if wanted in target.names and not later:
                self._take(target, wanted, bound, context)
            else:
                failures.extend((yield self._from(statement, target, wanted, bound, context, later=later)))
        return failures

    def load_dotted(self, statement: Import, name: str, context: Context) -> Steps:
        """Loads a module after its parents, as `import a.b.c` does, and returns what that fails with."""
        parent: Execution | None = None
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            current = ".".join(parts[:count])
            self._ledger.note_import(current, context)
            loaded: Execution | None = self._ledger.executions.get(current)
            if loaded is None:
                loaded = yield self._load(current, parent, context)
            if loaded is None:
                return self._absent(statement, current, parent, context)
            if loaded.failures:
                return list(loaded.failures)
            if not loaded.module.certain:
                self._ledger.doubt([failure_of("missing-module", statement, current, context)])
            parent = loaded
        return []

    def _absent(self, statement: Import, missing: str, parent: Execution | None, context: Context) -> list[Failure]:
        if self._belief.module_is_made(missing, parent):
            return []
        failure = failure_of("missing-module", statement, missing, context)
        if self._belief.module_may_exist(missing, parent):
            context.execution.effects += 1
            self._ledger.doubt([failure])
            return []
        return [failure]

    def _comes_later(self, target: Execution, name: str, context: Context) -> bool:
        """True when a module that imports, by way of others, the one that asks has certainly not bound a name yet."""
        asking = context.execution
        if target.module.name == asking.module.name or not is_still_unbound(target, name) or self._belief.sets(name):
            return False
        if not target.names_known or "__getattr__" in target.names:
            return False
        executions = self._ledger.executions
        chain = asking.chain[asking.chain.index(target.module.name) :] if target.module.name in asking.chain else ()
        circle = [executions[member] for member in chain if member in executions]
        earlier = list(executions.values())
        return bool(circle) and not may_have_come_in_otherwise(circle, earlier, self._ledger.calls)

    def _take(self, target: Execution, wanted: str, bound: str, context: Context) -> None:
        """Binds a name that a module is known to have."""
        if wanted in target.constants and context.certain and not self._belief.sets(wanted):
            context.values[bound] = target.constants[wanted]
        else:
            context.values.pop(bound, None)

    def _from(
        self, statement: Import, target: Execution, wanted: str, bound: str, context: Context, *, later: bool
    ) -> Steps:
        """Looks for a name that no statement of a module binds (`later`: that has run): a submodule, or made unseen."""
        qualified = f"{target.module.name}.{wanted}"
        version = self._readers.version_of(target.module) if wanted == "__version__" else None
        if version is not None and context.certain:
            context.values[bound] = version
        elif qualified in self._values:
            context.values[bound] = self._values[qualified]
        else:
            context.values.pop(bound, None)
        standard = target.module.kind in ("stdlib", "builtin")
        followed = self._standard.is_broken if standard else target.module.kind != "preinstalled"
        if target.module.is_package and followed:
            loaded: Execution | None = self._ledger.executions.get(qualified)
            if loaded is None:
                loaded = yield self._load(qualified, target, context)
            if loaded is not None:
                self._ledger.note_import(qualified, context)
                return list(loaded.failures)
        if later:
            return [failure_of("circular", statement, target.module.name, context, name=wanted)]
        foreign = self._finder.near_misses(qualified, target.module)
        if foreign and self._belief.module_may_exist(qualified, target):
            return []
        lacking = self._standard.lacks(target.module, wanted) or self._is_foreign(target.module, wanted)
        lacking = lacking and not self._belief.sets(wanted)
        refused = "__getattr__" in target.names and (yield self.attributes.are_refused(target, wanted, context))
        if not lacking and self._belief.name_may_exist(target, wanted, context.execution, refused=refused):
            if target.module.kind == "source":
                context.execution.effects += 1  # a `try` around it may have caught that it does not
            return []
        return [failure_of("missing-name", statement, target.module.name, context, name=wanted)]

    def _is_foreign(self, module: Module, name: str) -> bool:
        """True when a file made for another Python or system says what a name of a module is: no code makes it up.
        Where the file is the module's own, a folder of the same name (with its type stubs) is found in its place."""
        own, _, leaf = module.name.rpartition(".")
        if self._finder.near_misses(f"{module.name}.{name}", module):
            return True
        parent = self._finder.find_dotted(own) if own else None
        is_stand_in = module.kind == "namespace" and (parent is not None or not own)
        return is_stand_in and bool(self._finder.near_misses(leaf, parent))

    def _star(self, target: Execution, context: Context) -> None:
        program = target.program
        literal = program is not None and not program.exports_unknown and not self._belief.sets("__all__")
        if target.names_known and target.done and program is not None and literal:
            public = (
                program.exports if program.exports is not None else [n for n in target.names if not n.startswith("_")]
            )
            context.execution.names.update(public)
            for name in public:
                context.values.pop(name, None)
                context.execution.aliases.pop(name, None)
        elif target.module.kind != "namespace":
            context.execution.names_known = False
            for name in [name for name in context.values if name not in self._values]:
                del context.values[name]
            context.execution.aliases.clear()
            context.execution.names |= {name for name in target.names if not name.startswith("_")}
