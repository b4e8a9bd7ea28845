"""The artifact has distributions that the runtime brings, or that only install others.

What it finds
    `boto3`, `botocore` and whatever else the runtime certainly has, and `pip`, `setuptools` and `wheel`, unless the
    handler's import reads them: one finding with their sizes, from 1 MB on.

Why it fails on Lambda
    It does not: this is an info. To bring the SDK has a good side: AWS recommends it, because the runtime's one is
    updated without notice. It costs about 25 MB of the 250 MB and some of the time of a cold start.

How to fix it
    Leave out `pip`, `setuptools` and `wheel`. Leave out the SDK if any version of it will do: take `boto3` out of the
    requirements, or exclude its folders and those of `botocore` together.

When to ignore it
    When the function is to keep its own version of the SDK.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_LEAST = 1024 * 1024
_INSTALLERS = frozenset(("pip", "setuptools", "wheel"))


@check("PKG009", "is there without need", severities=("info",))
def brought_by_the_runtime(subject: Subject) -> Iterator[Hit]:
    if not subject.managed:
        return
    certain = {item.name for item in subject.profile.preinstalled if item.certain}
    read = set(subject.imports.executions) if subject.imports else set()
    found = {}
    for dist in subject.distributions:
        if dist.name in certain or (dist.name in _INSTALLERS and dist.name not in read):
            found[dist] = subject.installation.size(dist)
    total = sum(found.values())
    if total < _LEAST:
        return
    by_size = sorted(found, key=lambda dist: (-found[dist], dist.name))
    names = ", ".join(f"{dist.name} {dist.version} ({found[dist]:,})" for dist in by_size)
    yield Hit(
        path=by_size[0].folder,
        message=f"{total:,} bytes that {subject.profile.runtime} brings itself, or that nothing runs: {names}",
        fix="leave them out, if the function does not need these very versions",
        evidence={"bytes": total, "distributions": {dist.name: found[dist] for dist in by_size}},
        severity=Severity.INFO,
    )
