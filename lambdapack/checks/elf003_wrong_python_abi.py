"""An extension module is made for another Python, or for another operating system.

What it finds
    A module that the import needs exists only as a file whose name this Python never looks for: `cpython-311` on
    python3.13, `cp313t` (free-threaded), `musl`, macOS or Windows builds.

Why it fails on Lambda
    Python looks for fixed suffixes only (`.cpython-313-x86_64-linux-gnu.so`, `.abi3.so`, `.so`), so the file might as
    well not be there: "No module named 'pydantic_core._pydantic_core'", or the misleading "cannot import name ...
    (most likely due to a circular import)".

How to fix it
    Install the wheel for the function's runtime; build with the target's Python version and platform, not those of
    this machine.

When to ignore it
    When it is only a warning: the import is guarded, and the package works without its fast part.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check, describe_native


@check("ELF003", "is made for another Python or system", needs=("handler",))
def wrong_python_abi(subject: Subject) -> Iterator[Hit]:
    said = set()
    for item in subject.explained("wrong-abi"):
        path = item.absence.path
        if path is None or path in said:
            continue
        said.add(path)
        found = describe_native(path, item.absence.elf)
        wanted = subject.profile.extension_suffixes[0]
        yield Hit(
            path=path,
            message=f"is made for {found}; {subject.target} looks for *{wanted}, "
            f"so the module {item.absence.module} is missing",
            fix=subject.reinstall(path),
            evidence={"module": item.absence.module, "found": found, "wanted": wanted},
            severity=Severity.ERROR if item.fatal else Severity.WARNING,
            chain=(*item.failure.chain, item.absence.module),
        )
