"""The import graph of a handler: which modules its import reaches, what fails on the way, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

from lambdapack.artifact import Stack
from lambdapack.facts.absence import Absence, AbsenceReader, removed_modules
from lambdapack.facts.belief import Belief
from lambdapack.facts.bytecode import foreign_magic
from lambdapack.facts.calls import Call
from lambdapack.facts.definitions import read_binding
from lambdapack.facts.distributions import DistFacts, owners
from lambdapack.facts.execution import Executor
from lambdapack.facts.grammar import SyntaxProblem, check_syntax
from lambdapack.facts.handler import HandlerFacts
from lambdapack.facts.import_calls import ImportCalls
from lambdapack.facts.importing import Readers
from lambdapack.facts.installed import Installed, NativeVersion
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.libraries import LibraryNames
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.module_files import ModuleFiles
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.native_inits import NativeInits
from lambdapack.facts.outcome import Execution, Failure
from lambdapack.facts.program import Program
from lambdapack.facts.read_ahead import ReadAhead
from lambdapack.facts.replay import Replay
from lambdapack.facts.surroundings import Surroundings
from lambdapack.profiles import load_common_facts
from lambdapack.profiles.profile import RuntimeProfile

# What a function lacks that fails at its first call. What else it raises is its own business: it may be an answer.
_LACKS = frozenset((
    "missing-module", "missing-name", "missing-attribute", "native", "native-api", "library", "syntax", "byte-code",
    "circular", "relative-import",
))  # fmt: skip
RUNTIME = "the Lambda runtime"  # the importer of the handler itself


@dataclass(frozen=True, slots=True)
class Explained:
    """A failed import with its explanation; `caught`: a guard is ready for it."""

    failure: Failure
    absence: Absence
    caught: bool = False

    @property
    def fatal(self) -> bool:
        """True when the function cannot start because of it."""
        return self.failure.is_fatal and not self.caught


class ImportFacts:
    """What importing one handler does in one stack, for one runtime. `ahead` may have read modules already."""

    def __init__(
        self,
        stack: Stack,
        profile: RuntimeProfile,
        finder: ModuleFinder,
        native: NativeFacts,
        distributions: tuple[DistFacts, ...],
        handler: HandlerFacts,
        known: KnownFacts | None = None,
        surroundings: Surroundings | None = None,
        ahead: ReadAhead | None = None,
    ) -> None:
        self._stack = stack
        self._surroundings = surroundings
        self._known = known or KnownFacts()
        self._profile = profile
        self._finder = finder
        self._native = native
        self._distributions = distributions
        self.handler = handler
        self.libraries = LibraryNames(stack, profile, native)
        self._files = ModuleFiles(stack, self._known, self.owner, ahead)
        self._refusals: dict[str, SyntaxProblem] = {}
        self._programs: dict[str, Program | None] = {}
        self._unchecked: list[str] = []  # what is to be compiled
        self._execute()
        # Most code compiles: it is executed on that belief first, and again in the rare case that it was wrong.
        if self._check_syntax():
            self._execute()

    def _execute(self) -> None:
        self._belief = belief = Belief(
            self._finder,
            self._files.mentions,
            self._files.native_mentions,
            self._is_first_party,
            lambda name: name in self._removed,
        )
        installed = Installed(self._stack, self._distributions, self._profile, managed=self._native.managed)
        inits = NativeInits(self._native, self._files.source, self.owner)
        executor = Executor(
            self._finder,
            self._profile,
            Readers(self._program, self._loads, self._refusal, self._native_version, inits.of),
            installed,
            self.libraries,
            belief,
            replay := self._replay(),
        )
        self.executions: dict[str, Execution] = executor.ledger.executions
        for hook in self._finder.hooks:
            executor.run_line(self._files.note_hook(hook.path, hook.text), hook.path)
        failures = [] if self.handler.problem else executor.run(self.handler.module, RUNTIME)
        self.loaded = tuple(self.executions)  # by the import alone, in order; what follows is loaded by calls
        self.ledger = executor.ledger
        self.failures = tuple(dict.fromkeys(failures))
        self._calls = ImportCalls(executor.ledger, executor.ledger.place(), RUNTIME, self.failures)
        self.invoked = () if self.failures else self._invoke(executor)
        if not self.failures:
            self._run_deferred(executor)
        # What may fail in a library under conditions is its own business; it was written to be ready for it.
        told = {(failure.path, failure.line, failure.module) for failure in self.invoked}
        self.doubts = tuple(
            doubt
            for doubt in executor.ledger.doubts
            if self.owner(doubt.path or "") is None and (doubt.path, doubt.line, doubt.module) not in told
        )
        self.caught = tuple(failure for failure in executor.ledger.caught if failure not in self.failures)
        if replay is not None:
            replay.save()

    def _replay(self) -> Replay | None:
        """What libraries did in an earlier run. None where the belief that everything compiles was wrong."""
        around = self._surroundings
        if around is None or self._refusals:
            return None
        readers = (self._program, self._native_version)
        return Replay(around, self._known, self._finder, self._unchecked, *readers)

    @cached_property
    def _removed(self) -> dict[str, tuple[str, str]]:
        return removed_modules(self._native.stack_paths(), self._distributions, self._profile)

    def _check_syntax(self) -> bool:
        """Compiles what was executed and nobody else has compiled; True when something was refused."""
        if not self._unchecked:
            return False
        kind = f"syntax of {self._profile.runtime}"
        files = [located for path in self._unchecked if (located := self._stack.file(path)) is not None]
        unknown = [located for located in files if not self._known.has(located, kind)]
        sources = [self._files.data(located) for located in unknown]
        compiled = dict(zip(unknown, check_syntax(sources, self._profile.python), strict=True))
        problems = {
            located.path: self._known.get(located, kind, partial(compiled.__getitem__, located)) for located in files
        }
        found = {path: problem for path, problem in problems.items() if problem is not None}
        self._unchecked.clear()
        self._refusals |= found
        return bool(found)

    @cached_property
    def explained(self) -> tuple[Explained, ...]:
        """Every failed import, certain ones first, with its explanation."""
        reader = AbsenceReader(self._finder, self._native, self._distributions, self._profile)
        groups = ((self.failures, False), (self.invoked, False), (self.doubts, False), (self.caught, True))
        return tuple(
            Explained(failure, reader.explain(failure), caught)
            for failures, caught in groups
            for failure in failures
            if failure.kind in ("missing-module", "missing-name", "missing-attribute")
            and not self._is_in_standard_library(failure)
        )

    @property
    def fatal(self) -> tuple[Failure, ...]:
        """Everything that certainly fails, at import or at the first call."""
        return (*self.failures, *self.invoked)

    @property
    def uncaught(self) -> tuple[Failure, ...]:
        """Everything that fails and that no guard is ready for, what is certain first."""
        return (*self.failures, *self.invoked, *self.doubts)

    @cached_property
    def standard_failures(self) -> tuple[Failure, ...]:
        """What certainly fails in modules of the standard library, because the artifact hides others from them."""
        return tuple(failure for failure in self.failures if self._is_in_standard_library(failure))

    def _is_in_standard_library(self, failure: Failure) -> bool:
        execution = self.executions.get(failure.importer)
        return failure.path is None and execution is not None and execution.module.kind == "stdlib"

    @cached_property
    def required_natives(self) -> dict[str, Failure]:
        """The native files whose refusal by the loader stops the handler's import."""
        return {failure.native_path: failure for failure in (*self.failures, *self.invoked) if failure.native_path}

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call that importing the handler makes, in order, then those of things that load by name in functions of
        first-party modules."""
        return tuple(map(self.as_reached, self.calls_named(lambda _: True)))

    def calls_named(self, wanted: Callable[[str], bool]) -> Iterator[Call]:
        """Yields the calls of wanted names, as `ImportCalls.named` does."""
        return self._calls.named(wanted, self.first_party_sources)

    def as_reached(self, call: Call) -> Call:
        """As `ImportCalls.as_reached`."""
        return self._calls.as_reached(call)

    @cached_property
    def first_party_sources(self) -> tuple[tuple[Execution, bytes], ...]:
        """The user's own modules that are imported, with their bytes."""
        own = (item for item in self.executions.values() if self._is_first_party(item.module) and item.program)
        return tuple((execution, data) for execution in own if (data := self._files.source(execution.module.path)))

    @property
    def extensions(self) -> frozenset[str]:
        """The files of all extension modules that are imported."""
        modules = (execution.module for execution in self.executions.values())
        return frozenset(module.path for module in modules if module.kind == "extension" and module.path is not None)

    @property
    def unread(self) -> dict[str, str]:
        """The files that cannot be read, with the reason."""
        return self._files.unread

    @property
    def handler_execution(self) -> Execution | None:
        """The handler's own module, None when it was not found."""
        return self.executions.get(self.handler.module)

    @property
    def lacks_function(self) -> bool:
        """True when the handler's module certainly imports and certainly does not have the handler's function."""
        execution = self.handler_execution
        if execution is None or self.failures or not execution.names_known or execution.program is None:
            return False
        asking = Execution(Module(RUNTIME, "builtin"), ())
        function = self.handler.function
        return function not in execution.names and not self._belief.name_may_exist(execution, function, asking)

    @property
    def hidden_handler_file(self) -> str | None:
        """The artifact's file of the handler's name that is never seen, because the runtime has that module loaded."""
        execution = self.handler_execution
        if execution is None or execution.module.kind != "builtin":
            return None
        own = self._stack.file(f"{self._profile.python_path[0]}/{self.handler.module.replace('.', '/')}.py")
        return own.path if own else None

    def is_bare_class(self, name: str) -> bool:
        """True for a class of the handler's module that has what its body binds and nothing else."""
        execution = self.handler_execution
        data = self._files.source(execution.module.path) if execution is not None else None
        if execution is None or data is None or execution.program is None or execution.program.opaque:
            return False
        binding = read_binding(data, name)
        return binding is not None and binding.kind == "class" and binding.bare and not self.is_set_elsewhere(name)

    def is_set_elsewhere(self, name: str) -> bool:
        """True when executed code sets an attribute of this name on something: perhaps on the module that binds it."""
        return self._belief.sets(name)

    @property
    def changes_search_path(self) -> bool:
        """True when executed code changes `sys.path`."""
        return any("sys.path" in hooks.import_hooks for _, hooks in self._belief.noted.hooking)

    def owner(self, path: str) -> DistFacts | None:
        """The distribution that a file belongs to; None for first-party code."""
        return self._owners.get(path)

    @cached_property
    def _owners(self) -> dict[str, DistFacts]:
        return owners(self._distributions)

    def _invoke(self, executor: Executor) -> tuple[Failure, ...]:
        """Returns the imports that certainly fail when the handler is called for the first time."""
        execution = self.handler_execution
        if execution is None or not execution.names_known:
            return ()
        failures = executor.call(execution, self.handler.function)
        return tuple(replace(item, certainty="invocation") for item in failures if item.kind in _LACKS)

    def _run_deferred(self, executor: Executor) -> None:
        """Follows imports inside functions, for first-party code only: what a library imports lazily is optional."""
        done: set[str] = set()
        while pending := [name for name in executor.ledger.executions if name not in done]:
            for name in pending:
                done.add(name)
                execution = executor.ledger.executions[name]
                path = execution.module.path
                if path is None or not self._is_first_party(execution.module) or execution.program is None:
                    continue
                for statement in execution.program.deferred:
                    executor.run_deferred(execution, statement)

    def _loads(self, path: str) -> bool:
        """False when the loader refuses a file; a library that stands elsewhere counts if it may be loaded by now."""
        if not self._native.loads(path):
            return False
        problems = [problem for problem in self._native.problems(path) if problem.elsewhere]
        if not problems or self._belief.loads_libraries:
            return True
        if any(problem.kind == "undefined-symbol" for problem in problems):
            return False  # extension modules are loaded with RTLD_LOCAL: their symbols are nobody else's
        wanted = {problem.elsewhere for problem in problems}
        for execution in self.executions.values():
            other = execution.module
            if other.kind == "extension" and other.path is not None and other.path != path:
                wanted -= self._native.closure(other.path)
        return not wanted

    def _program(self, module: Module) -> Program | None:
        path = module.path or ""
        if path not in self._programs:
            program = self._files.program(path) if path else None
            if program is not None and program.find_module_hooks and self._profile.python >= (3, 12):
                program = replace(program, import_hooks=program.import_hooks - program.find_module_hooks)
            self._programs[path] = program
            if program is not None and (self.owner(path) is None or program.damaged):
                self._unchecked.append(path)  # nobody else has compiled it
        return self._programs[path]

    def _refusal(self, module: Module) -> SyntaxProblem | None:
        if module.kind == "bytecode":
            data = self._files.source(module.path)
            made_by = None if data is None else foreign_magic(data, self._profile.python, load_common_facts())
            return SyntaxProblem(0, made_by) if made_by else None
        return self._refusals.get(module.path or "")

    def _native_version(self, module: Module) -> str | None:
        """The `__version__` that a native module certainly has: its distribution's, where its bytes have that text."""
        dist = self.owner(module.path or "")
        if module.kind != "extension" or module.path is None or dist is None:
            return None
        path = module.path
        if not self._files.native_mentions(path, dist.version):
            return None
        return NativeVersion(dist.version, module, lambda text: self._files.native_mentions(path, text))

    def _is_first_party(self, module: Module) -> bool:
        """False for files of distributions and, without metadata, for packages with a version of their own."""
        if module.path is None or self.owner(module.path) is not None:
            return False
        # Not as code asks for a module, which would be noted: the answer is what is noted.
        top: Execution | None = dict.get(self.executions, module.name.partition(".")[0])
        return not (top is not None and "__version__" in top.names)
