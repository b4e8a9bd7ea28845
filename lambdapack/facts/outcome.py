"""What executing a module comes to: its names, its failures, and which `except` clause would catch them."""

from __future__ import annotations

import builtins
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from lambdapack.facts.modules import Module
from lambdapack.facts.program import Handler, Program, Raise, Try

FailureKind = Literal[
    "missing-module",
    "missing-name",
    "missing-attribute",
    "circular",
    "relative-import",
    "native",
    "native-api",
    "library",
    "byte-code",
    "syntax",
    "raises",
]
Certainty = Literal["certain", "invocation", "possible", "deferred"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An import that fails. `importer` is the module with the statement, `path` its file, `line` where it stands; 0 for
    what native code does.

    `module` is what was to be imported, absolute; `name` the name wanted from it, by an import or (`missing-attribute`)
    as `module.name`. For `native` it is the extension
    module and `native_path` its file; for `native-api` `name` is the version of NumPy that it was not built for; for
    `library` `name` is what code loads by itself, `native_path` its file when there is one; for `syntax` `name` is what
    the compiler says, for `byte-code` what the module was compiled by, for `raises` the error's class and `detail` the
    code that raises it, where that is no `raise`. `chain`: modules from the handler to the importer. `certain`: it
    stops the handler's import; `invocation`: it stops the first call of the handler; `possible`: it hangs on something
    that cannot be known; `deferred`: it stands in a function and fails when that is called. For `circular` the name is
    bound later, by a module that is still running.
    """

    kind: FailureKind
    importer: str
    path: str | None
    line: int
    module: str
    name: str | None = None
    native_path: str | None = None
    chain: tuple[str, ...] = ()
    certainty: Certainty = "certain"
    detail: str = ""

    @property
    def is_fatal(self) -> bool:
        """True when it stops the handler, at import or at its first call."""
        return self.certainty in ("certain", "invocation")


@dataclass(slots=True)
class Execution:
    """One executed (or just being executed) module, or one call of a function in it. `names` is what it binds,
    `aliases` what imports bind, with the dotted names they stand for; `constants` are known values by name, `steady`
    those of them that were read off the platform, `assumed` what others are if no environment variable is set;
    `failures` what it fails with; `effects` counts what ran in the bodies of `try` and may have raised; `obscured`:
    code has run that may have bound any name; `position` is the statement of its body that is being executed."""

    module: Module
    chain: tuple[str, ...]
    names: set[str] = field(default_factory=set)
    names_known: bool = True
    aliases: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    program: Program | None = None
    done: bool = False
    effects: int = 0
    obscured: bool = False
    position: int = -1
    steady: set[str] = field(default_factory=set)
    assumed: dict[str, Any] = field(default_factory=dict)

    def bind_submodule(self, leaf: str) -> None:
        """Takes in that a submodule was imported: the import system binds it in its package."""
        self.names.add(leaf)
        self.constants.pop(leaf, None)


_BUILTIN_ERRORS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}

_IMPORT_GUARDS = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


def guards_imports(statement: Try) -> bool:
    """True when a `try` is ready for a failing import."""
    return any(handler.catches is None or _IMPORT_GUARDS & set(handler.catches) for handler in statement.handlers)


def catches_more_than_imports(statement: Try) -> bool:
    """True when a `try` is ready for other errors than those of imports."""
    names = {name for handler in statement.handlers for name in handler.catches or ("BaseException",)}
    return bool(names - {"ImportError", "ModuleNotFoundError"})


def all_alike(handlers: tuple[Handler, ...]) -> bool:
    """True when it does not matter which of the handlers catches an error."""
    return len(handlers) == 1 or all(
        any(isinstance(statement, Raise) for statement in handler.body.statements) for handler in handlers
    )


def catching(handlers: Iterable[Handler], failure: Failure, bound: Container[str] = ()) -> tuple[Handler | None, bool]:
    """Returns the handler that catches a failure and whether that is certain. `bound` are the module's own names: a
    class of its own may be called like a builtin one."""
    for handler in handlers:
        if handler.catches is None:
            return handler, True
        for dotted in handler.catches:
            name = dotted.removeprefix("builtins.")
            verdict = None if "." in name or name in bound else _catches(name, failure)
            if verdict is not False:
                return handler, verdict is True
    return None, True


def _catches(name: str, failure: Failure) -> bool | None:
    """True or False where it is certain, None for a class that is not a builtin one."""
    caught = _BUILTIN_ERRORS.get(name)
    if caught is None:
        return None
    if failure.kind == "missing-module":
        return issubclass(ModuleNotFoundError, caught)
    if failure.kind == "missing-attribute":
        return issubclass(AttributeError, caught)
    if failure.kind == "library":
        return issubclass(OSError, caught)
    if failure.kind == "syntax":
        return issubclass(SyntaxError, caught)
    if failure.kind == "raises":
        error = _BUILTIN_ERRORS.get(failure.name or "")
        return issubclass(error, caught) if error else (True if caught in (Exception, BaseException) else None)
    return issubclass(ImportError, caught)
