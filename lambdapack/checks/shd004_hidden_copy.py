"""A module is there twice, and the copy that is never imported has other content.

What it finds
    Top-level modules and packages that function and layers (or two folders of a layer) both have: the first one on
    `sys.path` hides the other. A warning when the two differ, an info when they are the same. Two versions of one
    distribution are DST008.

Why it fails on Lambda
    The order is `/var/task`, `/opt/python/lib/python3.x/site-packages`, `/opt/python`. Who edits the copy in the layer
    and deploys it sees no change, because the function's own copy is imported; with an old copy it looks like "cannot
    import name 'new_function' from 'shared' (/var/task/shared/__init__.py)".

How to fix it
    Keep the module in one of the two places.

When to ignore it
    When the function overrides the layer's module on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("SHD004", "is hidden by another copy", severities=("warning", "info"))
def hidden_copy(subject: Subject) -> Iterator[Hit]:
    for item in subject.layout.shadowed:
        if item.lost or subject.installation.is_duplicate(item.winner, item.files):
            continue
        count = len(item.differing)
        what = (
            f"{count} of {count + item.same} modules differ, first {item.differing[0]}"
            if count
            else f"the same {item.same} {'module' if item.same == 1 else 'modules'}, unused"
        )
        yield Hit(
            path=item.hidden,
            message=f"import {item.name} takes {item.winner}, which is found first; {what}",
            fix=f"keep {item.name} in one of the two places",
            evidence={"module": item.name, "winner": item.winner, "differing": count, "same": item.same},
            severity=Severity.WARNING if count else Severity.INFO,
        )
