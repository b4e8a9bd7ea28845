"""A member's name leads out of the archive, or is none that unpacks as it stands.

What it finds
    Absolute names, names with `..`, Windows drives, names with a NUL byte. As warnings: backslashes in names, names
    that are longer than Linux takes (255 bytes), names that come twice. As infos: letters of an unnamed code page,
    names of one folder that differ in upper and lower case only.

Why it fails on Lambda
    Unpacking an absolute name, or one with `..`, would write outside the function's folder; no honest archive has one.
    What Lambda itself does with it is not documented. Backslashes are what some tools on Windows write instead of `/`:
    functions were seen on Lambda with a file called `package\\module.py` instead of a folder, and "No module named
    'package'". Names that differ in case are two files on Linux; on macOS and Windows, one overwrites the other.

How to fix it
    Create the archive again from inside the folder that is to be its root, with a tool that writes `/`: `zip -r`,
    Python's `zipfile`, `tar -a -cf function.zip *` on Windows, `lambdapack build`.

When to ignore it
    A NUL byte is only a warning: most tools cut the name there. Backslashes, when the function was seen to work.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_DOUBTFUL = {
    "backslash-name": Severity.WARNING,
    "long-name": Severity.WARNING,
    "duplicate-name": Severity.WARNING,
    "non-utf8-name": Severity.INFO,
    "case-clash": Severity.INFO,
}


@check("PKG004", "has a name that does not unpack safely", severities=("error", "warning", "info"))
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
            elif problem.kind in _DOUBTFUL:
                yield Hit(
                    path=mount.absolute(problem.path),
                    message=problem.detail,
                    fix="rename one of them" if problem.kind == "case-clash" else "create the archive again",
                    evidence={"file": problem.path, "problem": problem.kind},
                    severity=_DOUBTFUL[problem.kind],
                )
