"""Native code needs a symbol version that its library does not have: above all, a newer libstdc++.

What it finds
    `GLIBCXX_`, `CXXABI_`, `GCC_`, `OPENSSL_` and `ZLIB_` versions above those of the runtime's libraries, and versions
    that a bundled library is asked for and does not define. A libstdc++ in the artifact helps only under another
    soname, as auditwheel gives it (`libstdc++-1f2e3d4c.so.6`): the runtime's own client has loaded the system's
    `libstdc++.so.6` before, and the loader takes that one for every later need of the same soname.

Why it fails on Lambda
    "/lib64/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by ...)". A bundled library without any
    versions, where some are asked for, ends the process: "Inconsistency detected by ld.so: dl-lookup.c: ...
    check_match: Assertion ... failed!", Runtime.ExitError.

How to fix it
    Use a wheel built with an older tool chain (a lower manylinux level), or link libstdc++ statically
    (`-static-libstdc++`). Bundle the library that the code was built with.

When to ignore it
    The warning: current images of Amazon Linux 2023 have GLIBCXX_3.4.33, but a function pinned to an older runtime
    version does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF006", "needs a symbol version that its library lacks", severities=("error", "warning"))
def symbol_version_missing(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        if problem.kind == "symbol-version":
            is_version = " " not in problem.available  # else it tells of a bundled library
            available = f"{subject.profile.runtime} has {problem.available}" if is_version else problem.available
            yield Hit(
                path=problem.path,
                message=f"needs {problem.wanted} of {problem.soname}; {available}",
                fix=subject.reinstall(problem.path),
                evidence={"version": problem.wanted, "library": problem.soname, "available": problem.available},
                severity=native.severity,
                chain=native.chain,
            )
