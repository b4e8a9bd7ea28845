"""Failures, as statements make them in the place where they stand."""

from __future__ import annotations

from lambdapack.facts.frames import Context
from lambdapack.facts.outcome import Failure, FailureKind
from lambdapack.facts.program import Import, Raise


def failure_of(
    kind: FailureKind,
    statement: Import,
    module: str,
    context: Context,
    *,
    name: str | None = None,
    native_path: str | None = None,
) -> Failure:
    """Returns the failure of a statement in a context."""
    importer = context.execution.module
    return Failure(
        kind, importer.name, importer.path, statement.line, module, name, native_path, context.execution.chain
    )


def raise_statement(statement: Raise, context: Context) -> list[Failure]:
    """Returns what a `raise` raises: in a handler, whatever it is, the error that the handler has caught."""
    if statement.error in context.errors:
        return list(context.errors[statement.error])  # `except ... as error: raise error`
    if context.handling:
        return list(context.handling)
    return [] if statement.error is None else [raised(statement.error.rpartition(".")[2], statement.line, context)]


def raised(error: str, line: int, context: Context) -> Failure:
    """Returns the failure that code raises by itself, by the name of the error's class."""
    module = context.execution.module.name
    return failure_of("raises", Import(line, module), module, context, name=error)
