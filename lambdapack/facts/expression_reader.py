"""Reads expressions into plain data: what a guard asks, what a call is given, what an assignment assigns.

Keeps every call that runs with its expression, also where the expression as a whole is not understood.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.expression import UNKNOWN, Expression

_LATER = frozenset(
    ("lambda", "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression", "string")
)
# Functions that take all items of a generator at once.
_TAKING_ALL = frozenset(("all", "any", "list", "tuple", "sorted", "set"))
_MANY = 64  # items of a literal; a longer one is a table, not a choice


class ExpressionReader:
    """Reads the expressions of one source. `first_line` is the number of its first line."""

    def __init__(self, data: bytes, first_line: int = 1) -> None:
        self._data = data
        self.first_line = first_line

    def line(self, node: Node) -> int:
        """Returns the line a node begins on."""
        return node.start_point[0] + self.first_line

    def read(self, node: Node) -> Expression:
        """Returns an expression as data; `UNKNOWN`, or `some` with the calls in it, where it is not a simple one."""
        match node.type:
            case "true" | "false" | "none" | "integer":
                try:
                    return ("literal", ast.literal_eval(self._text(node)))
                except (SyntaxError, ValueError):
                    return UNKNOWN
            case "string" | "concatenated_string":
                return self._string(node)
            case "identifier" | "attribute":
                return self._dotted(node)
            case "parenthesized_expression":
                inner = self._items(node)
                return inner[0] if len(inner) == 1 else UNKNOWN
            case "tuple" | "set" if node.named_child_count <= _MANY:
                return ("tuple", self._items(node))
            case "list" if node.named_child_count <= _MANY:
                return ("list", self._items(node))
            case "list_comprehension":
                return self._comprehension(node)
            case "not_operator":
                argument = node.child_by_field_name("argument")
                return UNKNOWN if argument is None else ("not", self.read(argument))
            case "boolean_operator" | "binary_operator":
                return self._operation(node)
            case "comparison_operator":
                operands = self._items(node)
                operators = [" ".join(self._text(item).split()) for item in node.children_by_field_name("operators")]
                if len(operators) != len(operands) - 1:
                    return UNKNOWN
                return ("compare", operands[0], tuple(zip(operators, operands[1:], strict=True)))
            case "conditional_expression" if node.named_child_count == 3:
                then, condition, otherwise = self._items(node)
                return ("if", condition, then, otherwise)
            case "subscript":
                return self._subscript(node)
            case "call":
                return self._call(node)
            case _:
                return self._some(node)

    def _text(self, node: Node) -> str:
        return syntax.text(node, self._data)

    def _items(self, node: Node) -> tuple[Expression, ...]:
        return tuple(self.read(child) for child in node.named_children if child.type != "comment")

    def _string(self, node: Node) -> Expression:
        if node.type == "concatenated_string":
            return ("join", self._items(node))
        text = self._text(node)
        plain = text.startswith(("'", '"'))
        # Escapes, bytes and formats are not worked out.
        if not (plain or text.startswith(("f'", 'f"'))) or "\\" in text or (not plain and "{{" in text):
            return UNKNOWN
        if plain:
            return ("literal", syntax.string(node, self._data))
        parts: list[Expression] = []
        for child in node.children:
            if child.type == "string_content":
                parts.append(("literal", self._text(child)))
            elif child.type == "interpolation":
                inner = child.named_children
                parts.append(self.read(inner[0]) if len(inner) == 1 and "=" not in self._text(child) else UNKNOWN)
        return ("join", tuple(parts))

    def _dotted(self, node: Node) -> Expression:
        dotted = syntax.dotted(node, self._data)
        if dotted.replace(".", "_").isidentifier():
            return ("name", dotted)
        owner, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if owner is None or attribute is None:
            return UNKNOWN
        return ("attribute", self.read(owner), self._text(attribute))

    def _operation(self, node: Node) -> Expression:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        kind = node.child_by_field_name("operator")
        if left is None or right is None or kind is None:
            return UNKNOWN
        if self._text(kind) in ("and", "or"):
            return (self._text(kind), (self.read(left), self.read(right)))
        if self._text(kind) in ("/", "%"):  # of paths, and of texts: no numbers where it matters
            return ("call", ("name", self._text(kind)), (self.read(left), self.read(right)), (), self.line(node))
        return ("join", (self.read(left), self.read(right))) if self._text(kind) == "+" else self._some(node)

    def _subscript(self, node: Node) -> Expression:
        value, index = node.child_by_field_name("value"), node.child_by_field_name("subscript")
        if value is None or index is None:
            return UNKNOWN
        if index.type == "slice":
            bounds = self._text(index).replace(" ", "").split(":")
            if len(bounds) == 2 and bounds[0] in ("", "0") and bounds[1].isdecimal():
                return ("slice", self.read(value), int(bounds[1]))
            return self._some(node)
        return ("index", self.read(value), self.read(index))

    def _call(self, node: Node) -> Expression:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None:
            return UNKNOWN
        if arguments.type != "argument_list":  # f(x for x in y)
            taken = self._text(function) in _TAKING_ALL or self._text(function).endswith(".join")
            given = self._comprehension(arguments) if taken else UNKNOWN
            return ("call", self.read(function), (given,), (), self.line(node))
        positional: list[Expression] = []
        keywords: list[tuple[str, Expression]] = []
        for child in arguments.named_children:
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            if child.type == "keyword_argument" and name is not None and value is not None:
                keywords.append((self._text(name), self.read(value)))
            elif child.type in ("dictionary_splat", "list_splat"):
                keywords.append(("**", self._some(child)))  # any number of arguments, of any name
            elif child.type != "comment":
                positional.append(self.read(child))
        return ("call", self.read(function), tuple(positional), tuple(keywords), self.line(node))

    def _comprehension(self, node: Node) -> Expression:
        """One `for name in iterable` with any conditions; more is not worked out."""
        item, *clauses = [child for child in node.named_children if child.type != "comment"]
        loops = [clause for clause in clauses if clause.type == "for_in_clause"]
        left, right = (loops[0].child_by_field_name(field) if loops else None for field in ("left", "right"))
        if len(loops) != 1 or left is None or right is None or left.type != "identifier":
            return UNKNOWN
        conditions = tuple(self.read(clause.named_children[0]) for clause in clauses if clause.type == "if_clause")
        return ("each", self.read(right), self._text(left), conditions, self.read(item))

    def _some(self, node: Node) -> Expression:
        parts = tuple(self._calls(node))
        return ("some", parts) if parts else UNKNOWN

    def _calls(self, node: Node) -> Iterator[Expression]:
        """Yields the calls that run with an expression which is not understood itself."""
        if node.type in _LATER or b"(" not in syntax.raw(node, self._data):
            return
        for child in node.named_children:
            if child.type == "call":
                yield self._call(child)
            elif child.type in ("conditional_expression", "boolean_operator"):
                yield self.read(child)
            else:
                yield from self._calls(child)
