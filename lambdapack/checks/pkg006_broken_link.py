"""A symbolic link leads nowhere on Lambda, or is no link any more.

What it finds
    Links to something that is not in the artifact, links in a circle, links to a place of the machine that packed them
    (`/home/me/project/shared`), and plain `.py` files that hold nothing but the path of another file: what becomes of a
    link when git checks it out on Windows, or when an archive is made without its links. Links to `/tmp`, `/mnt` (EFS)
    and into the operating system are not judged.

Why it fails on Lambda
    Lambda keeps symbolic links as they are. What the link should lead to is not there: "No module named 'shared'",
    "cannot open shared object file: No such file or directory". A path instead of a module is a SyntaxError, or
    "NameError: name 'shared' is not defined".

How to fix it
    Pack what the link leads to (`zip -r` follows links, `zip -ry` keeps them), or pack the target as well and link to
    it with a relative path.

When to ignore it
    When a layer that was not given to the inspection has the target.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_REASONS = {
    "dangling": "links to {}, which is not in the artifact",
    "loop": "links to {}, which leads back to itself",
    "outside": "links to {}, a place of the machine that packed it",
    "text": "holds nothing but the path {}: it was a symbolic link once",
}


@check("PKG006", "is a link that leads nowhere", severities=("error", "warning"))
def broken_link(subject: Subject) -> Iterator[Hit]:
    executed = {item.module.path for item in subject.imports.executions.values()} if subject.imports else set()
    for item in subject.layout.broken_links():
        # A path that begins with a dot is no Python: the syntax check tells of it as an error.
        fails = item.kind == "text" and item.path in executed and not item.target.startswith(".")
        yield Hit(
            path=item.path,
            message=_REASONS[item.kind].format(item.target),
            fix="pack the file that it stands for"
            if item.kind == "text"
            else "pack what it leads to instead of the link",
            evidence={"target": item.target, "kind": item.kind},
            severity=Severity.ERROR if fails else Severity.WARNING,
        )
