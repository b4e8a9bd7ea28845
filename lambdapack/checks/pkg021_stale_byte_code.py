"""Byte code that does not belong to the source beside it: Python compiles those modules at every cold start.

What it finds
    `__pycache__` files of the right Python whose header names another size or another time of the source than the
    archive does. Archives that get one fixed time for all members, for the sake of equal bytes, do that to every file.
    Byte code with a hash of its source in it (PEP 552) is never concerned.

Why it fails on Lambda
    It does not: this is an info. Python does not use such a file, compiles the source again, and cannot keep the
    result: /var/task is read-only. That costs time at each cold start, and the files cost space for nothing.

How to fix it
    Compile with `python -m compileall --invalidation-mode unchecked-hash FOLDER`, with the runtime's own Python
    version, as the last step before the archive is made. Or leave byte code out.

When to ignore it
    When cold starts do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_EXAMPLES = 3


@check("PKG021", "has byte code that does not fit its source", severities=("info",))
def stale_byte_code(subject: Subject) -> Iterator[Hit]:
    stale = [item for item in subject.python.byte_code if item.state == "stale"]
    if not stale:
        return
    fresh = sum(1 for item in subject.python.byte_code if item.state == "fresh")
    python = ".".join(map(str, subject.profile.python))
    yield Hit(
        path=stale[0].path,
        message=f"{len(stale)} of {len(stale) + fresh} compiled files for Python {python} were made from another state "
        "of their source, by time or size: Python compiles these modules again at every cold start",
        fix=f"compile last, with python{python} -m compileall --invalidation-mode unchecked-hash FOLDER, or leave byte "
        "code out",
        evidence={
            "files": len(stale),
            "fresh": fresh,
            "bytes": sum(item.size for item in stale),
            "examples": [item.path for item in stale[:_EXAMPLES]],
        },
        severity=Severity.INFO,
    )
