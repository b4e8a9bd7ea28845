"""A shared library that native code needs is nowhere where the loader looks.

What it finds
    `DT_NEEDED` entries that lead to no file of the artifact (by `DT_RPATH`, `LD_LIBRARY_PATH`, `DT_RUNPATH`) and to no
    library of the runtime. A correct manylinux tag does not exclude it: `libGL.so.1` and `libexpat.so.1` are allowed to
    be external there and are not on Lambda. Also code for Alpine, which needs musl (`libc.musl-x86_64.so.1`), and code
    that was linked against another Python's library (`libpython3.11.so.1.0`).

Why it fails on Lambda
    "libGL.so.1: cannot open shared object file: No such file or directory". Only what stands in the same folder and is
    named in the file's own search path, or in one of the folders of `LD_LIBRARY_PATH`, is found: `/var/lang/lib`,
    `/lib64`, `/usr/lib64`, `/var/runtime`, `/var/runtime/lib`, `/var/task`, `/var/task/lib`, `/opt/lib`.

How to fix it
    Use a distribution that bundles the library (`opencv-python-headless`, `psycopg2-binary`), or put the library into
    `lib/` of the function or of a layer, where `LD_LIBRARY_PATH` finds it. A `musllinux` wheel is for Alpine only:
    install the `manylinux` one. `readelf -d FILE.so` shows what a file needs and where it looks.

When to ignore it
    As a warning: the container image has the library and the managed runtime may have it; or a copy in the artifact is
    loaded before by other code.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, LoadProblem, Subject, check


@check("ELF004", "needs a shared library that is missing", severities=("error", "warning"))
def missing_shared_library(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        # A file whose very name is another system's is told of as such (ELF003), whatever it needs.
        if problem.kind != "missing-library" or problem.path in subject.foreign_extensions:
            continue
        musl = subject.native.is_for_musl(problem.path)
        python = problem.wanted.startswith("libpython")
        yield Hit(
            path=problem.path,
            message=_message(subject, problem, musl=musl, python=python),
            fix=subject.reinstall(problem.path)
            if musl or python
            else f"put {problem.wanted} into lib/ of the function or a layer, or use a distribution that bundles it",
            evidence={"soname": problem.wanted, "available": problem.available, "musl": musl},
            severity=native.severity,
            chain=native.chain,
        )


def _message(subject: Subject, problem: LoadProblem, *, musl: bool, python: bool) -> str:
    if not problem.certain:
        return f"needs {problem.wanted}: {problem.available}"
    if musl:
        return f"is built for Alpine (it needs musl's {problem.wanted}); {subject.target} has glibc"
    if python:
        return f"is linked against another Python ({problem.wanted}) than that of {subject.target}"
    return f"needs {problem.wanted}, which is {problem.available} for {subject.target}"
