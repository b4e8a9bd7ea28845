"""Modules that a distribution installed are not in the artifact any more.

What it finds
    Distributions whose `RECORD` lists modules (`.py`, `.so`) that are not there, besides their tests and documentation:
    the trace of an exclude pattern or a clean-up script. One finding for each distribution.

Why it fails on Lambda
    It need not: what nobody imports may go. An import that does need a removed file is told as an error by DST001; this
    finding shows what else was taken out. Without a handler nobody knows what is imported, so extension modules that
    are gone are a warning then: packages rarely work without them.

How to fix it
    If it was not meant: take the pattern out of the exclude list, or make it narrower.

When to ignore it
    When the files were taken out on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_SHOWN = 3


@check("DST004", "lost modules that were installed", severities=("warning", "info"))
def recorded_module_gone(subject: Subject) -> Iterator[Hit]:
    told = {item.absence.path for item in subject.explained("removed")}
    for item in subject.installation.gone():
        if not item.left or told.issuperset(item.paths):
            continue  # all of it: DST005; told by DST001
        native = [path for path in item.paths if path.endswith(".so")]
        unjudged = native and subject.imports is None
        shown = [path.removeprefix(f"{item.dist.root}/") for path in (*native, *item.paths)]
        names = ", ".join(list(dict.fromkeys(shown))[:_SHOWN])
        yield Hit(
            path=f"{item.dist.folder}/RECORD",
            message=f"{item.dist.name} {item.dist.version} installed {len(item.paths) + item.left} modules, "
            f"{len(item.paths)} of them are not there: {names}{', ...' if len(item.paths) > _SHOWN else ''}",
            fix="find the exclude pattern or clean-up that removes them, if the function needs them",
            evidence={
                "distribution": item.dist.name,
                "version": item.dist.version,
                "missing": len(item.paths),
                "left": item.left,
                "files": list(item.paths[:20]),
            },
            severity=Severity.WARNING if unjudged else Severity.INFO,
        )
