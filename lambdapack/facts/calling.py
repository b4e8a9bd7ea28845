"""Calls, executed: expressions are worked out as far as they are known, and functions of the artifact are followed."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Container
from pathlib import PurePosixPath
from typing import Any

from lambdapack.facts import sequences, text_values
from lambdapack.facts.arguments import bind
from lambdapack.facts.belief import Belief
from lambdapack.facts.calls import MOVES, NOT_KNOWN, Call, absolute_name, imported_name, read_call, value_of
from lambdapack.facts.comprehensions import run_comprehension
from lambdapack.facts.conditions import Items, Unknown, evaluate
from lambdapack.facts.expression import UNKNOWN, Expression, inner_expressions, with_inner
from lambdapack.facts.failing import failure_of
from lambdapack.facts.frames import MOST_CALLS, Context, Flow, Followed, FunctionValue, Ledger
from lambdapack.facts.importing import Importer
from lambdapack.facts.libraries import LibraryNames
from lambdapack.facts.lists import Lists
from lambdapack.facts.outcome import Execution, Failure
from lambdapack.facts.path_values import ASKING, PathMethod, attribute_of, call_method, reading, result_of
from lambdapack.facts.program import Block, Definition, Function, Import
from lambdapack.facts.source import read_function
from lambdapack.facts.text_values import TextMethod
from lambdapack.facts.trampoline import Steps

Assumption = Callable[[Expression, Context], Expression]
_OPERATORS = frozenset(("/", "%"))
_IMPORTERS = frozenset(("importlib.import_module", "__import__", "builtins.__import__"))


class Caller:
    """Works out expressions with the calls in them; `run` executes a block, `metadata` answers questions to
    `importlib.metadata`, and whether a file is there."""

    def __init__(
        self,
        importer: Importer,
        belief: Belief,
        ledger: Ledger,
        run: Callable[[Block, Context], Steps],
        metadata: Callable[[Call], Any],
        libraries: LibraryNames,
    ) -> None:
        self._importer = importer
        importer.attributes.resolve = self.resolve
        self._belief = belief
        self._ledger = ledger
        self._run = run
        self._metadata = metadata
        self._libraries = libraries
        self.lists = Lists(belief, ledger)
        self._functions: dict[Definition, Function | None] = {}
        self._assumption: Assumption | None = None
        self._running: Expression | None = None
        self.followed = Followed()

    def resolve(self, expression: Expression, context: Context) -> Steps:
        """Returns the expression with everything in it that is known by now, and what the calls in it fail with."""
        if self._assumption is not None:
            expression = self._assumption(expression, context)
        return self._call(expression, context) if expression[0] == "call" else self._resolve(expression, context)

    def resolve_assuming(self, expression: Expression, context: Context, assumption: Assumption) -> Steps:
        """Returns the value of an expression when functions of the artifact that are called in it run under an
        assumption, which changes expressions; `NOT_KNOWN` where none is called."""
        if not self._calls_functions(expression, context):
            return NOT_KNOWN
        doubts, calls = dict(self._ledger.doubts), len(self._ledger.calls)
        self._assumption = assumption
        resolved, failures = yield self.resolve(expression, context)
        self._assumption = None
        self._ledger.doubts = doubts
        self._ledger.calls.cut(calls)
        return NOT_KNOWN if failures else value_of(resolved, context.values)

    def _calls_functions(self, expression: Expression, context: Context) -> bool:
        if expression[0] == "call" and expression[1][0] == "name" and self._function(expression[1][1], context):
            return True
        return any(self._calls_functions(item, context) for item in inner_expressions(expression))

    def _resolve(self, expression: Expression, context: Context) -> Steps:
        if not self.has_more_to_know(expression, context.values):
            return expression, []
        match expression:
            case ("name", dotted):
                value = self._attribute(dotted, context)
                return (expression if value is NOT_KNOWN else ("literal", value)), []
            case ("and" | "or" as kind, items):
                return (yield self._boolean(kind, items, context))
            case ("if", condition, then, otherwise):
                return (yield self._choice(condition, then, otherwise, context))
            case ("each", *_):
                return (yield run_comprehension(expression, context, self.resolve))
        parts: list[Expression] = []
        for inner in inner_expressions(expression):
            item, failures = yield self.resolve(inner, context)
            if failures:
                return UNKNOWN, failures
            parts.append(item)
        resolved = with_inner(expression, parts)
        if resolved[0] == "attribute":
            value = _attribute_of(value_of(resolved[1], context.values), resolved[2])
            return (UNKNOWN if value is NOT_KNOWN else ("literal", value)), []
        return resolved, []

    def has_more_to_know(self, expression: Expression, values: Container[str]) -> bool:
        """True when `resolve` may find out more about an expression than its value says, or has something to do."""
        kind = expression[0]
        if kind in ("literal", "unknown"):
            return False
        if kind in ("each", "attribute"):
            return True
        if kind == "name":
            return "." in expression[1] and expression[1] not in values
        return kind == "call" or any(self.has_more_to_know(item, values) for item in inner_expressions(expression))

    def _attribute(self, dotted: str, context: Context) -> Any:
        """Returns the value of `module.NAME` where the module has run and nobody else sets it."""
        head, _, name = dotted.rpartition(".")
        if head in context.values:
            return _attribute_of(context.values[head], name)
        if "." in head and isinstance(owner_value := self._attribute(head, context), PurePosixPath | str):
            return _attribute_of(owner_value, name)
        owner, _, name = absolute_name(dotted, context.execution).rpartition(".")
        module = self._ledger.executions.get(owner)
        if module is None or not module.done or self._belief.sets(name):
            return NOT_KNOWN
        return module.constants.get(name, NOT_KNOWN)

    def _boolean(self, kind: str, items: tuple[Expression, ...], context: Context) -> Steps:
        resolved: list[Expression] = []
        certain = True
        for item in items:
            value, failures = yield self._perhaps(item, context, certain=certain)
            if failures:
                return UNKNOWN, failures
            resolved.append(value)
            known = value_of(value, context.values)
            if known is NOT_KNOWN:
                certain = False
            elif certain and bool(known) == (kind == "or"):
                break
        return (kind, tuple(resolved)), []

    def _choice(self, condition: Expression, then: Expression, otherwise: Expression, context: Context) -> Steps:
        resolved, failures = yield self.resolve(condition, context)
        if failures:
            return UNKNOWN, failures
        known = value_of(resolved, context.values)
        if known is not NOT_KNOWN:
            return (yield self.resolve(then if known else otherwise, context))
        for branch in (then, otherwise):
            yield self._perhaps(branch, context, certain=False)
        return UNKNOWN, []

    def _perhaps(self, expression: Expression, context: Context, *, certain: bool) -> Steps:
        """Resolves an expression that may not be evaluated: its failures are doubts then."""
        if certain:
            return (yield self.resolve(expression, context))
        value, failures = yield self.resolve(expression, context.uncertain())
        self._ledger.doubt(failures)
        return value, []

    # -- calls -----------------------------------------------------------------------------------------------------

    def resolve_items(self, expression: Expression, context: Context) -> Steps:
        """As `resolve`, for something that is gone through from its first item to its last: a generator is run."""
        self._running = expression
        return (yield self.resolve(expression, context))

    def _call(self, expression: Expression, context: Context) -> Steps:
        runs = self._running is expression
        self._running = None
        parts: list[Expression] = []
        for at, inner in enumerate(inner_expressions(expression)):
            if inner[0] == "name" and "." in inner[1]:
                lacking = yield self._importer.attributes.lacking(inner[1], expression[4], context)
                if lacking:
                    return UNKNOWN, lacking
            is_called = at == 0 and inner[0] == "name"  # what is called is looked up below
            if is_called or not self.has_more_to_know(inner, context.values):
                parts.append(inner)
                continue
            part, failures = yield self.resolve(inner, context)
            if failures:
                return UNKNOWN, failures
            parts.append(part)
        resolved = with_inner(expression, parts)
        called = read_call(
            resolved,
            context.execution,
            context.values,
            "import" if context.certain else "perhaps",
            context.guards,
        )
        if called is None:
            self.lists.note_call(None, resolved, context)
            return self._path_method(value_of(resolved[1], context.values), resolved, context), []
        if isinstance(method := self._attribute(resolved[1][1], context), PathMethod):
            return self._path_method(method, resolved, context), []
        self.lists.note_call(called, resolved, context)
        if isinstance(method, TextMethod) and called.name not in _OPERATORS:
            value = NOT_KNOWN if called.keywords else text_values.call_method(method, called.arguments)
            return (resolved if value is NOT_KNOWN else ("literal", value)), []
        if called.name not in _OPERATORS:
            self._ledger.calls.append(called)
        if called.name in _IMPORTERS:
            return UNKNOWN, (yield self._dynamic_import(called, context))
        refused = self._refused_library(called, context)
        if refused:
            return UNKNOWN, refused
        value = self._known_result(called, resolved, context)
        if value is not NOT_KNOWN:
            return ("literal", value), []
        function = self._function(resolved[1][1], context)
        if function is not None:
            return (yield self._follow(function, resolved, context, runs=runs))
        try:
            return ("literal", evaluate(resolved, context.values)), []
        except Unknown:
            context.execution.effects += 1
            return resolved, []

    def _refused_library(self, called: Call, context: Context) -> list[Failure]:
        """Returns the failure of a call that loads a library which the loader does not find, or does not take."""
        refused = self._libraries.refusal(called)
        if refused is None:
            return []
        name, path = refused
        if not name.startswith("/") and "/" in name and any(self._ledger.calls.named(MOVES.__contains__)):
            return []  # it counts from another folder by now
        module = context.execution.module.name
        return [failure_of("library", Import(called.line, module), module, context, name=name, native_path=path)]

    def _path_method(self, method: Any, call: Expression, context: Context) -> Expression:
        """Calls a method of a path; one that reads the file is noted as a call of `pathlib`."""
        arguments = tuple(value_of(item, context.values) for item in call[2])
        if isinstance(method, TextMethod) and not call[3]:
            text = text_values.call_method(method, arguments)
            return UNKNOWN if text is NOT_KNOWN else ("literal", text)
        if not isinstance(method, PathMethod):
            context.execution.effects += 1
            return UNKNOWN
        value = call_method(method, arguments)
        if value is not NOT_KNOWN:
            return ("literal", value)
        context.execution.effects += 1
        when = "import" if context.certain else "perhaps"
        noted = read_call(reading(method, call), context.execution, context.values, when, context.guards)
        if noted is None:
            return UNKNOWN
        self._ledger.calls.append(noted)
        answer = self._metadata(noted) if noted.name in ASKING else NOT_KNOWN
        return UNKNOWN if answer is NOT_KNOWN else ("literal", answer)

    def _dynamic_import(self, called: Call, context: Context) -> Steps:
        """`import_module(name)` and `__import__(name)` of a name that is known."""
        name = imported_name(called)
        if name is None:
            context.execution.effects += 1
            return []
        statement = Import(called.line, name)
        return (yield self._importer.load_dotted(statement, name, context))

    def _known_result(self, called: Call, resolved: Expression, context: Context) -> Any:
        if called.name in ("getattr", "hasattr"):
            return self._asked_attribute(called, resolved[2], context)
        if called.name.startswith(("importlib.metadata.", "importlib_metadata.")) or called.name in ASKING:
            return self._metadata(called)
        if called.name in ("importlib.resources.files", "importlib_resources.files"):
            return self._folder_of(resolved[2][0], context) if resolved[2] else NOT_KNOWN
        if not called.arguments and not called.keywords:
            return context.values.get(f"{called.name}()", NOT_KNOWN)
        if called.keywords or any(item is NOT_KNOWN for item in called.arguments):
            return NOT_KNOWN
        if called.name == "%":
            return text_values.formatted(called.arguments)
        value = sequences.result_of(called.name, called.arguments)
        if value is NOT_KNOWN:
            value = self._libraries.answer(called)
        return result_of(called.name, called.arguments) if value is NOT_KNOWN else value

    def _asked_attribute(self, called: Call, arguments: tuple[Expression, ...], context: Context) -> Any:
        """`getattr(owner, name, default)` and `hasattr(owner, name)` for a name that is known."""
        owner, name, *default = (*called.arguments, NOT_KNOWN, NOT_KNOWN)[: max(2, len(called.arguments))]
        if type(name) is not str or called.keywords:
            return NOT_KNOWN
        value = _attribute_of(owner, name)
        has = None if value is NOT_KNOWN else True
        if owner is None:
            has = hasattr(None, name)
        elif owner is NOT_KNOWN and arguments[0][0] == "name":
            value = self._attribute(f"{arguments[0][1]}.{name}", context)
            has = self._importer.attributes.has(absolute_name(arguments[0][1], context.execution), name, context)
        if called.name == "hasattr":
            return NOT_KNOWN if has is None else has
        return default[0] if has is False and default else value

    def _folder_of(self, package: Expression, context: Context) -> Any:
        """The folder of a package that has been imported, given by its name or as itself."""
        name = value_of(package, context.values)
        if name is NOT_KNOWN and package[0] == "name":
            name = absolute_name(package[1], context.execution)
        execution = self._ledger.executions.get(name) if isinstance(name, str) else None
        if execution is None or execution.module.path is None or execution.module.search is None:
            return NOT_KNOWN
        return PurePosixPath(posixpath.dirname(execution.module.path))

    def _function(self, dotted: str, context: Context) -> FunctionValue | None:
        """Returns the function that a name certainly stands for."""
        value = context.values.get(dotted, NOT_KNOWN)
        if "." in dotted:
            value = self._attribute(dotted, context)
        if not isinstance(value, FunctionValue) or self._belief.sets(value.definition.name):
            return None
        return value

    def _follow(self, function: FunctionValue, call: Expression, context: Context, *, runs: bool = False) -> Steps:
        definition, home = function.definition, function.execution
        if definition not in self._functions:
            self._functions[definition] = read_function(definition)
        read = self._functions[definition]
        if definition.is_class:
            call = ("call", call[1], (UNKNOWN, *call[2]), *call[3:])
        bound = None if read is None else bind(read, home, call, context, self._belief)
        if read is not None and read.generator and not runs:
            return UNKNOWN, []
        if read is None or bound is None or definition in self.followed.active or self.followed.count >= MOST_CALLS:
            context.execution.effects += 1
            return UNKNOWN, []
        local = read.local_names.union(name for name, _ in (*read.parameters, *read.keyword_parameters))
        chain = context.execution.chain
        if home.module.name != context.execution.module.name:
            chain = (*chain, home.module.name)
        frame = Execution(
            home.module,
            chain,
            names=home.names | local,
            names_known=home.names_known,
            aliases={name: target for name, target in home.aliases.items() if name not in local},
            program=home.program,
            done=home.done,
        )
        inner = Context(
            frame,
            bound,
            read.volatile,
            certain=context.certain,
            stop=True,
            guards=context.guards,
        )
        self.followed.count += 1
        self.followed.active.append(definition)
        failures: list[Failure] = yield self._run(read.body, inner)
        self.followed.active.pop()
        context.execution.effects += frame.effects
        if failures or inner.flow.possible:
            return UNKNOWN, failures
        if definition.is_class:
            return UNKNOWN, []
        if read.generator:
            items = inner.flow.items
            return (UNKNOWN if items is None else ("literal", Items(items))), []
        return _returned(inner.flow), []


def _attribute_of(owner: Any, name: str) -> Any:
    if isinstance(owner, dict):  # a model of an object: what is known of its attributes
        return owner.get(name, NOT_KNOWN)
    if isinstance(owner, PurePosixPath):
        return attribute_of(owner, name)
    if type(owner) is str:
        return text_values.attribute_of(owner, name)
    return NOT_KNOWN


def _returned(flow: Flow) -> Expression:
    if flow.jump is None:
        return ("literal", None)
    return UNKNOWN if flow.value is NOT_KNOWN else ("literal", flow.value)
