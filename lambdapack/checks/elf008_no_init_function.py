"""A file that is imported as an extension module does not have the function that its import calls.

What it finds
    Files found by an import, `fast/_fast.so` for `fast._fast`, that do not define `PyInit__fast` (from python3.15 on
    nor `PyModExport__fast`). Libraries that no import leads to are left alone.

Why it fails on Lambda
    "dynamic module does not define module export function (PyInit__fast)", ImportError. The file was renamed, or it is
    a plain library, a module for Python 2, or one whose functions were stripped away.

How to fix it
    Give the file the name that it was built with, or install the real module in its place. A library without an init
    function is loaded with `ctypes`, not imported.

When to ignore it
    When it is only a warning: the import is guarded.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF008", "does not define its module's init function", severities=("error", "warning"))
def no_init_function(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        if problem.kind != "no-init-function":
            continue
        module = native.required.module if native.required else None
        imported = f"is imported as {module}" if module else "is imported"
        others = f"; it defines {problem.available}" if problem.available else ""
        yield Hit(
            path=problem.path,
            message=f"{imported} and does not define {problem.wanted}{others}",
            fix="give the file the name that it was built with, or " + subject.reinstall(problem.path)
            if problem.available
            else subject.reinstall(problem.path),
            evidence={
                "symbol": problem.wanted,
                "defined": problem.available.split(", ") if problem.available else [],
                "target": subject.profile.runtime,
                "module": module,
            },
            severity=native.severity,
            chain=native.chain,
        )
