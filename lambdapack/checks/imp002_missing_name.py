"""A name is imported from a module that does not have it.

What it finds
    `from module import name` where the module's source binds no such name: not by assignment, definition, import, star
    import or `__getattr__`, and no submodule has it. Modules whose names come into being in other ways are left alone.
    Of the standard library's modules, the names that the runtime's Python does not have: `from datetime import UTC`
    before 3.11, `from collections import Mapping` since 3.10; also as attributes that are used at import
    (`class Names(collections.Mapping)`, `@asyncio.coroutine`, `pkgutil.ImpImporter`), and names of the artifact's
    modules that code uses while it is imported (`TABLE = config.TABLE`).

Why it fails on Lambda
    "cannot import name 'get_rds_client' from 'shared.aws_clients' (/var/task/shared/aws_clients.py)", "cannot import
    name 'UTC' from 'datetime' (/var/lang/lib/python3.10/datetime.py)", "AttributeError: module 'collections' has no
    attribute 'Mapping'".

How to fix it
    In code of your own: import what is there; the message names something similar if there is any. When the name
    exists in your checkout, an older copy was packed: build again, and look whether a layer brings one (`--layer`).

    Between two distributions: one is too old or too new for the other. Install both in one step, from one lock, so
    that the resolver sees their requirements; `uv pip install --target package NAME` into a folder that has other
    versions already looks at nothing else there. A file of your own that is named like the distribution
    (`requests.py`) hides it, too.

    A name of the standard library: use what all your runtimes have (`timezone.utc` for `UTC`), guard the import with
    `sys.version_info`, or move the function to a runtime that has it; the message says since when.

When to ignore it
    As a warning: the import stands in a function and may never be called.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from lambdapack.checking import Explained, Failure, Hit, Severity, Subject, check

_WHERE = {
    "certain": "",
    "invocation": "when the handler is called, ",
    "possible": "in code that may not run, ",
    "deferred": "in a function, ",
}


@check("IMP002", "imports a name that is missing", needs=("handler",), severities=("error", "warning"))
def missing_name(subject: Subject) -> Iterator[Hit]:
    said = set()
    for item in subject.explained("absent", "left-standard-library", "not-yet-standard-library"):
        failure = item.failure
        if (
            failure.kind not in ("missing-name", "missing-attribute")
            or item.caught
            or (failure.path, failure.module, failure.name) in said
        ):
            continue
        said.add((failure.path, failure.module, failure.name))
        file, hint = _what_is_there(item, subject)
        where = _WHERE[failure.certainty]
        yield Hit(
            path=failure.path,
            message=f"line {failure.line}: {where}{_asked(failure)}, "
            + (_history(item, subject) or f"but {file} has no such name{hint}"),
            fix=_fix(item, subject, hint),
            evidence={
                "module": failure.module,
                "name": failure.name,
                "line": failure.line,
                "found": file,
                "reason": item.absence.kind,
                "when": failure.certainty,
            },
            severity=Severity.ERROR if item.fatal else Severity.WARNING,
            chain=(*failure.chain, f"{failure.module}.{failure.name}"),
        )


def _asked(failure: Failure) -> str:
    if failure.kind == "missing-attribute":
        return f"uses {failure.module}.{failure.name}"
    return f"imports {failure.name} from {failure.module}"


def _history(item: Explained, subject: Subject) -> str:
    """Says since or until when a name of the standard library is there."""
    runtime, version = subject.profile.runtime, item.absence.detail
    match item.absence.kind:
        case "not-yet-standard-library":
            return f"which has it since Python {version}; the function runs on {runtime}"
        case "left-standard-library":
            return f"which lost it in Python {version}; the function runs on {runtime}"
    return ""


def _what_is_there(item: Explained, subject: Subject) -> tuple[str, str]:
    """Returns the module's file and where the name, or one like it, is."""
    name = item.failure.name or ""
    execution = subject.imports.executions.get(item.failure.module) if subject.imports else None
    if execution is None or execution.program is None:
        return item.failure.module, ""
    file = execution.module.path or item.failure.module
    holders = sorted(owner for owner, members in execution.program.members.items() if name in members)
    if holders:
        return file, f"; it has {holders[0]}.{name}"
    near = difflib.get_close_matches(name, sorted(execution.names), 1, 0.75)
    return file, f"; it has {near[0]}" if near else ""


def _fix(item: Explained, subject: Subject, hint: str) -> str:
    failure, version, runtime = item.failure, item.absence.detail, subject.profile.runtime
    if _history(item, subject):
        dist = subject.distribution_of(failure.path or "")
        newer = f", or move the function to python{version}" if item.absence.kind == "not-yet-standard-library" else ""
        if dist is not None:
            return f"install a version of {dist.name} that supports {runtime}{newer}"
        return f"use what {runtime} has instead of {failure.module}.{failure.name}{newer}"
    execution = subject.imports.executions.get(failure.module) if subject.imports else None
    target = execution.module.path if execution else None
    importer, provider = subject.distribution_of(failure.path or ""), subject.distribution_of(target or "")
    if importer and provider and importer != provider:
        pair = f"{importer.name} {importer.version} does not fit {provider.name} {provider.version}"
        return f"{pair}: install versions that belong together"
    if "." in hint.removeprefix("; it has "):
        owner = hint.removeprefix("; it has ").partition(".")[0]
        return f"import {owner} and call {owner}.{failure.name}, or define {failure.name} in {failure.module}"
    return f"define {failure.name} in {failure.module}, or import a name that is there"
