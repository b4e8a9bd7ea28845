"""The literal `__all__` of a module, as far as it can be read."""

from __future__ import annotations

from tree_sitter import Node

from lambdapack.facts import syntax


class Exports:
    """Collects what goes into `__all__`. `names` is None until there is one; `unknown` when it is computed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.names: list[str] | None = None
        self.unknown = False
        self.understood = 0  # statements; any further mention of `__all__` may change it unseen

    def assign(self, right: Node) -> None:
        """`__all__ = [...]`."""
        self.assign_names(syntax.strings(right, self._data))

    def assign_names(self, strings: list[str] | None) -> None:
        """The same, with what stands in the list; None where it is computed."""
        self.understood += 1
        if strings is None or self.names is not None:  # which of several assignments counts is not worked out
            self.unknown = True
        self.names = strings

    def add(self, right: Node) -> None:
        """`__all__ += [...]`."""
        self.understood += 1
        self._extend(syntax.strings(right, self._data))

    def call(self, call: Node) -> None:
        """`__all__.append("x")` and `__all__.extend([...])`."""
        self.understood += 1
        arguments = call.child_by_field_name("arguments")
        items = arguments.named_children if arguments is not None else []
        if len(items) != 1:
            self.unknown = True
            return
        literal = syntax.string(items[0], self._data)
        self._extend([literal] if literal is not None else syntax.strings(items[0], self._data))

    def _extend(self, strings: list[str] | None) -> None:
        if strings is None or self.names is None:
            self.unknown = True
        else:
            self.names.extend(strings)
