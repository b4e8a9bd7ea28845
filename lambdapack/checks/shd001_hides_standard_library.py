"""A module of the artifact hides a module of the standard library from all code.

What it finds
    Top-level modules and packages with the name of a standard module, in the function or a layer: `calendar.py`,
    `random.py`, old backports like `enum34`, `typing` or `asyncio`. Names that the runtime has already imported before
    the handler (`json`, `logging`) are hidden themselves and are not told here.

Why it fails on Lambda
    `/var/task` and `/opt/python` stand before the standard library on `sys.path`, so that every `import calendar` gets
    this file, also inside the standard library: "cannot import name 'timegm' from 'calendar' (/var/task/calendar.py)".

How to fix it
    Rename the module; remove a backport that the runtime's Python does not need.

When to ignore it
    When the module is a true replacement of the standard one, or nothing else imports it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("SHD001", "hides a module of the standard library", severities=("warning",))
def hides_standard_library(subject: Subject) -> Iterator[Hit]:
    for module in subject.modules_over_standard_library:
        dist = subject.distribution_of(module.path or "")
        yield Hit(
            path=module.path,
            message=f"stands before the standard library's {module.name} on sys.path, so all code imports this one",
            fix=f"remove {dist.name} {dist.version}, if {subject.profile.runtime} does not need it"
            if dist
            else "rename the module",
            evidence={"module": module.name, "distribution": dist.name if dist else None},
            severity=Severity.WARNING,
        )
