"""Artifacts as read-only trees: ZIP, folder, and stacks of them. Knows no rule of Lambda and no search order."""

from lambdapack.artifact.opening import open_tree
from lambdapack.artifact.stack import Located, Mount, Stack
from lambdapack.artifact.tree import Entry, Problem, Tree

__all__ = ["Entry", "Located", "Mount", "Problem", "Stack", "Tree", "open_tree"]
