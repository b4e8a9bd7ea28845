"""Two layers have the same file with different content, or a file where the other has a folder.

What it finds
    Paths that more than one of the given layers has (`--layer`, in order), when the content differs. One finding for
    each pair of layers and top-level folder.

Why it fails on Lambda
    All layers are unpacked into one folder, `/opt`, in the order in which they are attached, so a later layer
    overwrites files of an earlier one. Two layers that both bring numpy leave a mixture of two versions: modules of one
    import names that the other does not have. A file in the place of a folder is refused: "Lambda layer conversion
    failed".

How to fix it
    Build both from one lock into one layer, or take the package out of one of them.

When to ignore it
    When the later layer is meant to replace these files, and both are always attached in this order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambdapack.checking import Hit, Severity, Subject, check

_SCRIPTS = "/opt/python/bin/"
_INSTALLERS_OWN = (".dist-info/", "/__pycache__/")  # differ between two installations of the same wheel


@check("SHD005", "is overwritten by another layer", severities=("error", "warning"))
def overwritten_by_a_layer(subject: Subject) -> Iterator[Hit]:
    groups: dict[tuple[str, str, str, str], list[Any]] = {}
    for item in subject.layout.overlaid:
        if not item.path.startswith(_SCRIPTS) and not any(part in item.path for part in _INSTALLERS_OWN):
            groups.setdefault((item.lower, item.upper, item.kind, _package(item.path)), []).append(item)
    for (lower, upper, kind, package), items in groups.items():
        path = items[0].path
        more = f", and {len(items) - 1} more below {package}" if len(items) > 1 else ""
        yield Hit(
            path=path,
            message=f"is a file in one of the layers {lower} and {upper} and a folder in the other"
            if kind == "folder"
            else f"layer {upper} overwrites what layer {lower} has here{more}",
            fix="build both layers from one lock, or take this out of one of them",
            evidence={"layer": lower, "other": upper, "kind": kind, "files": [item.path for item in items[:20]]},
            severity=Severity.ERROR if kind == "folder" else Severity.WARNING,
        )


def _package(path: str) -> str:
    """The folder below `python/` or its `site-packages` that a path is in, or else the path."""
    for root in ("/site-packages/", "/opt/python/", "/opt/"):
        if root in path:
            before, _, rest = path.partition(root)
            return f"{before}{root}{rest.partition('/')[0]}"
    return path
