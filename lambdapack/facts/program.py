"""The part of a Python module that decides what importing it does: imports, guards, bound names, conditions.

Plain data made by `source.py`, free of any runtime: the same module gives the same program for every target, so it can
be kept by content. `execution.py` runs it for one target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

# A condition, as nested tuples: ("literal", value) · ("tuple", items) · ("name", "sys.version_info") ·
# ("index", of, i) · ("slice", of, start, stop) · ("call", of, arguments) · ("not", x) · ("and" | "or", items) ·
# ("compare", left, ((operator, right), ...)) · ("unknown",)
Expression = tuple[Any, ...]
UNKNOWN: Expression = ("unknown",)


@dataclass(frozen=True, slots=True)
class Import:
    """`import module` (names None, `bound` what it binds) or `from module import names` (pairs: name, bound as).

    `level` counts the leading dots. A star import has the one name `*`. `dynamic` marks `import_module("literal")`
    and `__import__("literal")`.
    """

    line: int
    module: str
    level: int = 0
    names: tuple[tuple[str, str], ...] | None = None
    bound: str | None = None
    dynamic: bool = False

    @property
    def bound_names(self) -> frozenset[str]:
        """The names that the statement binds; those of a star import are not known here."""
        if self.names is None:
            return frozenset((self.bound,)) if self.bound else frozenset()
        return frozenset(bound for _, bound in self.names if bound not in ("*", ""))


@dataclass(frozen=True, slots=True)
class Handler:
    """One `except` clause: the dotted names it catches (None: everything)."""

    catches: tuple[str, ...] | None
    body: Block


@dataclass(frozen=True, slots=True)
class Try:
    """`try`, and `with suppress(...)` as one with an empty handler."""

    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block
    final: Block


@dataclass(frozen=True, slots=True)
class If:
    """`if`/`elif`/`else`: (condition, block) in order; the last block of an `else` has the condition True."""

    branches: tuple[tuple[Expression, Block], ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """A block that may run or not: a loop's body, a `match` case, an unknown context manager."""

    body: Block


@dataclass(frozen=True, slots=True)
class Raise:
    """`raise NAME(...)`; `error` is None for a bare `raise` or one of a computed error."""

    line: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Constant:
    """`NAME = expression`: a condition may depend on it. The value is often unknown, which ends an earlier one."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Leave:
    """`sys.exit()` and its like; `name` is what is called: a module may have an `exit` of its own."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Use:
    """A statement that is nothing but a name: a test whether it is bound."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Something in the body of a `try` that may raise, whatever it is."""


Statement = Import | Try | If | Maybe | Raise | Constant | Leave | Use | Effect


@dataclass(frozen=True, slots=True)
class Block:
    """Statements in order and the module-level names that the block itself binds, except those that imports bind."""

    statements: tuple[Statement, ...] = ()
    names: frozenset[str] = frozenset()


EMPTY = Block()


@dataclass(frozen=True, slots=True)
class Program:
    """One module. `deferred` are imports inside functions, run only when somebody calls them.

    `exports` is a literal `__all__` (None: there is none; `exports_unknown`: it is computed). `members` are the names
    that classes bind, by class. `assigned_attributes` are names set on other objects at module level (`other.x = …`).
    `computed_attributes`: it also sets names that are computed. `volatile` are names bound in other ways than by plain
    assignment: their value is never known. `opaque`: its own names may come into being in ways that are not visible
    (`globals()`, `exec`). `import_hooks`: it changes `sys.path`, `sys.modules`, `sys.meta_path` or its own `__path__`,
    so that what can be imported afterwards is not decided by files alone. `loads_libraries`: it loads native libraries
    by name (`ctypes.CDLL`). `damaged`: parts could not be parsed.
    """

    body: Block
    deferred: tuple[Import, ...]
    exports: tuple[str, ...] | None
    exports_unknown: bool
    members: dict[str, frozenset[str]]
    volatile: frozenset[str]
    assigned_attributes: frozenset[str]
    computed_attributes: bool
    opaque: bool
    import_hooks: frozenset[str]
    loads_libraries: bool
    damaged: bool


UNREADABLE = Program(
    body=EMPTY,
    deferred=(),
    exports=None,
    exports_unknown=True,
    members={},
    volatile=frozenset(),
    assigned_attributes=frozenset(),
    computed_attributes=False,
    opaque=True,
    import_hooks=frozenset(),
    loads_libraries=False,
    damaged=True,
)
"""A module of which nothing could be read."""


def all_names(block: Block) -> frozenset[str]:
    """Returns the names a block binds, in all of its branches."""
    return imported_names(block).union(*(inner.names for inner in _blocks(block)))


def imported_names(block: Block) -> frozenset[str]:
    """Returns the names that imports bind, in all branches."""
    statements = (statement for inner in _blocks(block) for statement in inner.statements)
    return frozenset().union(*(item.bound_names for item in statements if isinstance(item, Import)))


def _blocks(block: Block) -> Iterator[Block]:
    """Yields a block and all that its statements hold."""
    yield block
    for statement in block.statements:
        for inner in _inner_blocks(statement):
            yield from _blocks(inner)


def _inner_blocks(statement: Statement) -> Iterator[Block]:
    match statement:
        case Try():
            yield from (
                statement.body,
                *(handler.body for handler in statement.handlers),
                statement.orelse,
                statement.final,
            )
        case If():
            yield from (block for _, block in statement.branches)
        case Maybe():
            yield statement.body


def without_constants(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Leaves out class attributes: a class's names are not the module's."""
    for statement in statements:
        match statement:
            case Constant() | Use():
                continue
            case Import(names=None):
                yield replace(statement, bound=None)
            case Import(names=names):
                yield replace(statement, names=tuple((name, "") for name, _ in names or ()))
            case Try():
                yield Try(
                    _nameless(statement.body),
                    tuple(Handler(handler.catches, _nameless(handler.body)) for handler in statement.handlers),
                    _nameless(statement.orelse),
                    _nameless(statement.final),
                )
            case If():
                # A bare name in a class body may be the class's own, which is not followed.
                yield If(tuple((UNKNOWN, _nameless(block)) for _, block in statement.branches))
            case Maybe():
                yield Maybe(_nameless(statement.body))
            case _:
                yield statement


def _nameless(block: Block) -> Block:
    return Block(tuple(without_constants(block.statements)))
