"""A module that is there only as byte code, compiled by another Python than the runtime's.

What it finds
    `module.pyc` without `module.py` beside it, whose magic number is not that of the runtime's Python, where the
    handler's import reaches it. Vendors who ship compiled code only, and build scripts that remove the sources
    (`compileall -b`), make such files: each Python version needs its own.

Why it fails on Lambda
    "Unable to import module 'handler': bad magic number in 'licence': b'\\xa7\\r\\r\\n'".

How to fix it
    Compile it with the runtime's Python (`python3.13 -m compileall -b FOLDER`), pack the source, or move the function
    to the runtime that it was compiled for.

When to ignore it
    As a warning: the import is behind a condition or in a function.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMP019", "is byte code of another Python", needs=("handler",), severities=("error", "warning"))
def bad_magic_number(subject: Subject) -> Iterator[Hit]:
    imports = subject.imports
    if imports is None:
        return
    for failure in imports.uncaught:
        execution = imports.executions.get(failure.module)
        if failure.kind != "byte-code" or execution is None:
            continue
        python = ".".join(map(str, subject.profile.python))
        yield Hit(
            path=execution.module.path,
            message=f"compiled by {failure.name}, and its source is not there; {subject.profile.runtime} answers: "
            f"bad magic number in {failure.module!r}",
            fix=f"compile it with python{python} -m compileall -b, or pack the source",
            evidence={"module": failure.module, "found": failure.name, "importer": failure.importer},
            severity=Severity.ERROR if failure.is_fatal else Severity.WARNING,
            chain=(*failure.chain, failure.module),
        )
