"""What stands inside functions and methods and runs only when somebody calls them: imports, calls that load by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from lambdapack.facts import syntax, traits
from lambdapack.facts.expression_reader import ExpressionReader
from lambdapack.facts.program import DeferredCall, Import
from lambdapack.facts.targets import Targets

_FUNCTIONS = ("function_definition", "lambda")
_ASKS = re.compile(rb"\b(?:exists|isfile|is_file|access)\s*\(")
_BINDING = frozenset(("parameters", "lambda_parameters", "assignment", "augmented_assignment", "for_statement",
                      "for_in_clause", "as_pattern_target", "named_expression", "import_statement",
                      "import_from_statement"))  # fmt: skip


class DeferredReader:
    """Collects the imports in the functions of one source; `global` names go into its targets."""

    def __init__(self, data: bytes, targets: Targets) -> None:
        self._data = data
        self._targets = targets
        self.imports: list[Import] = []

    def read(self, function: Node) -> None:
        """Takes in a function."""
        if self._is_wanted(function):
            self._walk(function)

    def _is_wanted(self, node: Node) -> bool:
        """False where nothing below a node can be one of the statements looked for: of most nodes the text says so."""
        text = syntax.raw(node, self._data)
        return b"import" in text or b"global" in text

    def _walk(self, node: Node) -> None:
        for child in node.named_children:
            if child.type in ("import_statement", "import_from_statement"):
                self.imports.extend(syntax.imports(child, self._data))
            elif child.type == "global_statement":
                self._targets.globals(child)
            elif child.type == "try_statement":
                # A guarded import in a function is nobody's concern: whoever calls it is ready for its absence.
                for part in child.named_children:
                    if part.type != "block":
                        self._walk(part)
            elif child.type == "if_statement" and b"TYPE_CHECKING" in syntax.raw(child, self._data):
                continue
            elif child.named_child_count and self._is_wanted(child):
                self._walk(child)


def read_deferred_calls(data: bytes) -> tuple[DeferredCall, ...]:
    """Returns the calls in the functions of a module's bytes of things that load by name."""
    if not traits.loads_something(data):
        return ()
    reader = ExpressionReader(data)

    def calls(
        node: Node, guards: frozenset[str], local: frozenset[str] = frozenset(), *, inside: bool
    ) -> Iterator[DeferredCall]:
        if inside and node.type == "call" and traits.loads_something(syntax.raw(node, data)[:200]):
            yield DeferredCall(reader.read(node), guards, local)
        if node.type in _FUNCTIONS:
            local |= frozenset(_bound_in(node, data))
            if _ASKS.search(syntax.raw(node, data)):  # it is ready for a file that is not there
                guards |= {"FileNotFoundError"}
        caught = guards | syntax.guards(node, data) if node.type == "try_statement" else guards
        for child in node.named_children:
            within = caught if child.type == "block" else guards
            yield from calls(child, within, local, inside=inside or node.type in _FUNCTIONS)

    return tuple(calls(syntax.parse(data), frozenset(), inside=False))


def _bound_in(function: Node, data: bytes) -> Iterator[str]:
    """Yields the names that a function, or one inside it, binds: rather too many than too few."""
    pending = [function]
    while pending:
        node = pending.pop()
        pending.extend(node.named_children)
        if node.type in _BINDING:
            target = node.child_by_field_name("left") or node.child_by_field_name("name") or node
            yield from _identifiers(target, data)


def _identifiers(node: Node, data: bytes) -> Iterator[str]:
    if node.type == "identifier":
        yield syntax.text(node, data)
    for child in node.named_children:
        yield from _identifiers(child, data)
