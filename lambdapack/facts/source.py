"""Reads a Python module's source into a `Program`, whatever Python version it is written for.

tree-sitter's grammar covers every Python from 2 to today's in one parser and goes on after an error, so the result does
not depend on the Python that runs lambdapack. It does not judge syntax: what it accepts is wider than any one version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from lambdapack.facts import syntax, traits
from lambdapack.facts.conditions import read_condition
from lambdapack.facts.exports import Exports
from lambdapack.facts.program import (
    EMPTY,
    UNKNOWN,
    UNREADABLE,
    Block,
    Constant,
    Effect,
    Handler,
    If,
    Import,
    Leave,
    Maybe,
    Program,
    Raise,
    Statement,
    Try,
    Use,
    all_names,
    imported_names,
    without_constants,
)

# Context managers of the standard library that never swallow an exception raised inside.
_TRANSPARENT = re.compile(
    rb"^(?:warnings\.)?catch_warnings\b|^open\b|^(?:threading\.)?R?Lock\b|^(?:contextlib\.)?nullcontext\b"
)
_SUPPRESS = re.compile(rb"^(?:contextlib\.)?suppress\b")
_LEAVES = re.compile(rb"^(?:sys\.exit|os\._exit|exit|quit)\s*\(")
_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_LITERALS = frozenset(("identifier", "string", "integer", "float", "true", "false", "none"))
_HARMLESS = frozenset(
    (*_IMPORTS, "function_definition", "pass_statement", "comment", "global_statement", "raise_statement")
)


def read_source(data: bytes) -> Program:
    """Returns the program of one module's bytes. Bytes that are not UTF-8 are no hindrance: only names must be."""
    root = syntax.parse_outline(data)
    reader = _Reader(data)
    try:
        body = reader.block(root)
    except RecursionError:  # nested deeper than any compiler takes
        return UNREADABLE
    imported = imported_names(body)
    # Methods set attributes on all sorts of objects; modules are filled by functions and by the module itself.
    loose = syntax.without_classes(root, data)
    attributes, computed = traits.set_attributes(loose, imported)
    return Program(
        body=body,
        deferred=tuple(reader.deferred),
        exports=None if reader.exports.names is None else tuple(reader.exports.names),
        exports_unknown=reader.exports.unknown or data.count(b"__all__") > reader.exports.understood,
        members=reader.members,
        volatile=frozenset(reader.volatile) | imported,
        assigned_attributes=attributes | reader.attributes,
        computed_attributes=computed,
        opaque=traits.is_opaque(data),
        import_hooks=traits.import_hooks(data),
        loads_libraries=traits.loads_libraries(data),
        damaged=root.has_error,
    )


class _Reader:
    """Walks the statements that run when the module is imported. One instance reads one module."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.deferred: list[Import] = []
        self.exports = Exports(data)
        self.members: dict[str, frozenset[str]] = {}
        self.attributes: set[str] = set()
        self.volatile: set[str] = set()
        self._importers = {"__import__"}
        self._classes: list[str] = []
        self._try_depth = 0
        self._global_names: set[str] = set()

    def block(self, node: Node) -> Block:
        """Reads a module or an indented block."""
        statements: list[Statement] = []
        names: set[str] = set()
        for child in node.named_children:
            if self._try_depth and self._may_raise(child):
                statements.append(Effect())
            self._statement(child, statements, names)
            self._walrus(child, names)
        if node.type == "module":
            names |= self._global_names
        return Block(tuple(statements), frozenset(names)) if statements or names else EMPTY

    def _text(self, node: Node) -> str:
        return syntax.text(node, self._data)

    def _name(self, node: Node) -> str:
        return syntax.dotted(node, self._data)

    def _bytes(self, node: Node) -> bytes:
        return syntax.raw(node, self._data)

    def _may_raise(self, node: Node) -> bool:
        """True for a statement that may raise something other than what its imports raise."""
        if node.type == "expression_statement" and node.named_child_count == 1:
            child = node.named_children[0]
            right = child.child_by_field_name("right") if child.type == "assignment" else child
            return right is not None and right.type not in _LITERALS
        return node.type not in _HARMLESS

    def _statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        match node.type:
            case "import_statement" | "import_from_statement":
                for statement in syntax.imports(node, self._data):
                    self._note_importer(statement)
                    out.append(statement)
            case "future_import_statement":
                names.update(alias or name for name, alias in syntax.aliases(node, self._data))
            case "expression_statement":
                self._expression_statement(node, out, names)
            case "function_definition":
                self._function(node, names)
            case "class_definition":
                self._class(node, out, names)
            case "decorated_definition":
                inner = node.child_by_field_name("definition")
                if inner is not None:
                    self._statement(inner, out, names)
            case "if_statement":
                out.append(self._if(node, names))
            case "try_statement":
                out.append(self._try(node))
            case "with_statement":
                self._with(node, out, names)
            case "for_statement" | "while_statement":
                self._loop(node, out, names)
            case "match_statement":
                self._match(node, out, names)
            case "raise_statement":
                out.append(self._raise(node))
            case "type_alias_statement":
                names.add(self._text(node.named_children[0]).split("[")[0].strip())
            case "ERROR":
                for child in node.named_children:  # what the parser could still make out
                    self._statement(child, out, names)
            case "delete_statement":
                self.volatile.update(self._name(child) for child in node.named_children)
            case "global_statement":
                self._global_names.update(self._name(child) for child in node.named_children)
            case "pass_statement" | "comment":
                pass
            case _:
                self._walrus(node, names)

    def _note_importer(self, statement: Import) -> None:
        """Remembers under which names `importlib.import_module` is called here: others have functions of that name."""
        if statement.module == "importlib" and not statement.level:
            if statement.names is None:
                self._importers.add(f"{statement.bound}.import_module")
            self._importers.update(bound for name, bound in statement.names or () if name == "import_module")

    # -- names -----------------------------------------------------------------------------------------------------

    def _expression_statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        text = self._bytes(node)
        for child in node.named_children:
            if child.type == "assignment":
                self._assignment(child, out, names)
            elif child.type == "augmented_assignment":
                self._augmented(child)
            elif child.type == "identifier":
                out.append(Use(node.start_point[0] + 1, self._name(child)))
            elif child.type == "call" and _LEAVES.match(text):
                out.append(Leave(node.start_point[0] + 1, self._name(child.named_children[0])))
            elif child.type == "call" and text.startswith(b"__all__"):
                self.exports.call(child)
        self._walrus(node, names)
        if b"(" in text and any(importer.encode() in text for importer in self._importers):
            out.extend(syntax.dynamic_imports(node, self._data, self._importers))

    def _assignment(self, node: Node, out: list[Statement], names: set[str]) -> None:
        right = node.child_by_field_name("right")
        left = node.child_by_field_name("left")
        if right is None or left is None:
            return  # `name: annotation` alone binds nothing
        if left.type == "identifier":
            name = self._name(left)
            names.add(name)
            if name == "__all__" and not self._classes:
                self.exports.assign(right)
            mutable = right.type in ("list", "set")
            out.append(Constant(name, UNKNOWN if mutable else read_condition(right, self._data)))
        else:
            self._target(left, names)
        if right.type == "assignment":
            self._assignment(right, out, names)

    def _target(self, node: Node, names: set[str]) -> None:
        if node.type == "identifier":
            names.add(self._name(node))
            self.volatile.add(self._name(node))
        elif node.type == "attribute":
            attribute = node.child_by_field_name("attribute")
            if attribute is not None:
                self.attributes.add(self._name(attribute))
        elif node.type != "subscript":
            for child in node.named_children:
                self._target(child, names)

    def _walrus(self, node: Node, names: set[str]) -> None:
        if node.type in ("lambda", "function_definition") or b":=" not in self._bytes(node):
            return
        if node.type == "named_expression":
            name = node.child_by_field_name("name")
            if name is not None:
                names.add(self._name(name))
                self.volatile.add(self._name(name))
        for child in node.named_children:
            self._walrus(child, names)

    def _augmented(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        self.volatile.add(self._name(left))
        if self._bytes(left) == b"__all__":
            self.exports.add(right)

    # -- definitions -----------------------------------------------------------------------------------------------

    def _function(self, node: Node, names: set[str]) -> None:
        name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
        text = self._bytes(node)
        if name is not None:
            names.add(self._name(name))
            self.volatile.add(self._name(name))
            if name.text == b"__import__":
                self._importers.discard("__import__")
        if parameters is not None:
            self._walrus(parameters, names)
        if b"import" in text or b"global" in text:
            self._inside_function(node)

    def _inside_function(self, node: Node) -> None:
        for child in node.named_children:
            if child.type in ("import_statement", "import_from_statement"):
                self.deferred.extend(syntax.imports(child, self._data))
            elif child.type == "global_statement":
                found = {self._name(name) for name in child.named_children if name.type == "identifier"}
                self._global_names |= found
                self.volatile |= found
            elif child.type == "try_statement":
                # A guarded import in a function is nobody's concern: whoever calls it is ready for its absence.
                for part in child.named_children:
                    if part.type != "block":
                        self._inside_function(part)
            elif child.type == "if_statement" and b"TYPE_CHECKING" in self._bytes(child):
                continue
            elif child.named_child_count:
                self._inside_function(child)

    def _class(self, node: Node, out: list[Statement], names: set[str]) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return
        self._classes.append(self._name(name))
        inner = self.block(body)
        self._classes.pop()
        names.add(self._name(name))
        self.volatile.add(self._name(name))
        self.members[self._name(name)] = all_names(inner)
        out.extend(without_constants(inner.statements))

    # -- control flow ----------------------------------------------------------------------------------------------

    def _if(self, node: Node, names: set[str]) -> If:
        branches = []
        condition, consequence = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
        for test, body in ((condition, consequence), *self._alternatives(node)):
            if test is not None:
                self._walrus(test, names)
            expression = ("literal", True) if test is None else read_condition(test, self._data)
            branches.append((expression, EMPTY if body is None else self.block(body)))
        return If(tuple(branches))

    @staticmethod
    def _alternatives(node: Node) -> Iterator[tuple[Node | None, Node | None]]:
        for clause in node.children_by_field_name("alternative"):
            if clause.type == "elif_clause":
                yield clause.child_by_field_name("condition"), clause.child_by_field_name("consequence")
            else:
                yield None, clause.child_by_field_name("body")

    def _try(self, node: Node) -> Try:
        body = node.child_by_field_name("body")
        handlers, orelse, final = [], EMPTY, EMPTY
        self._try_depth += 1
        tried = EMPTY if body is None else self.block(body)
        self._try_depth -= 1
        for clause in node.named_children:
            block = next((child for child in clause.named_children if child.type == "block"), None)
            inner = EMPTY if block is None or clause == body else self.block(block)
            if clause.type in ("except_clause", "except_group_clause"):
                handlers.append(Handler(syntax.caught(clause, self._data), inner))
            elif clause.type == "else_clause":
                orelse = inner
            elif clause.type == "finally_clause":
                final = inner
        return Try(tried, tuple(handlers), orelse, final)

    def _with(self, node: Node, out: list[Statement], names: set[str]) -> None:
        body = node.child_by_field_name("body")
        clause = next((child for child in node.named_children if child.type == "with_clause"), None)
        if body is None or clause is None:
            return
        managers = [item.named_children[0] for item in clause.named_children if item.type == "with_item"]
        self._try_depth += 1  # what stands in it may be swallowed
        inner = self.block(body)
        self._try_depth -= 1
        transparent = True
        for manager in managers:
            target = manager
            if manager.type == "as_pattern":
                target = manager.named_children[0]
                for bound in manager.children_by_field_name("alias"):
                    self._target(bound, names)
            text = self._bytes(target)
            if _SUPPRESS.match(text):
                caught = re.findall(r"[\w.]+", text.decode("utf-8", "replace").partition("(")[2])
                out.append(Try(inner, (Handler(tuple(caught), EMPTY),), EMPTY, EMPTY))
                return
            transparent = transparent and bool(_TRANSPARENT.match(text))
        if transparent:
            out.extend(inner.statements)
            names |= inner.names
        else:
            out.append(Maybe(inner))

    def _loop(self, node: Node, out: list[Statement], names: set[str]) -> None:
        left, body = node.child_by_field_name("left"), node.child_by_field_name("body")
        if left is not None:
            self._target(left, names)
        condition = node.child_by_field_name("condition")
        if condition is not None:
            self._walrus(condition, names)
        if body is not None:
            out.append(Maybe(self.block(body)))
        for _, alternative in self._alternatives(node):
            if alternative is not None:
                out.append(Maybe(self.block(alternative)))

    def _match(self, node: Node, out: list[Statement], names: set[str]) -> None:
        body = node.child_by_field_name("body")
        for clause in body.named_children if body is not None else ():
            if clause.type != "case_clause":
                continue
            consequence = clause.child_by_field_name("consequence")
            for pattern in clause.named_children:
                if pattern != consequence:
                    self._captures(pattern, names)
            if consequence is not None:
                out.append(Maybe(self.block(consequence)))

    def _captures(self, node: Node, names: set[str]) -> None:
        """Adds every identifier of a pattern: more than it binds (class names too), never less."""
        if node.type == "identifier":
            self._target(node, names)
        for child in node.named_children:
            self._captures(child, names)

    def _raise(self, node: Node) -> Raise:
        line = node.start_point[0] + 1
        for child in node.named_children:
            target = child.child_by_field_name("function") if child.type == "call" else child
            if target is not None and target.type in ("identifier", "attribute"):
                return Raise(line, syntax.dotted(target, self._data))
            break
        return Raise(line, None)
