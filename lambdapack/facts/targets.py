"""Names that code binds in other ways than by plain assignment, and attributes it sets on other objects."""

from __future__ import annotations

from tree_sitter import Node

from lambdapack.facts import syntax


class Targets:
    """Collects them for one source: `volatile` names, whose value is never known, `attributes` set on other objects,
    `global_names` that functions bind in their module."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.volatile: set[str] = set()
        self.attributes: set[str] = set()
        self.global_names: set[str] = set()

    def target(self, node: Node, names: set[str]) -> None:
        """Adds what an assignment, a loop or an `as` binds."""
        if node.type == "identifier":
            self.bind(syntax.dotted(node, self._data), names)
        elif node.type == "attribute":
            attribute = node.child_by_field_name("attribute")
            if attribute is not None:
                self.attributes.add(syntax.dotted(attribute, self._data))
        elif node.type != "subscript":
            for child in node.named_children:
                self.target(child, names)

    def bind(self, name: str, names: set[str]) -> None:
        """Adds a name whose value will not be known."""
        names.add(name)
        self.volatile.add(name)

    def walrus(self, node: Node, names: set[str]) -> None:
        """Adds what `:=` binds in an expression."""
        if node.type in ("lambda", "function_definition") or b":=" not in syntax.raw(node, self._data):
            return
        if node.type == "named_expression":
            name = node.child_by_field_name("name")
            if name is not None:
                self.bind(syntax.dotted(name, self._data), names)
        for child in node.named_children:
            self.walrus(child, names)

    def captures(self, node: Node, names: set[str]) -> None:
        """Adds every identifier of a `case` pattern: more than it binds (class names too), never less."""
        if node.type == "identifier":
            self.target(node, names)
        for child in node.named_children:
            self.captures(child, names)

    def globals(self, node: Node) -> None:
        """Takes in a `global` statement."""
        found = {syntax.dotted(name, self._data) for name in node.named_children if name.type == "identifier"}
        self.global_names |= found
        self.volatile |= found
