"""Native code needs a newer glibc than the runtime has.

What it finds
    Shared objects with a `GLIBC_x.y` symbol version above the runtime's glibc, read from the file itself and not from
    the name of its wheel. Weak needs are not fatal and are left alone.

Why it fails on Lambda
    "/lib64/libc.so.6: version `GLIBC_2.28' not found (required by ...)". Amazon Linux 2 (python3.8 to 3.11) has glibc
    2.26, Amazon Linux 2023 (python3.12 and later) has 2.34.

How to fix it
    Install a wheel of a lower manylinux level. Up to python3.11 (glibc 2.26) that is `manylinux2014`, from python3.12
    on (glibc 2.34) anything up to `manylinux_2_34`: `uv pip install --target package --python-version 3.11
    --python-platform x86_64-manylinux2014 --only-binary :all: NAME`. When the newest version has no such wheel, an
    older one may; or move the function to python3.12 or later. What you compile yourself (`pip` without
    `--only-binary`, on Ubuntu or in a `python:3.x` image) needs that system's glibc: compile it in the runtime's base
    image, `public.ecr.aws/lambda/python`. To see what a file needs: `objdump -T FILE.so | grep GLIBC_`.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, NativeFinding, Subject, check


@check("ELF002", "needs a newer glibc than the runtime has", severities=("error", "warning"))
def glibc_too_new(subject: Subject) -> Iterator[Hit]:
    worst: dict[str, NativeFinding] = {}
    for native in subject.native_findings:
        if native.problem.kind == "glibc":
            current = worst.get(native.problem.path)
            if current is None or _number(native.problem.wanted) > _number(current.problem.wanted):
                worst[native.problem.path] = native
    for native in worst.values():
        problem = native.problem
        yield Hit(
            path=problem.path,
            message=f"needs {problem.wanted}; {subject.profile.runtime} has {problem.available}",
            fix=subject.reinstall(problem.path) + ", or move the function to a runtime with a newer glibc",
            evidence={"version": problem.wanted, "available": problem.available, "library": problem.soname},
            severity=native.severity,
            chain=native.chain,
        )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.rpartition("_")[2].split(".") if part.isdecimal())
