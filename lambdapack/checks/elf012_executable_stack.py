"""A library asks for an executable stack, which the image's glibc no longer gives.

What it finds
    Files whose `PT_GNU_STACK` header has the execute flag, or is missing, in an image with glibc 2.41 or later
    (Debian 13, Ubuntu 25.04). Amazon Linux has an older one and loads them: there this check says nothing.

Why it fails on Lambda
    glibc 2.41 refuses to make the stack executable while a program runs: "cannot enable executable stack as shared
    object requires: Invalid argument".

How to fix it
    Install a newer wheel, or clear the flag: `patchelf --clear-execstack FILE.so`. In your own code, assembler files
    lack `.section .note.GNU-stack,"",@progbits`; or link with `-z noexecstack`.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF012", "needs an executable stack", severities=("error", "warning"))
def executable_stack(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        if problem.kind == "executable-stack":
            glibc = ".".join(map(str, subject.profile.glibc))
            yield Hit(
                path=problem.path,
                message=f"asks for an executable stack; glibc {glibc} of this image refuses it",
                fix="patchelf --clear-execstack FILE, or install a newer wheel",
                evidence={"glibc": glibc, "module": native.required.module if native.required else None},
                severity=native.severity,
                chain=native.chain,
            )
