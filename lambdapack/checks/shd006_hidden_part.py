"""A package hides modules that only another part of it has.

What it finds
    Packages that are spread over several places (function, layer, folders of a layer), where one place has an
    `__init__.py`: Python takes the package from there alone, and the modules that stand elsewhere cannot be imported.
    Packages that look for their parts themselves (`pkgutil.extend_path`, `pkg_resources.declare_namespace`) are merged
    and not told.

Why it fails on Lambda
    "No module named 'google.cloud'", although the layer has `python/google/cloud`: the function has a
    `google/__init__.py`, and so `google` is found there and nowhere else. Without any `__init__.py`, `google` would be
    a namespace package and its parts would be merged.

How to fix it
    Install everything that belongs to the package into one place; or remove `__init__.py` from every part, if all of
    them leave it empty.

When to ignore it
    When nothing imports the hidden modules. Where the handler's import does, IMP001 says so as an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_SHOWN = 3


@check("SHD006", "is hidden by another part of its package", severities=("warning",))
def hidden_part(subject: Subject) -> Iterator[Hit]:
    proven = {item.failure.module.partition(".")[0] for item in subject.explained("hidden") if item.fatal}
    for item in subject.layout.shadowed:
        if not item.lost or item.name in proven or subject.installation.is_duplicate(item.winner, item.files):
            continue
        names = [path.removeprefix(f"{item.hidden}/") for path in item.lost[:_SHOWN]]
        more = f" and {len(item.lost) - _SHOWN} more" if len(item.lost) > _SHOWN else ""
        yield Hit(
            path=item.hidden,
            message=f"import {item.name} takes {item.winner}, which is found first; "
            f"what only this place has cannot be imported: {', '.join(names)}{more}",
            fix=f"put all of {item.name} into one place",
            evidence={"module": item.name, "winner": item.winner, "lost": list(item.lost[:20])},
            severity=Severity.WARNING,
        )
