"""A module of the artifact hides a module of the standard library from all code.

What it finds
    Top-level modules and packages with the name of a standard module, in the function or a layer: `calendar.py`,
    `random.py`, old backports like `enum34`, `typing` or `asyncio`. An error when a standard module that the handler's
    import reaches needs something that this one does not have. Names that the runtime has already imported before the
    handler (`json`, `logging`) are hidden themselves and are not told here.

Why it fails on Lambda
    `/var/task` and `/opt/python` stand before the standard library on `sys.path`, so that every `import calendar` gets
    this file, also inside the standard library: "cannot import name 'timegm' from 'calendar' (/var/task/calendar.py)".

How to fix it
    Rename the module; remove a backport that the runtime's Python does not need.

When to ignore it
    As a warning: when the module is a true replacement of the standard one, or nothing else imports it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Failure, Hit, Severity, Subject, check


@check("SHD001", "hides a module of the standard library", severities=("error", "warning"))
def hides_standard_library(subject: Subject) -> Iterator[Hit]:
    failures = subject.imports.standard_failures if subject.imports else ()
    for module in subject.modules_over_standard_library:
        dist = subject.distribution_of(module.path or "")
        broken = next((item for item in failures if item.module.partition(".")[0] == module.name), None)
        yield Hit(
            path=module.path,
            message=f"stands before the standard library's {module.name} on sys.path, "
            + (f"and {_lack(broken)}" if broken else "so all code imports this one"),
            fix=f"remove {dist.name} {dist.version}, if {subject.profile.runtime} does not need it"
            if dist
            else "rename the module",
            evidence={
                "module": module.name,
                "distribution": dist.name if dist else None,
                "needed_by": broken.importer if broken else None,
            },
            severity=Severity.ERROR if broken else Severity.WARNING,
            chain=(*broken.chain, broken.module) if broken else (),
        )


def _lack(failure: Failure) -> str:
    """Says what a standard module does not get."""
    match failure.kind:
        case "missing-name":
            return f"{failure.importer} of the standard library takes {failure.name} from it, which it does not have"
        case "missing-module":
            return f"{failure.importer} of the standard library imports {failure.module}, which is not in it"
    return f"{failure.importer} of the standard library uses a name of it that it does not have"
