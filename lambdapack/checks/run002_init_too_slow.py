"""Loading the handler took longer than Lambda, or you, allow.

What it finds
    An import test in which loading the handler took more than the 10 seconds of Lambda's init phase, or more than the
    seconds of `--max-init`. The finding names the modules that took most of it.

Why it fails on Lambda
    What runs at import runs in the init phase. When that is not over in time, Lambda ends the process, starts it again
    within the first invocation, and there the import counts against the function's own timeout. The log has
    `INIT_REPORT Init Duration: 9999.00 ms Phase: init Status: timeout`, every cold start takes twice as long, and may
    end in `Task timed out after 3.00 seconds`. It took that long on this machine; a function with little memory has a
    smaller share of a processor, and takes longer.

How to fix it
    Import what only some calls need inside the function that needs it. Move work out of the module's top level: models,
    connections, large files. `lambdapack test -v` shows the tree of imports with their times. `.pyc` files that fit the
    runtime spare it the compiling.

When to ignore it
    When the time is this machine's: loaded with other work, or emulating another processor. A warning for Lambda's own
    limit; an error for the one you set by `--max-init`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_NAMED = 3


@check("RUN002", "takes too long to load", needs=("attempt",), severities=("error", "warning"))
def init_too_slow(subject: Subject) -> Iterator[Hit]:
    for attempt in subject.attempts:
        limit = attempt.max_init if attempt.max_init is not None else subject.profile.quotas.init_seconds
        if attempt.status != "ok" or attempt.seconds is None or attempt.seconds <= limit:
            continue
        slowest = sorted(attempt.imports, key=lambda module: -module.own_seconds)[:_NAMED]
        named = ", ".join(f"{module.name} {module.own_seconds:.1f} s" for module in slowest)
        whose = "--max-init allows" if attempt.max_init is not None else "Lambda's init phase lasts"
        yield Hit(
            path=None,
            message=f"loading the handler took {attempt.seconds:.1f} s, and {whose} {limit:g} s"
            + (f"; most of it: {named}" if named else ""),
            fix="import what only some calls need where it is needed; lambdapack test -v shows where the time goes",
            evidence={
                "seconds": round(attempt.seconds, 3),
                "limit": limit,
                "modules": [module.name for module in slowest],
                "backend": attempt.backend,
            },
            severity=Severity.ERROR if attempt.max_init is not None else Severity.WARNING,
        )
