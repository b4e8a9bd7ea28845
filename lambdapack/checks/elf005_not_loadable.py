"""A file that has to be native code is not, or not all of it is there.

What it finds
    Libraries that are no ELF file (macOS and Windows binaries, Git LFS pointers, linker scripts, text, empty files) and
    ELF files that are cut short.

Why it fails on Lambda
    "invalid ELF header", "file too short"; a file that is cut short kills the process: "Runtime exited with error:
    signal: bus error".

How to fix it
    Put the real file for Linux in its place: check out Git LFS files, install the Linux wheel, copy again.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("ELF005", "is not loadable native code")
def not_loadable(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        # A file whose very name is another system's is told of as such (ELF003).
        if problem.kind in ("not-elf", "truncated") and problem.path not in subject.foreign_extensions:
            yield Hit(
                path=problem.path,
                message=f"has to be {problem.wanted}; it is {problem.available}" + _in_the_log(subject, problem.path),
                fix=subject.reinstall(problem.path),
                evidence={
                    "found": problem.available,
                    "wanted": problem.wanted,
                    "module": native.required.module if native.required else None,
                },
                severity=native.severity,
                chain=native.chain,
            )


def _in_the_log(subject: Subject, path: str) -> str:
    """The words to look for in CloudWatch."""
    text = subject.loader_text(path)
    return f" (the loader says: {text})" if text else ""
