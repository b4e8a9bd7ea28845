"""Two distributions write the same modules, each with its own content.

What it finds
    Modules outside of tests that the `RECORD` of two distributions lists with different hashes: `opencv-python` and
    `opencv-python-headless`, `psycopg2` and `psycopg2-binary`, `jwt` and `PyJWT`. One finding for each pair.

Why it fails on Lambda
    The one that was installed last has overwritten the other, and files that only one of them has stay: a mixture of
    both. "cannot import name 'encode' from 'jwt'" is what it looks like; which of the two wins can change with every
    installation.

How to fix it
    Keep one of the two: remove the other from the requirements, or constrain who asks for it.

When to ignore it
    When both bring the same code under two names and only version strings differ.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST009", "is written by two distributions", severities=("warning",))
def overwritten_by_another(subject: Subject) -> Iterator[Hit]:
    for item in subject.installation.overwritten:
        more = f" and {len(item.paths) - 1} more files" if len(item.paths) > 1 else ""
        whose = f"; what is there is {item.winner.name}'s" if item.winner else ""
        yield Hit(
            path=item.paths[0],
            message=f"{item.first.name} {item.first.version} and {item.other.name} {item.other.version} both bring "
            f"this file{more}, with different content{whose}",
            fix=f"keep one of {item.first.name} and {item.other.name}",
            evidence={
                "distribution": item.first.name,
                "other": item.other.name,
                "winner": item.winner.name if item.winner else None,
                "files": list(item.paths[:20]),
                "shared": len(item.paths),
            },
            severity=Severity.WARNING,
        )
