"""A member's name leads out of the archive, or is none that can be unpacked as it stands.

What it finds
    Absolute names, names with `..`, Windows drives, names with a NUL byte.

Why it fails on Lambda
    Unpacking such a name would write outside the function's folder; no honest archive has one. What Lambda itself does
    with it is not documented.

How to fix it
    Create the archive again from inside the folder that is to be its root.

When to ignore it
    A NUL byte is only a warning: most tools cut the name there.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("PKG004", "has a name that must not be unpacked")
def unsafe_path(subject: Subject) -> Iterator[Hit]:
    for mount in subject.stack.mounts:
        for problem in mount.tree.problems:
            if problem.kind == "unsafe-path":
                yield Hit(
                    path=problem.path,
                    message=f"{problem.path!r}: {problem.detail}",
                    fix="create the archive again with names relative to its root",
                    evidence={"file": problem.path, "origin": mount.tree.origin},
                    severity=Severity.WARNING if "\0" in problem.path else Severity.ERROR,
                )
            elif problem.kind in ("duplicate-name", "non-utf8-name"):
                yield Hit(
                    path=mount.absolute(problem.path),
                    message=problem.detail,
                    fix="create the archive again",
                    evidence={"file": problem.path, "problem": problem.kind},
                    severity=Severity.WARNING if problem.kind == "duplicate-name" else Severity.INFO,
                )
