"""Where the statements of a module may bind any name unseen (`globals()['x'] = 1`, `exec(code)`).

In a branch or a `try` the place counts, since what ran before it is not touched; in a loop the whole loop does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from lambdapack.facts import syntax

_BRANCHING = frozenset(("if_statement", "try_statement", "with_statement"))


def obscuring_places(root: Node, data: bytes, obscures: Callable[[bytes], bool]) -> frozenset[int]:
    """Returns the first byte of each statement that `obscures` says it of, as deep inside branches as it can be told.

    Functions and classes of the module itself are left out: what they do, they do when they are called.
    """
    return frozenset(_places(root, len(data), data, obscures))


def _places(block: Node, end: int, data: bytes, obscures: Callable[[bytes], bool]) -> Iterator[int]:
    for child, text in syntax.texts(block, data, end):
        if child.type == "comment" or not obscures(text) or (block.type == "module" and syntax.is_definition(child)):
            continue
        inner = list(_blocks(child, child.start_byte + len(text))) if child.type in _BRANCHING else []
        # The conditions between the blocks.
        starts = [child.start_byte, *(after for _, after in inner)]
        between = (data[start : node.start_byte] for start, (node, _) in zip(starts, inner, strict=False))
        if not inner or any(map(obscures, between)):
            yield child.start_byte
            continue
        for node, after in inner:
            yield from _places(node, after, data, obscures)


def _blocks(statement: Node, end: int) -> Iterator[tuple[Node, int]]:
    """Yields the blocks of a compound statement, each with where the next clause begins."""
    parts = statement.named_children
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        after = following.start_byte if following is not None else end
        found = part if part.type == "block" else next((node for node in part.children if node.type == "block"), None)
        if found is not None:
            yield found, after
