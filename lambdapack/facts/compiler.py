"""What CPython's compiler refuses though the grammar allows it, as far as the parser in `grammar` does not say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.definitions import own_nodes

_EXCEPT_STAR = re.compile(rb"\bexcept\s*\*")
_LOOPS = ("for_statement", "while_statement")


def refused_by_compiler(data: bytes) -> Iterator[tuple[int, str]]:
    """Yields the line and the compiler's words for what no Python since 3.11 compiles, in no order."""
    asynchronous = all(word in data for word in (b"async", b"yield", b"return"))
    starred = _EXCEPT_STAR.search(data) is not None
    if not asynchronous and not starred:
        return
    pending = [syntax.parse(data)]
    while pending:
        node = pending.pop()
        pending.extend(node.named_children)
        words = {child.type for child in node.children}
        if asynchronous and node.type == "function_definition" and "async" in words:
            yield from _returns_a_value(node)
        elif starred and node.type in ("except_clause", "except_group_clause") and words & {"*", "except*"}:
            yield from _leaves(node, in_loop=False)


def _returns_a_value(function: Node) -> Iterator[tuple[int, str]]:
    body = function.child_by_field_name("body")
    inner = [] if body is None else list(own_nodes(body))
    if any(node.type == "yield" for node in inner):
        for node in inner:
            if node.type == "return_statement" and any(child.type != "comment" for child in node.named_children):
                yield node.start_point[0] + 1, "'return' with value in async generator"


def _leaves(node: Node, *, in_loop: bool) -> Iterator[tuple[int, str]]:
    """`return` leaves an `except*` block from anywhere in it, `break` and `continue` unless their loop is in it."""
    for child in node.named_children:
        leaving = child.type == "return_statement" or (
            child.type in ("break_statement", "continue_statement") and not in_loop
        )
        if leaving:
            yield (
                child.start_point[0] + 1,
                "'break', 'continue' and 'return' cannot appear in an except* block",
            )
        elif child.type not in ("function_definition", "class_definition", "lambda"):
            yield from _leaves(child, in_loop=in_loop or child.type in _LOOPS)
