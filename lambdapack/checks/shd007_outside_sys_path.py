"""Code stands in a folder that no import looks into.

What it finds
    A layer whose modules are at its root, or below a wrapper folder, and not below `python/`; a function that has its
    packages in `python/`, `site-packages/` or `lib/python3.x/site-packages/`, as a layer or a virtual environment has
    them. Folders that a package brings for itself (`setuptools/_vendor`) and hidden ones are not told.
    Where the handler's import needs what is there, IMP001 says so as an error, and nothing is told here.

Why it fails on Lambda
    A layer is unpacked to `/opt`, and of that only `/opt/python` and `/opt/python/lib/python3.x/site-packages` are on
    `sys.path`; of a function only its root is. The function cannot start: "Unable to import module 'app': No module
    named 'requests'", although the package is there.

How to fix it
    Layer: `mkdir python && pip install --target python -r requirements.txt && zip -r layer.zip python`. Function: move
    the packages to the root of the ZIP: `cd package && zip -r ../function.zip .`

When to ignore it
    When the function's configuration sets `PYTHONPATH`, or its code extends `sys.path`, to lead there. It is only an
    info for a function whose import does extend `sys.path`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_SHOWN = 4


@check("SHD007", "stands outside of sys.path", severities=("warning", "info"))
def outside_sys_path(subject: Subject) -> Iterator[Hit]:
    told = [item.absence.path or "" for item in subject.explained("elsewhere") if item.fatal]
    extended = subject.imports is not None and subject.imports.changes_search_path
    for item in subject.layout.misplaced:
        if item.reason == "other-python" or any(path.startswith(f"{item.folder}/") for path in told):
            continue  # SHD008, or told by IMP001
        of_layer = item.reason != "function"
        names = ", ".join(item.names[:_SHOWN]) + (", ..." if len(item.names) > _SHOWN else "")
        looks = "/opt/python" if of_layer else subject.profile.python_path[0]
        yield Hit(
            path=item.folder,
            message=f"no import looks here; Python looks into {looks}. In vain are: {names}",
            fix="put the code below python/ in the layer's ZIP"
            if of_layer
            else "move the packages to the root of the function's ZIP",
            evidence={"reason": item.reason, "origin": item.origin, "modules": list(item.names[:20])},
            severity=Severity.INFO if extended and not of_layer else Severity.WARNING,
        )
