"""Native code needs a symbol version that its library does not have: above all, a newer libstdc++.

What it finds
    `GLIBCXX_`, `CXXABI_` and `GCC_` versions above those of the runtime, and versions that a bundled library is asked
    for and does not define.

Why it fails on Lambda
    "/lib64/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by ...)".

How to fix it
    Use a wheel built with an older tool chain (a lower manylinux level), or one that links libstdc++ statically.

When to ignore it
    The warning: current images of Amazon Linux 2023 have GLIBCXX_3.4.33, but a function pinned to an older runtime
    version does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF006", "needs a symbol version that its library lacks")
def symbol_version_missing(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        if problem.kind == "symbol-version":
            yield Hit(
                path=problem.path,
                message=f"needs {problem.wanted} of {problem.soname}; available: {problem.available}",
                fix=subject.reinstall(problem.path),
                evidence={"version": problem.wanted, "library": problem.soname, "available": problem.available},
                severity=native.severity,
                chain=native.chain,
            )
