"""A file that has to be native code is not, or is damaged.

What it finds
    Libraries that are no ELF file: macOS and Windows binaries, Git LFS pointers, linker scripts, the text of a symbolic
    link that the ZIP tool did not keep, web pages, empty files. ELF files that are no library: programs, object files,
    separate debug symbols. ELF files that are cut short, or whose segments no longer fit the file: this is what `strip`
    does to a library that patchelf has changed, as auditwheel does with everything in `*.libs`.

Why it fails on Lambda
    "invalid ELF header", "file too short", "ELF load command address/offset not properly aligned", "cannot dynamically
    load executable"; a file that is cut short kills the process: "Runtime exited with error: signal: bus error".

How to fix it
    Put the real file for Linux in its place: `git lfs pull`, install the Linux wheel again, `zip -y` to keep symbolic
    links. Do not strip what comes from a wheel: it is stripped already.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, LoadProblem, Subject, check

_ADVICE = {
    "Git LFS": "fetch the file itself before it is packed: git lfs pull",
    "symbolic link": "keep symbolic links when you pack (zip -y), or put the file that it means into its place",
    "linker script": "put the library that it names, under its soname, into its place",
    "web page": "fetch the file again and look at it: file FILE",
    "object file": "link it: cc -shared FILE.o -o FILE.so",
}


@check("ELF005", "is not loadable native code", severities=("error", "warning"))
def not_loadable(subject: Subject) -> Iterator[Hit]:
    for native in subject.native_findings:
        problem = native.problem
        # A file whose very name is another system's is told of as such (ELF003).
        if problem.kind in ("not-elf", "truncated") and problem.path not in subject.foreign_extensions:
            yield Hit(
                path=problem.path,
                message=f"has to be {problem.wanted}; it is {problem.available}" + _in_the_log(problem.says),
                fix=_fix(subject, problem),
                evidence={
                    "found": problem.available,
                    "wanted": problem.wanted,
                    "says": problem.says,
                    "module": native.required.module if native.required else None,
                },
                severity=native.severity,
                chain=native.chain,
            )


def _fix(subject: Subject, problem: LoadProblem) -> str:
    """What to do about this kind of file, where that is not to install the wheel again."""
    advice = next((advice for sign, advice in _ADVICE.items() if sign in problem.available), None)
    return advice or subject.reinstall(problem.path)


def _in_the_log(says: str | None) -> str:
    """The words to look for in CloudWatch."""
    return f" (the loader says: {says})" if says else ""
