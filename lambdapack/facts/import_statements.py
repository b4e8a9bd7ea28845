"""Every import that a block of a module's program holds, and what it names."""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.facts.expression import asked_names
from lambdapack.facts.modules import Module
from lambdapack.facts.program import Block, For, If, Import, Maybe, Try


def imports_of(block: Block) -> Iterator[Import]:
    """Yields every import of a block, whatever it hangs on but the checking of types."""
    for statement in block.statements:
        match statement:
            case Import():
                yield statement
            case Try():
                handlers = (handler.body for handler in statement.handlers)
                for inner in (statement.body, *handlers, statement.orelse, statement.final):
                    yield from imports_of(inner)
            case If():
                for condition, inner in statement.branches:
                    if not any(name.endswith("TYPE_CHECKING") for name in asked_names(condition)):
                        yield from imports_of(inner)
            case Maybe() | For():
                yield from imports_of(statement.body)


def imported_names_of(statement: Import, module: Module) -> tuple[str, tuple[str, ...] | None]:
    """Returns the absolute name of what an import in `module` names, and the names taken from it (None: itself)."""
    base = statement.module
    if statement.level:
        parts = module.package.split(".")
        above = parts[: len(parts) - statement.level + 1]
        base = ".".join([*above, *([statement.module] if statement.module else [])])
    return base, None if statement.names is None else tuple(name for name, _ in statement.names)
