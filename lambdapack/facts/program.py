"""The part of a Python module that decides what importing it does: imports, guards, bound names, conditions.

Plain data made by `source.py`, free of any runtime: the same module gives the same program for every target, so it can
be kept by content. `execution.py` runs it for one target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lambdapack.facts.expression import UNKNOWN, Expression, asked_names, holds_calls


@dataclass(frozen=True, slots=True)
class Import:
    """`import module` (names None, `bound` what it binds) or `from module import names` (pairs: name, bound as).

    `level` counts the leading dots. A star import has the one name `*`.
    """

    line: int
    module: str
    level: int = 0
    names: tuple[tuple[str, str], ...] | None = None
    bound: str | None = None

    @property
    def bound_names(self) -> frozenset[str]:
        """The names that the statement binds; those of a star import are not known here."""
        if self.names is None:
            return frozenset((self.bound,)) if self.bound else frozenset()
        return frozenset(bound for _, bound in self.names if bound not in ("*", ""))


@dataclass(frozen=True, slots=True)
class Handler:
    """One `except` clause: the dotted names it catches (None: everything) and the name it gives the error."""

    catches: tuple[str, ...] | None
    body: Block
    bound: str | None = None


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
class For:
    """`for target in iterable`: a loop over a literal can be followed. `target` is empty for several names; `orelse`
    runs when the loop has not been left early."""

    target: str
    iterable: Expression
    body: Block
    orelse: Block


@dataclass(frozen=True, slots=True)
class Raise:
    """`raise NAME(...)`; `error` is None for a bare `raise` or one of a computed error."""

    line: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Constant:
    """`NAME = expression`: a condition may depend on it. The value is often unknown, which ends an earlier one. `line`
    is where a dotted name is asked for, 0 for any other value."""

    name: str
    value: Expression
    line: int = 0


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression whose value is of no interest, but calls in it are."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Definition:
    """A function that can be followed when it is called: its source, which `source.read_function` reads then, and the
    line it begins on. Decorated functions and functions inside others are not kept. `is_class`: it is the `__init__` of
    a class of this name, which is called with an object before the arguments."""

    name: str
    line: int
    source: bytes
    is_class: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """What a call of a function runs. Parameters with their defaults, None where there is none; `keyword_parameters`
    are those given by name alone, and the rest (`*args`, `**kwargs`). `generator`: the call itself runs nothing.
    `volatile` as of a `Program`."""

    parameters: tuple[tuple[str, Expression | None], ...]
    keyword_parameters: tuple[tuple[str, Expression | None], ...]
    body: Block
    local_names: frozenset[str]
    volatile: frozenset[str]
    generator: bool


@dataclass(frozen=True, slots=True)
class DeferredCall:
    """A call inside a function, of something that loads by name (`open("x")`, `CDLL("x")`): an expression of the kind
    `call`, the dotted names of the errors that a `try` around it catches, and the names that the functions around it
    bind themselves."""

    call: Expression
    guards: frozenset[str]
    local_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Define:
    """`def name(...)`: from here on the name is the function."""

    function: Definition


@dataclass(frozen=True, slots=True)
class Return:
    """`return value` in a function."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Yield:
    """`yield value` as a statement of a generator; of any other `yield` the value is unknown."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Obscure:
    """A statement that may bind any name of this module: nothing that was known of its names is certain any more."""


@dataclass(frozen=True, slots=True)
class Leave:
    """`sys.exit()` and its like; `name` is what is called: a module may have an `exit` of its own."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class ClassUnion:
    """`int | None` in an annotation or another expression that is evaluated; `names` are the builtin classes in it."""

    line: int
    names: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A statement that is nothing but a name: a test whether it is bound."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Something in the body of a `try` that may raise, whatever it is."""


Statement = (
    Import
    | Try
    | If
    | Maybe
    | For
    | Raise
    | Constant
    | Evaluate
    | Define
    | Return
    | Yield
    | Jump
    | Obscure
    | Leave
    | Use
    | ClassUnion
    | Effect
)


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
    (`globals()`, `exec`); `opaque_functions`: also when one of its functions is called. `import_hooks`: it changes
    `sys.path`, `sys.modules`, `sys.meta_path` or its own `__path__`, so that what can be imported afterwards is not
    decided by files alone; `find_module_hooks`: those of them that do nothing since Python 3.12. `loads_libraries`: it
    loads native libraries by name (`ctypes.CDLL`). `damaged`: parts could not be parsed.
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
    opaque_functions: bool
    import_hooks: frozenset[str]
    find_module_hooks: frozenset[str]
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
    opaque_functions=True,
    import_hooks=frozenset(),
    find_module_hooks=frozenset(),
    loads_libraries=False,
    damaged=True,
)
"""A module of which nothing could be read."""


def jumps(block: Block) -> frozenset[str]:
    """Returns the ways in which a block may be left early: `return`, `break`, `continue`."""
    statements = (statement for inner in _blocks(block) for statement in inner.statements)
    found = (
        item.kind if isinstance(item, Jump) else "return" for item in statements if isinstance(item, Jump | Return)
    )
    return frozenset(found)


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
        for inner in inner_blocks(statement):
            yield from _blocks(inner)


def inner_blocks(statement: Statement) -> Iterator[Block]:
    """Yields the blocks that stand in a statement."""
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
        case For():
            yield from (statement.body, statement.orelse)
        case Maybe():
            yield statement.body


def without_constants(statements: tuple[Statement, ...], own: frozenset[str]) -> Iterator[Statement]:
    """Turns a class's body into what of it concerns the module: a class's names, `own`, are not the module's."""
    for statement in statements:
        match statement:
            case Use() | Define():
                continue
            case ClassUnion(names=names) if names & own:
                continue
            case Constant(value=value) | Evaluate(value=value):
                if holds_calls(value) and not own & {name.partition(".")[0] for name in asked_names(value)}:
                    yield Evaluate(value)
            case Import(names=None):
                yield replace(statement, bound=None)
            case Import(names=names):
                yield replace(statement, names=tuple((name, "") for name, _ in names or ()))
            case Try():
                yield Try(
                    _nameless(statement.body, own),
                    tuple(replace(handler, body=_nameless(handler.body, own)) for handler in statement.handlers),
                    _nameless(statement.orelse, own),
                    _nameless(statement.final, own),
                )
            case If():
                # A bare name in a class body may be the class's own, which is not followed.
                yield If(tuple((UNKNOWN, _nameless(block, own)) for _, block in statement.branches))
            case Maybe() | For():
                yield Maybe(_nameless(statement.body, own))
            case _:
                yield statement


def _nameless(block: Block, own: frozenset[str]) -> Block:
    return Block(tuple(without_constants(block.statements, own)))
