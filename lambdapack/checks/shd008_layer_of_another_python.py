"""A layer has its packages in the folder of another Python version.

What it finds
    `python/lib/python3.9/site-packages` in a layer that is used with another runtime and has no folder for it. Where
    the handler's import needs what is there, IMP001 says so as an error, and nothing is told here.

Why it fails on Lambda
    The version is part of the path: python3.12 looks into `/opt/python/lib/python3.12/site-packages` and into
    `/opt/python`, so everything in the other folder might as well not be there: "No module named 'requests'". That is
    what happens when a function is moved to a new runtime and keeps its layers.

How to fix it
    Build the layer again for the function's runtime; or put packages without native code into `python/`, where every
    version finds them.

When to ignore it
    When the function's configuration sets `PYTHONPATH` to that folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_SHOWN = 4


@check("SHD008", "is for another Python version", severities=("warning",))
def layer_of_another_python(subject: Subject) -> Iterator[Hit]:
    told = [item.absence.path or "" for item in subject.explained("elsewhere") if item.fatal]
    for item in subject.layout.misplaced:
        if item.reason != "other-python" or any(path.startswith(f"{item.folder}/") for path in told):
            continue  # SHD007, or told by IMP001
        names = ", ".join(item.names[:_SHOWN]) + (", ..." if len(item.names) > _SHOWN else "")
        runtime = subject.profile.runtime
        yield Hit(
            path=item.folder,
            message=f"only python{item.detail} looks here; the function runs on {runtime}. In vain are: {names}",
            fix=f"build the layer again for {runtime}",
            evidence={
                "version": item.detail,
                "wanted": ".".join(map(str, subject.profile.python)),
                "origin": item.origin,
                "modules": list(item.names[:20]),
            },
            severity=Severity.WARNING,
        )
