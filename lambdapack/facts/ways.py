"""The ways from a handler to a module: who imports whom, and what only one module leads to."""

from __future__ import annotations

from lambdapack.facts.imports import RUNTIME, ImportFacts


def import_pairs(imports: ImportFacts) -> frozenset[tuple[str, str]]:
    """Returns importer and imported, by name: every import that certainly takes place, and the first of every
    module."""
    first = {(item.chain[-2], name) for name, item in imports.executions.items() if len(item.chain) > 1}
    return frozenset(
        first | {(sources[-1], name) for sources, name in imports.ledger.all_edges(imports.ledger.place())}
    )


def loaded_only_through(imports: ImportFacts, name: str) -> tuple[str, ...]:
    """Returns the modules that the handler would not load if one module were not there, sorted, without it."""
    gone = imports.ledger.reached(RUNTIME) - imports.ledger.reached(RUNTIME, without=name) - {name}
    return tuple(sorted(gone & imports.executions.keys()))
