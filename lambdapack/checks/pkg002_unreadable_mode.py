"""A file's mode does not let Lambda's user read it.

What it finds
    Files without the read permission for others (like 0600), as archives made with Python's `zipfile.writestr` or
    under a strict umask have them.

Why it fails on Lambda
    The function runs as an unprivileged user, the files belong to root: importing one ends in
    "[Errno 13] Permission denied: '/var/task/handler.py'", or in "No module named ..." for code in an unreadable place.

How to fix it
    `chmod 644` files (755 for executables) before they are packed.

When to ignore it
    For files that the function never reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_OTHERS_READ = 0o004


@check("PKG002", "cannot be read by Lambda's user")
def unreadable_mode(subject: Subject) -> Iterator[Hit]:
    reached = {execution.module.path for execution in subject.imports.executions.values()} if subject.imports else set()
    reached |= set(subject.imports.required_natives if subject.imports else ())
    for located in subject.stack.files():
        if located.entry.permissions & _OTHERS_READ:
            continue
        imported = located.path in reached
        if not imported and not subject.is_own(located.path):
            continue  # of an image's operating system, many files are root's alone
        mode = f"{located.entry.permissions:04o}"
        yield Hit(
            path=located.path,
            message=f"has mode {mode}; Lambda's user is not its owner and needs read permission (0644)"
            + (", and the handler's import reads it" if imported else ""),
            fix=f"chmod 644 {located.entry.path} before packing",
            evidence={"mode": mode, "wanted": "0644", "imported": imported},
            severity=Severity.ERROR if imported else Severity.WARNING,
        )
