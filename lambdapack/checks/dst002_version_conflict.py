"""A distribution needs another version of a distribution than the artifact has.

What it finds
    `Requires-Dist` entries, with their markers evaluated for the runtime, that the installed version of the named
    distribution does not satisfy: the trace of two separate installations into one folder. Where the distribution is
    left to the runtime, a version that is newer than required counts; an older one does not, because AWS updates it.

Why it fails on Lambda
    It need not. Where it does, it shows as "cannot import name ..." or as an error of the distribution's own, like "The
    installed pydantic-core version (2.33.2) is incompatible with the current pydantic version".

How to fix it
    Install everything in one go, from one lock.

When to ignore it
    When the combination is known to work: a requirement is often stricter than the code.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST002", "needs another version of a distribution", severities=("warning",))
def version_conflict(subject: Subject) -> Iterator[Hit]:
    for conflict in subject.requirements.conflicts():
        yield Hit(
            path=f"{conflict.dist.folder}/METADATA",
            message=f"{conflict.dist.name} {conflict.dist.version} requires {conflict.requirement}; "
            f"the artifact has {conflict.found.name} {conflict.found.version}",
            fix="install both in one go, from one lock, so that their versions belong together",
            evidence={
                "distribution": conflict.dist.name,
                "requirement": conflict.requirement,
                "found": conflict.found.name,
                "version": conflict.found.version,
            },
            severity=Severity.WARNING,
        )
    for outgrown in subject.requirements.outgrown():
        dist, found = outgrown.dist, outgrown.found
        yield Hit(
            path=f"{dist.folder}/METADATA",
            message=f"{dist.name} {dist.version} requires {outgrown.requirement}; the artifact has none, and "
            f"{subject.profile.runtime} was last seen with {found.name} {found.version}",
            fix=f"pack {found.name} as well, from one lock with {dist.name}",
            evidence={
                "distribution": dist.name,
                "requirement": outgrown.requirement,
                "found": found.name,
                "version": found.version,
            },
            severity=Severity.WARNING,
        )
