"""A relative import that leads out of its package.

What it finds
    `from . import x` in a module that is in no package, like a handler at the artifact's root, and `from ...x import y`
    with more dots than there are packages.

Why it fails on Lambda
    "attempted relative import with no known parent package" or "attempted relative import beyond top-level package".

How to fix it
    Import absolutely (`import x`), or put the handler into a package and set the handler to `package.module.function`.

When to ignore it
    As a warning: the import stands in a function and may never be called.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMP006", "imports relatively out of its package", needs=("handler",), severities=("error", "warning"))
def relative_import_outside(subject: Subject) -> Iterator[Hit]:
    imports = subject.imports
    if imports is None:
        return
    for failure in imports.uncaught:
        if failure.kind != "relative-import":
            continue
        package = failure.importer.rpartition(".")[0]
        yield Hit(
            path=failure.path,
            message=f"line {failure.line}: imports {failure.module!r}, but {failure.importer} is "
            + (f"only in {package}, which has fewer levels" if package else "in no package"),
            fix=f"import {failure.module.lstrip('.') or 'it'} absolutely, or put {failure.importer} into a package and "
            "change the handler setting",
            evidence={"module": failure.module, "importer": failure.importer, "line": failure.line},
            severity=Severity.ERROR if failure.is_fatal else Severity.WARNING,
            chain=failure.chain,
        )
