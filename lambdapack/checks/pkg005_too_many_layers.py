"""More layers than a function may have.

What it finds
    More than five layers given with `--layer`.

Why it fails on Lambda
    The function cannot be created: "Cannot reference more than 5 layers."

How to fix it
    Merge layers, or pack their content into the function. The size limit of 250 MB counts both alike, so nothing is
    gained by splitting.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("PKG005", "has more layers than Lambda takes")
def too_many_layers(subject: Subject) -> Iterator[Hit]:
    layers, limit = subject.layout.layers, subject.profile.quotas.layers
    if subject.kind == "function" and layers > limit:
        yield Hit(
            path=None,
            message=f"{layers} layers are given; Lambda takes {limit}: 'Cannot reference more than {limit} layers.'",
            fix="merge layers, or pack their content into the function",
            evidence={"layers": layers, "limit": limit},
        )
