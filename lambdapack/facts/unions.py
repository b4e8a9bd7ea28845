"""`int | None` where it is evaluated: before Python 3.10, classes could not be joined like that (PEP 604)."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.expression_reader import ExpressionReader
from lambdapack.facts.program import ClassUnion

# Builtin classes in every Python. Nothing of theirs takes part in `|` unless one side is an instance.
_CLASSES = frozenset(
    ("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "memoryview", "object",
     "range", "set", "slice", "str", "tuple", "type", "BaseException", "Exception")
)  # fmt: skip
_LATER = ("lambda", "string", "list_comprehension", "set_comprehension", "dictionary_comprehension",
          "generator_expression")  # fmt: skip


def class_unions(node: Node | None, data: bytes, reader: ExpressionReader) -> Iterator[ClassUnion]:
    """Yields the unions of builtin classes, or of one and None, in an expression that is evaluated."""
    if node is None or b"|" not in syntax.raw(node, data) or node.type in _LATER:
        return
    if node.type == "binary_operator":
        sides = [node.child_by_field_name(name) for name in ("left", "operator", "right")]
        left, operator, right = (syntax.raw(side, data).decode("utf-8", "replace") if side else "" for side in sides)
        names = frozenset((left, right)) - {"None"}
        if operator == "|" and names and names <= _CLASSES:
            yield ClassUnion(reader.line(node), names, f"{left} | {right}")
            return
    for child in node.named_children:
        yield from class_unions(child, data, reader)
