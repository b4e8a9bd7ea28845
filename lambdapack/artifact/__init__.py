"""Artifacts as read-only trees: ZIP, wheel, folder, container image, stacks of them. Knows no rule of Lambda."""

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
    "Progress",
    "Stack",
    "Tree",
    "WheelTree",
    "open_tree",
    "silent",
]
