"""A file's or folder's mode does not let Lambda's user read it.

What it finds
    Files without the read permission for others (like 0600), as archives made with Python's `zipfile.writestr` or
    under a strict umask have them. Folders that others may not enter or list: in images, and in ZIPs as far as AWS does
    not say that it mends them (it gives folders without read permission 0755). Folders are told once for each mode.

Why it fails on Lambda
    The function runs as an unprivileged user, the files belong to root: importing one ends in
    "[Errno 13] Permission denied: '/var/task/handler.py'", or in "No module named ..." for code in an unreadable place:
    Python takes a folder that it cannot list for an empty one.

How to fix it
    `chmod -R u+rwX,go+rX FOLDER` before it is packed: 644 for files, 755 for folders and executables. In a Dockerfile:
    `COPY --chmod=755` or `RUN chmod -R go+rX ${LAMBDA_TASK_ROOT}`.

When to ignore it
    For files that the function never reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_OTHERS_READ, _OTHERS_ENTER = 0o004, 0o001
_FIX = "chmod -R u+rwX,go+rX FOLDER before packing: 644 for files, 755 for folders"


@check("PKG002", "cannot be read by Lambda's user", severities=("error", "warning", "info"))
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
            fix=_FIX,
            evidence={"mode": mode, "wanted": "0644", "imported": imported},
            severity=Severity.ERROR if imported else Severity.WARNING,
        )
    yield from _folders(subject, {path for path in reached if path})


def _folders(subject: Subject, reached: set[str]) -> Iterator[Hit]:
    groups: dict[tuple[str, bool, bool], list[str]] = {}
    for path, located in sorted(subject.stack.located.items()):
        permissions = located.entry.permissions
        if not located.entry.is_directory or (permissions & _OTHERS_READ and permissions & _OTHERS_ENTER):
            continue
        imported = any(file.startswith(f"{path}/") for file in reached)
        if imported or subject.is_own(f"{path}/"):
            mended = subject.managed and not permissions & _OTHERS_READ
            groups.setdefault((f"{permissions:04o}", imported and not subject.managed, mended), []).append(path)
    for (mode, fails, mended), paths in groups.items():
        more = f", as {len(paths) - 1} more folders do" if len(paths) > 1 else ""
        yield Hit(
            path=paths[0],
            message=f"is a folder with mode {mode}{more}; Lambda's user has to list and enter it (0755)"
            + ("; AWS says that it mends folders in ZIPs which cannot be read" if mended else ""),
            fix=_FIX,
            evidence={"mode": mode, "wanted": "0755", "folders": paths[:20]},
            severity=Severity.ERROR if fails else Severity.INFO if mended else Severity.WARNING,
        )
