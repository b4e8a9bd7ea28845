"""Artifacts as read-only trees: ZIP, folder, container image, stacks of them. Knows no rule of Lambda."""

from lambdapack.artifact.image import ImageTree
from lambdapack.artifact.manifest import ImageConfig
from lambdapack.artifact.opening import open_tree
from lambdapack.artifact.stack import Located, Mount, Stack
from lambdapack.artifact.tree import Entry, Problem, Tree

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
    "open_tree",
    "silent",
]
