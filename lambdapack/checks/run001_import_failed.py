"""The handler was really imported, and the import failed.

What it finds
    An import test that ended in an error, in the words that CloudWatch would show, with the traceback that the runtime
    client hides. Where it ran, and what that proves, is part of the finding. With `--all-modules`, also a module of
    your own that cannot be imported by itself: a warning, since the handler may never import it.

Why it fails on Lambda
    It failed here in the same way.

How to fix it
    Follow the other findings of the report first: they look at the same artifact and mostly name the cause. Else read
    the traceback from its end: the last line says what failed, the line above it names the file. "cannot open shared
    object file", "version `GLIBC_2.28' not found" and "undefined symbol" are the loader's words about native code
    (ELF002, ELF004, ELF009), "No module named" and "cannot import name" are Python's (IMP001, IMP002). A `KeyError` or
    "Unable to locate credentials" wants the function's environment: `--env TABLE=test`.

    "Network is unreachable", "Temporary failure in name resolution" and "Could not connect to the endpoint URL" are a
    warning: an import test has no network, a function on Lambda has one, unless it is in a VPC without a way out.
    Better is to call the network in the handler, at its first event: at import it makes every cold start slower, and
    when the other side does not answer, the function does not start.

When to ignore it
    When the import needs something that only the real function has: an environment variable, which `--env` gives it, or
    the network, which no import test gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_FILE = re.compile(r'File "(/(?:var/task|opt)/[^"]+)"')


@check("RUN001", "failed the import test", needs=("attempt",), severities=("error", "warning"))
def import_failed(subject: Subject) -> Iterator[Hit]:
    for attempt in subject.attempts:
        where = {"backend": attempt.backend}
        if attempt.status == "failed":
            files = _FILE.findall(attempt.traceback or "")
            loader, more, missing = attempt.loader, "", {}
            if loader is not None:
                named = (("soname", loader.soname), ("version", loader.version), ("symbol", loader.symbol))
                missing = {key: value for key, value in (*named, ("file", loader.file)) if value is not None}
                if loader.required_by is not None and loader.required_by not in (attempt.error_message or ""):
                    more = f" (needed by {loader.required_by}, looked for in {len(loader.tried)} places)"
            said = f"{attempt.error_type}: {attempt.error_message}{more}"
            asks = "the import wants the network, which the test does not give: " if attempt.wants_network else ""
            yield Hit(
                path=files[-1] if files else None,
                message=f"{asks}{said}",
                fix=_fix(files, asks=bool(asks)),
                severity=Severity.WARNING if asks else Severity.ERROR,
                evidence={
                    "error_type": attempt.error_type,
                    "error_message": attempt.error_message,
                    "traceback": attempt.traceback,
                    "proof": attempt.proof,
                    **({"wants": "network"} if asks else {}),
                    **where,
                    **missing,
                },
            )
        for module in attempt.modules:
            if module.status != "failed" or (attempt.status == "failed" and attempt.handler.startswith(module.name)):
                continue
            files = _FILE.findall(module.traceback or "")
            yield Hit(
                path=files[0] if files else None,
                message=f"{module.name} cannot be imported: {module.error_type}: {module.error_message}",
                fix="mend it, or leave the module out of the artifact",
                evidence={
                    "module": module.name,
                    "error_type": module.error_type,
                    "error_message": module.error_message,
                    "traceback": module.traceback,
                    **where,
                },
                severity=Severity.WARNING,  # nothing says that the handler ever imports it
            )


def _fix(files: list[str], *, asks: bool) -> str:
    if asks:
        return "call the network in the handler and not while it is imported, or ignore this where Lambda reaches it"
    if len(files) < 2:
        return "mend what the other findings name"
    return f"mend what the other findings name, or begin where the traceback ends: {files[-1]}"
