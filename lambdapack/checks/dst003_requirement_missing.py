"""A distribution requires another one that is neither in the artifact nor in the runtime.

What it finds
    `Requires-Dist` entries of installed distributions, with their markers evaluated for the runtime, that nothing
    satisfies: no distribution of that name in the function, its layers or the runtime, and no module of that name
    either. A requirement under an extra counts only when another installed distribution asks for the extra.

Why it fails on Lambda
    "No module named 'charset_normalizer'", as soon as the code that needs it is imported. Where the handler's own
    import shows this, IMP001 says so as an error, and this warning is left out. Otherwise the requirement may only be
    needed by a part that the function does not use, or by a call that comes later.

How to fix it
    Install with dependencies: pip and uv without `--no-deps`, from a lock that has them all. Look for an exclude
    pattern or a clean-up script that removes the distribution again.

When to ignore it
    When the distribution is left out on purpose and the function never uses what needs it; or when it comes from a
    layer that was not given to the inspection (`--layer`).
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST003", "requires a distribution that is not there", severities=("warning",))
def requirement_missing(subject: Subject) -> Iterator[Hit]:
    if subject.kind == "wheel":  # one by itself brings none of what it requires
        return
    proven = {
        (importer.name, importer.required_for(item.failure.module.partition(".")[0]))
        for item in subject.explained("absent")
        if item.fatal and (importer := subject.distribution_of(item.failure.path or "")) is not None
    }
    for unmet in subject.requirements.unmet():
        if (unmet.dist.name, unmet.requirement) in proven:
            continue
        runtime = subject.profile.runtime
        where = (
            f"the artifact does not have it, and reports differ on whether {runtime} does"
            if unmet.perhaps
            else f"neither the artifact nor {runtime} has it"
        )
        yield Hit(
            path=f"{unmet.dist.folder}/METADATA",
            message=f"{unmet.dist.name} {unmet.dist.version} requires {unmet.requirement}; {where}",
            fix=f"install {unmet.requirement} as well, and do not install with --no-deps",
            evidence={
                "distribution": unmet.dist.name,
                "version": unmet.dist.version,
                "requirement": unmet.requirement,
                "missing": unmet.name,
            },
            severity=Severity.WARNING,
        )
