"""A shared library that native code needs is nowhere where the loader looks.

What it finds
    `DT_NEEDED` entries that lead to no file of the artifact (by `DT_RPATH`, `LD_LIBRARY_PATH`, `DT_RUNPATH`) and to no
    library of the runtime. A correct manylinux tag does not exclude it: `libGL.so.1` and `libexpat.so.1` are allowed to
    be external there and are not on Lambda.

Why it fails on Lambda
    "libGL.so.1: cannot open shared object file: No such file or directory".

How to fix it
    Use a distribution that bundles the library (`opencv-python-headless`, `psycopg2-binary`), or put the library into
    `lib/` of the function or of a layer, where `LD_LIBRARY_PATH` finds it.

When to ignore it
    As a warning: the container image has the library and the managed runtime may have it; or a copy in the artifact is
    loaded before by other code.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF004", "needs a shared library that is missing")
def missing_shared_library(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        # A file whose very name is another system's is told of as such (ELF003), whatever it needs.
        if problem.kind != "missing-library" or problem.path in subject.foreign_extensions:
            continue
        musl = problem.wanted.startswith(("libc.musl", "libc.so")) and problem.wanted != "libc.so.6"
        yield Hit(
            path=problem.path,
            message=f"needs {problem.wanted}, which is {problem.available} for {subject.target}"
            if problem.certain
            else f"needs {problem.wanted}: {problem.available}",
            fix=subject.reinstall(problem.path)
            if musl
            else f"put {problem.wanted} into lib/ of the function or a layer, or use a distribution that bundles it",
            evidence={"soname": problem.wanted, "available": problem.available, "musl": musl},
            severity=native.severity,
            chain=native.chain,
        )
