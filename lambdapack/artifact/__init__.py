"""Artifacts as read-only trees: ZIP, wheel, folder, container image, stacks of them. Knows no rule of Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdapack.artifact.opening import open_tree
from lambdapack.artifact.stack import Located, Mount, Stack
from lambdapack.artifact.tree import Entry, Problem, Tree
from lambdapack.artifact.wheel import WheelTree

if TYPE_CHECKING:
    from lambdapack.artifact.image import ImageTree
    from lambdapack.artifact.manifest import ImageConfig

__all__ = [
    "Entry",
    "ImageConfig",
    "ImageTree",
    "Located",
    "Mount",
    "Problem",
    "Progress",
    "Stack",
    "Tree",
    "WheelTree",
    "open_tree",
    "silent",
]


def __getattr__(name: str) -> Any:
    """Loads what reads images when it is asked for: most artifacts are none."""
    if name == "ImageTree":
        from lambdapack.artifact.image import ImageTree

        return ImageTree
    if name == "ImageConfig":
        from lambdapack.artifact.manifest import ImageConfig

        return ImageConfig
    raise AttributeError(name)
