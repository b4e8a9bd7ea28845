"""Native code says that it needs a newer processor than Lambda promises.

What it finds
    Files with a note (`GNU_PROPERTY_X86_ISA_1_NEEDED`) that asks for x86-64-v3 or x86-64-v4: they were linked with
    `-z x86-64-v3`. Files that merely contain newer instructions and choose at run time have no such note and are fine.

Why it fails on Lambda
    A function may run on any processor of Lambda's fleet, and no source promises more than x86-64-v2 on all of them. On
    an older one, the loader of Amazon Linux 2023 refuses the file: "CPU ISA level is lower than required". Amazon
    Linux 2 loads it, and the first new instruction ends the process: "Runtime exited with error: signal: illegal
    instruction".

How to fix it
    Build with `-march=x86-64-v2` (Rust: `-C target-cpu=x86-64-v2`), or install the wheel from PyPI.

When to ignore it
    When the function has run in production for long: x86-64-v3 (AVX2, since 2013) is what processors in data centres
    have. x86-64-v4 (AVX-512) is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("ELF010", "needs a newer processor than Lambda promises", severities=("warning",))
def processor_too_new(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        if problem.kind == "isa-level":
            says = f" (the loader says: {problem.says})" if problem.says else ""
            yield Hit(
                path=problem.path,
                message=f"needs a processor with {problem.available}; Lambda is known to have {problem.wanted}{says}",
                fix=f"build it with -march={problem.wanted}, or {subject.reinstall(problem.path)}",
                evidence={"level": problem.available, "available": problem.wanted},
                severity=Severity.WARNING,
                chain=native.chain,
            )
