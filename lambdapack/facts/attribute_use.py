"""Which attributes of one of its parameters a function reads, and which of these reads every call gets to.

Reads one function's body on its own, in the order in which it runs. Knows nothing of what the parameter is.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.definitions import own_nodes

_INNER = frozenset(("function_definition", "class_definition", "lambda", "list_comprehension", "set_comprehension",
                    "dictionary_comprehension", "generator_expression"))  # fmt: skip
_BINDERS = ("parameters", "lambda_parameters", "for_in_clause")
_LEAVING = ("return_statement", "raise_statement")
_ASKING = ("hasattr", "getattr")
_SETTING = ("setattr", "vars", "delattr")
_SWALLOWING = (b"suppress", b"raises")
_ERRORS = frozenset(("AttributeError", "Exception", "BaseException"))


@dataclass(frozen=True, slots=True)
class AttributeUse:
    """One read of `parameter.name`. `certain`: every call that runs without an error gets to it. `handed_on`: something
    else was given the parameter before, and may have set the attribute."""

    name: str
    line: int
    certain: bool
    handed_on: bool


def read_attribute_uses(function: Node, parameter: str, data: bytes) -> tuple[AttributeUse, ...]:
    """Returns the unguarded reads, in order; none for a parameter that is bound anew or filled in unseen ways."""
    body = function.child_by_field_name("body")
    if body is None:
        return ()
    reader = _Reader(parameter, data)
    if reader.is_changed(body):
        return ()
    reader.visit(body, certain=True)
    return tuple(use for use in reader.uses if use.name not in reader.excepted)


class _Reader:
    """Walks one function. `excepted` are attributes that are set or asked for by `hasattr`."""

    def __init__(self, parameter: str, data: bytes) -> None:
        self._parameter = parameter
        self._data = data
        self._left = False  # a call may have returned by now
        self._handed_on = False
        self.uses: list[AttributeUse] = []
        self.excepted: set[str] = set()

    def is_changed(self, body: Node) -> bool:
        """True when the name stops being the parameter, or gets attributes whose names are not seen."""
        for node in own_nodes(body):
            if node.type == "identifier" and self._is_parameter(node) and self._is_bound(node):
                return True
            if node.type == "attribute" and self._owner(node) and self._attribute(node).startswith("__"):
                return True
            if node.type == "call" and self._called(node) in _SETTING and self._takes_parameter(node):
                return True
        return False

    def visit(self, node: Node, *, certain: bool) -> None:
        """Goes through a node in the order in which it runs."""
        match node.type:
            case "attribute" if self._owner(node):
                self._use(node, certain=certain)
            case "assignment" | "augmented_assignment":
                self._assignment(node, certain=certain)
            case "call":
                self._call(node, certain=certain)
            case "try_statement":
                self._try(node, certain=certain)
            case "with_statement":
                swallowing = any(word in syntax.raw(node, self._data).partition(b":")[0] for word in _SWALLOWING)
                self._children(node, certain=certain and not swallowing)
            case "if_statement" | "while_statement" | "conditional_expression" | "boolean_operator" | "for_statement":
                self._branches(node, certain=certain)
            case "match_statement" | "assert_statement":
                first, *rest = node.named_children
                self.visit(first, certain=certain)
                self._each(rest, certain=False)
            case kind if kind in _INNER:
                if not self._shadows(node):
                    left = self._left
                    self._children(node, certain=False)
                    self._left = left  # a return of its own ends the inner function only
            case _:
                self._children(node, certain=certain)
        if node.type in _LEAVING:
            self._left = True

    def _children(self, node: Node, *, certain: bool) -> None:
        self._each(node.named_children, certain=certain)

    def _each(self, nodes: list[Node], *, certain: bool) -> None:
        for child in nodes:
            self.visit(child, certain=certain and not self._left)

    def _branches(self, node: Node, *, certain: bool) -> None:
        """Of these, one part always runs first."""
        field = {"boolean_operator": "left", "for_statement": "right"}.get(node.type, "condition")
        first = node.named_children[1] if node.type == "conditional_expression" else node.child_by_field_name(field)
        if first is not None:
            self.visit(first, certain=certain)
        self._each([child for child in node.named_children if child != first], certain=False)

    def _try(self, node: Node, *, certain: bool) -> None:
        clauses = [child for child in node.named_children if child.type in ("except_clause", "except_group_clause")]
        caught = [syntax.caught(clause, self._data) for clause in clauses]
        body = node.child_by_field_name("body")
        expected = any("AttributeError" in (names or ()) for names in caught)
        swallowed = any(names is None or _ERRORS & set(names) for names in caught)
        before = len(self.uses)
        if body is not None:
            self.visit(body, certain=certain and not swallowed)
        if expected:  # it is ready for that
            del self.uses[before:]
        for child in node.named_children:
            if child != body:
                self.visit(child, certain=certain and child.type == "finally_clause")

    def _assignment(self, node: Node, *, certain: bool) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if right is not None:
            self.visit(right, certain=certain)
        if left is None:
            return
        if left.type == "attribute" and self._owner(left) and node.type == "assignment":
            self.excepted.add(self._attribute(left))
        else:
            self.visit(left, certain=certain)

    def _call(self, node: Node, *, certain: bool) -> None:
        self._children(node, certain=certain)
        arguments = node.child_by_field_name("arguments")
        if arguments is None or not self._takes_parameter(node):
            return
        if self._called(node) in _ASKING and len(arguments.named_children) > 1:
            asked = syntax.string(arguments.named_children[1], self._data)
            if asked is not None:
                self.excepted.add(asked)
        else:
            self._handed_on = True

    def _use(self, node: Node, *, certain: bool) -> None:
        line = node.start_point[0] + 1
        self.uses.append(AttributeUse(self._attribute(node), line, certain and not self._left, self._handed_on))

    # -- single nodes ----------------------------------------------------------------------------------------------

    def _is_parameter(self, node: Node) -> bool:
        return syntax.text(node, self._data) == self._parameter

    def _owner(self, node: Node) -> bool:
        owner = node.child_by_field_name("object")
        return owner is not None and owner.type == "identifier" and self._is_parameter(owner)

    def _attribute(self, node: Node) -> str:
        attribute = node.child_by_field_name("attribute")
        return "" if attribute is None else syntax.dotted(attribute, self._data)

    def _called(self, node: Node) -> str:
        function = node.child_by_field_name("function")
        return "" if function is None else syntax.dotted(function, self._data)

    def _takes_parameter(self, call: Node) -> bool:
        arguments = call.child_by_field_name("arguments")
        values = [] if arguments is None else [c.child_by_field_name("value") or c for c in arguments.named_children]
        return any(value.type == "identifier" and self._is_parameter(value) for value in values)

    def _is_bound(self, node: Node) -> bool:
        parent = node.parent
        if parent is None:
            return False
        if parent.type in ("assignment", "augmented_assignment", "for_statement"):
            return parent.child_by_field_name("left") == node
        if parent.type == "named_expression":
            return parent.child_by_field_name("name") == node
        return parent.type in ("pattern_list", "tuple_pattern", "as_pattern_target", "delete_statement",
                               "global_statement", "nonlocal_statement", "list_pattern", "case_pattern")  # fmt: skip

    def _shadows(self, node: Node) -> bool:
        """True for an inner scope that binds the same name: as a parameter, or as what a comprehension goes through."""
        binders = [child for child in node.named_children if child.type in _BINDERS]
        return any(self._parameter.encode() in syntax.raw(binder, self._data) for binder in binders)
