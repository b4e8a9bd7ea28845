"""Reads a Python module's source into a `Program`, whatever Python version it is written for.

tree-sitter's grammar covers every Python from 2 to today's in one parser and goes on after an error, so the result does
not depend on the Python that runs lambdapack. It does not judge syntax: what it accepts is wider than any one version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from lambdapack.facts import syntax
from lambdapack.facts.conditions import read_condition
from lambdapack.facts.program import (
    EMPTY,
    Block,
    Constant,
    Handler,
    If,
    Import,
    Leave,
    Maybe,
    Program,
    Raise,
    Statement,
    Try,
    all_names,
    without_constants,
)

_PARSER = Parser(Language(tree_sitter_python.language()))

_OPAQUE = re.compile(
    rb"\bglobals\s*\(|\blocals\s*\(\)\s*[\[.]|\bvars\s*\(|\bexec\s*\(|\bsys\s*\.\s*modules\s*\[|\bmodules\s*\[\s*__name__"
    rb"|\b__dict__\b|\bsetattr\s*\(|\blazy_loader\b|\b_LazyModule\b|\blazy_import\b"
)
# Only what changes them counts: many modules read them.
_HOOKS = {
    "sys.path": re.compile(
        rb"\bpath\s*\.\s*(?:append|insert|extend|remove)\b|\bsys\s*\.\s*path\s*(?:\[[^]\n]*\]\s*)?[+]?=(?!=)|\baddsitedir\b"
    ),
    "sys.modules": re.compile(
        rb"\bmodules\s*\[[^]\n]*(?:\[[^]\n]*\][^]\n]*)?\]\s*=(?!=)|\bmodules\s*\.\s*(?:update|setdefault|__setitem__)\b"
    ),
    "sys.meta_path": re.compile(rb"\bmeta_path\b|\bpath_hooks\b"),
    "__path__": re.compile(
        rb"\b__path__\s*(?:\[[^]\n]*\]\s*)?(?::[^=\n]*)?[+]?=(?!=)|\b__path__\s*\.\s*(?:append|insert|extend)\b|\bextend_path\b|\bdeclare_namespace\b"
    ),
}
_LOADS_LIBRARIES = re.compile(rb"\b[Cc][Dd][Ll][Ll]\b|\bLoadLibrary\b|\bdlopen\b|\bRTLD_GLOBAL\b")
_EXTENDS_PATH = re.compile(rb"\bextend_path\b|\bdeclare_namespace\b")
# Context managers of the standard library that never swallow an exception raised inside.
_TRANSPARENT = re.compile(
    rb"^(?:warnings\.)?catch_warnings\b|^open\b|^(?:threading\.)?R?Lock\b|^(?:\w+\.)?_?lock\b|^(?:contextlib\.)?nullcontext\b"
)
_SUPPRESS = re.compile(rb"^(?:contextlib\.)?suppress\b")
_LEAVES = re.compile(rb"^(?:sys\.exit|os\._exit|exit|quit)\s*\(")
_DYNAMIC_IMPORT = re.compile(rb"\bimport_module\s*\(|\b__import__\s*\(")


def read_source(data: bytes) -> Program:
    """Returns the program of one module's bytes. Bytes that are not UTF-8 are no hindrance: only names must be."""
    root = _PARSER.parse(data).root_node
    reader = _Reader(data)
    body = reader.block(root)
    hooks = frozenset(name for name, pattern in _HOOKS.items() if pattern.search(data))
    return Program(
        body=body,
        deferred=tuple(reader.deferred),
        exports=None if reader.exports is None else tuple(reader.exports),
        exports_unknown=reader.exports_unknown,
        members=reader.members,
        assigned_attributes=frozenset(reader.attributes),
        opaque=bool(_OPAQUE.search(data)),
        import_hooks=hooks | ({"extend_path"} if _EXTENDS_PATH.search(data) else frozenset()),
        loads_libraries=bool(_LOADS_LIBRARIES.search(data)),
        damaged=root.has_error,
    )


class _Reader:
    """Walks the statements that run when the module is imported. One instance reads one module."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.deferred: list[Import] = []
        self.exports: list[str] | None = None
        self.exports_unknown = False
        self.members: dict[str, frozenset[str]] = {}
        self.attributes: set[str] = set()
        self._class_depth = 0
        self._global_names: set[str] = set()

    def block(self, node: Node) -> Block:
        """Reads a module or an indented block."""
        statements: list[Statement] = []
        names: set[str] = set()
        for child in node.named_children:
            self._statement(child, statements, names)
        if node.type == "module":
            names |= self._global_names
        return Block(tuple(statements), frozenset(names)) if statements or names else EMPTY

    def _text(self, node: Node) -> str:
        return syntax.text(node, self._data)

    def _bytes(self, node: Node) -> bytes:
        return syntax.raw(node, self._data)

    def _statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        match node.type:
            case "import_statement" | "import_from_statement" | "future_import_statement":
                out.extend(syntax.imports(node, self._data))
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
                left = node.child_by_field_name("left")
                if left is not None:
                    names.add(self._text(left).split("[")[0].strip())
            case "ERROR":
                for child in node.named_children:  # what the parser could still make out
                    self._statement(child, out, names)
            case "assert_statement" | "delete_statement" | "global_statement" | "pass_statement" | "comment":
                pass
            case _:
                self._walrus(node, names)

    # -- names -----------------------------------------------------------------------------------------------------

    def _expression_statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        text = self._bytes(node)
        for child in node.named_children:
            if child.type == "assignment":
                self._assignment(child, out, names)
            elif child.type == "augmented_assignment":
                self._augmented(child)
            elif child.type == "call" and _LEAVES.match(text):
                out.append(Leave())
            elif child.type == "call" and text.startswith(b"__all__"):
                self._extend_exports(child)
        if b":=" in text:
            self._walrus(node, names)
        if _DYNAMIC_IMPORT.search(text):
            out.extend(syntax.dynamic_imports(node, self._data))

    def _assignment(self, node: Node, out: list[Statement], names: set[str]) -> None:
        right = node.child_by_field_name("right")
        left = node.child_by_field_name("left")
        if right is None or left is None:
            return  # `name: annotation` alone binds nothing
        self._target(left, names)
        if left.type == "identifier":
            name = self._text(left)
            if name == "__all__" and not self._class_depth:
                self._set_exports(right)
            value = read_condition(right, self._data)
            if value[0] != "unknown":
                out.append(Constant(name, value))
        if right.type == "assignment":
            self._assignment(right, out, names)

    def _target(self, node: Node, names: set[str]) -> None:
        if node.type == "identifier":
            names.add(self._text(node))
        elif node.type == "attribute":
            attribute = node.child_by_field_name("attribute")
            if attribute is not None:
                self.attributes.add(self._text(attribute))
        elif node.type != "subscript":
            for child in node.named_children:
                self._target(child, names)

    def _walrus(self, node: Node, names: set[str]) -> None:
        if node.type in ("lambda", "function_definition"):
            return
        if node.type == "named_expression":
            name = node.child_by_field_name("name")
            if name is not None:
                names.add(self._text(name))
        for child in node.named_children:
            self._walrus(child, names)

    def _set_exports(self, right: Node) -> None:
        strings = syntax.strings(right, self._data)
        if strings is None:
            self.exports_unknown = True
        else:
            self.exports = strings

    def _augmented(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or self._bytes(left) != b"__all__":
            return
        strings = syntax.strings(right, self._data)
        if strings is None or self.exports is None:
            self.exports_unknown = True
        else:
            self.exports.extend(strings)

    def _extend_exports(self, call: Node) -> None:
        """`__all__.append("x")` and `__all__.extend([...])`."""
        arguments = call.child_by_field_name("arguments")
        items = arguments.named_children if arguments is not None else []
        literal = syntax.string(items[0], self._data) if len(items) == 1 else None
        strings = (
            [literal] if literal is not None else (syntax.strings(items[0], self._data) if len(items) == 1 else None)
        )
        if strings is None or self.exports is None:
            self.exports_unknown = True
        else:
            self.exports.extend(strings)

    # -- definitions -----------------------------------------------------------------------------------------------

    def _function(self, node: Node, names: set[str]) -> None:
        name = node.child_by_field_name("name")
        if name is not None:
            names.add(self._text(name))
        text = self._bytes(node)
        if b"import" in text or b"global" in text:
            self._inside_function(node)

    def _inside_function(self, node: Node) -> None:
        for child in node.named_children:
            if child.type in ("import_statement", "import_from_statement"):
                self.deferred.extend(syntax.imports(child, self._data))
            elif child.type == "global_statement":
                self._global_names.update(
                    self._text(name) for name in child.named_children if name.type == "identifier"
                )
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
        self._class_depth += 1
        inner = self.block(body)
        self._class_depth -= 1
        names.add(self._text(name))
        self.members[self._text(name)] = all_names(inner)
        out.extend(without_constants(inner.statements))

    # -- control flow ----------------------------------------------------------------------------------------------

    def _if(self, node: Node, names: set[str]) -> If:
        branches = []
        condition, consequence = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
        for test, body in ((condition, consequence), *self._alternatives(node)):
            if test is not None and b":=" in self._bytes(test):
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
        for clause in node.named_children:
            block = next((child for child in clause.named_children if child.type == "block"), None)
            inner = EMPTY if block is None or clause == body else self.block(block)
            if clause.type in ("except_clause", "except_group_clause"):
                handlers.append(Handler(syntax.caught(clause, self._data), inner))
            elif clause.type == "else_clause":
                orelse = inner
            elif clause.type == "finally_clause":
                final = inner
        return Try(EMPTY if body is None else self.block(body), tuple(handlers), orelse, final)

    def _with(self, node: Node, out: list[Statement], names: set[str]) -> None:
        body = node.child_by_field_name("body")
        clause = next((child for child in node.named_children if child.type == "with_clause"), None)
        if body is None or clause is None:
            return
        inner = self.block(body)
        managers = [item.named_children[0] for item in clause.named_children if item.type == "with_item"]
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
        if condition is not None and b":=" in self._bytes(condition):
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
            names.add(self._text(node))
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
