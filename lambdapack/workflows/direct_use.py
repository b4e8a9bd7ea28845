"""Which distributions the project's own code uses itself."""

from __future__ import annotations

from lambdapack.checking import Subject
from lambdapack.facts.ways import import_pairs


def imported_by_own(subject: Subject) -> frozenset[str]:
    """Returns the names of the distributions that code of no distribution imports."""
    if subject.imports is None:
        return frozenset()
    executions = subject.imports.executions
    found = set()
    for importing, imported in import_pairs(subject.imports):
        importer, module = executions.get(importing), executions.get(imported)
        if importer is None or module is None or not importer.module.path or not module.module.path:
            continue
        dist = subject.distribution_of(module.module.path)
        if dist is not None and subject.distribution_of(importer.module.path) is None:
            found.add(dist.name)
    return frozenset(found)
