"""Artifacts as read-only trees: ZIP, wheel, folder, container image, stacks of them. Knows no rule of Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdapack.lazy import lazy_names

if TYPE_CHECKING:
    from lambdapack.artifact.image import ImageTree
    from lambdapack.artifact.manifest import ImageConfig
    from lambdapack.artifact.opening import open_tree
    from lambdapack.artifact.stack import Located, Mount, Stack
    from lambdapack.artifact.tree import Entry, Problem, Tree
    from lambdapack.artifact.wheel import WheelTree

__all__ = [
    "Entry",
    "ImageConfig",
    "ImageTree",
    "Located",
    "Mount",
    "Problem",
    "Stack",
    "Tree",
    "WheelTree",
    "open_tree",
]

__getattr__ = lazy_names(
    __name__,
    {
        "image": ("ImageTree",),
        "manifest": ("ImageConfig",),
        "opening": ("open_tree",),
        "stack": (
            "Located",
            "Mount",
            "Stack",
        ),
        "tree": (
            "Entry",
            "Problem",
            "Tree",
        ),
        "wheel": ("WheelTree",),
    },
)
