"""The handler was really imported, and the import failed.

What it finds
    An import test that ended in an error, in the words that CloudWatch would show, with the traceback that the runtime
    client hides. Where it ran, and what that proves, is part of the finding.

Why it fails on Lambda
    It failed here in the same way.

How to fix it
    Follow the other findings of the report first: they look at the same artifact and mostly name the cause. Else read
    the traceback from its end: the last line says what failed, the line above it names the file. "cannot open shared
    object file", "version `GLIBC_2.28' not found" and "undefined symbol" are the loader's words about native code
    (ELF002, ELF004, ELF009), "No module named" and "cannot import name" are Python's (IMP001, IMP002). A `KeyError` or
    "Unable to locate credentials" wants the function's environment: `--env TABLE=test`. A timeout is mostly a network
    call at import, which Lambda would pay for at every cold start.

When to ignore it
    When the import needs something that only the real function has, like an environment variable: give it to the test
    with `--env`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_FILE = re.compile(r'File "(/(?:var/task|opt)/[^"]+)"')


@check("RUN001", "failed the import test", needs=("attempt",))
def import_failed(subject: Subject) -> Iterator[Hit]:
    for attempt in subject.attempts:
        if attempt.status != "failed":
            continue
        files = _FILE.findall(attempt.traceback or "")
        yield Hit(
            path=files[-1] if files else None,
            message=f"{attempt.error_type}: {attempt.error_message}",
            fix="mend what the other findings name"
            if len(files) < 2
            else f"mend what the other findings name, or begin where the traceback ends: {files[-1]}",
            evidence={
                "error_type": attempt.error_type,
                "error_message": attempt.error_message,
                "traceback": attempt.traceback,
                "backend": attempt.backend,
                "proof": attempt.proof,
            },
        )
