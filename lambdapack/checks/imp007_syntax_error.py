"""A module that the handler's import reaches does not compile on the target's Python.

What it finds
    Syntax that the runtime's Python does not know (`match` on python3.9, `except*` on python3.10, nested quotes in
    f-strings on python3.11), plain mistakes, bytes that are not UTF-8, NUL bytes. Judged by the runtime's grammar,
    whatever Python runs lambdapack. Of distributions only what looks doubtful is judged.

Why it fails on Lambda
    "Runtime.UserCodeSyntaxError: Syntax error in module 'handler': invalid syntax (handler.py, line 3)". It names the
    handler also when another module is at fault.

How to fix it
    Write it for the runtime's Python, or move the function to a newer runtime. A distribution that does not compile is
    one for another Python: install the right version, or remove a backport that the standard library has replaced.

When to ignore it
    As a warning: the import stands in a function and may never be called.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMP007", "does not compile on the runtime's Python", needs=("handler",), severities=("error", "warning"))
def syntax_error(subject: Subject) -> Iterator[Hit]:
    imports = subject.imports
    if imports is None:
        return
    said = set()
    for failure in imports.uncaught:
        if failure.kind != "syntax" or failure.path in said:
            continue
        said.add(failure.path)
        dist = subject.distribution_of(failure.path or "")
        shadows = failure.module.partition(".")[0] in subject.profile.stdlib_modules
        hint = f"; it hides the standard library's {failure.module.partition('.')[0]}" if shadows else ""
        yield Hit(
            path=failure.path,
            message=f"line {failure.line}: {failure.name}; the function runs on {subject.profile.runtime}{hint}",
            fix=f"install a version of {dist.name} for {subject.profile.runtime}, or remove {dist.name} {dist.version}"
            if dist
            else f"write it for {subject.profile.runtime}, or move the function to a newer runtime",
            evidence={
                "module": failure.module,
                "line": failure.line,
                "error": failure.name,
                "distribution": dist.name if dist else None,
            },
            severity=Severity.ERROR if failure.is_fatal else Severity.WARNING,
            chain=failure.chain,
        )
