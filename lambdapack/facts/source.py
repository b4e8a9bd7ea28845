"""Reads a Python module's source into a `Program`, whatever Python version it is written for.

tree-sitter's grammar covers every Python from 2 to today's in one parser and goes on after an error, so the result does
not depend on the Python that runs lambdapack. It does not judge syntax: what it accepts is wider than any one version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

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
_EXTENDS_PATH = re.compile(rb"\bextend_path\b|\bdeclare_namespace\b")
# Context managers of the standard library that never swallow an exception raised inside.
_TRANSPARENT = re.compile(rb"^(?:warnings\.)?catch_warnings\b|^open\b|^(?:threading\.)?R?Lock\b|^(?:\w+\.)?_?lock\b|^(?:contextlib\.)?nullcontext\b")
_SUPPRESS = re.compile(rb"^(?:contextlib\.)?suppress\b")
_LEAVES = re.compile(rb"^(?:sys\.exit|os\._exit|exit|quit)\s*\(")
_DYNAMIC_IMPORT = re.compile(rb"\bimport_module\s*\(|\b__import__\s*\(")
_EVALUATED_LATER = frozenset(
    ("lambda", "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression",
     "function_definition", "class_definition")
)  # fmt: skip
_EVALUATED_PERHAPS = frozenset(("conditional_expression", "boolean_operator"))


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
        return self._bytes(node).decode("utf-8", "replace")

    def _bytes(self, node: Node) -> bytes:
        return self._data[node.start_byte : node.end_byte]

    def _statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        match node.type:
            case "import_statement" | "import_from_statement" | "future_import_statement":
                for statement in self._imports(node):
                    out.append(statement)
                    names.update(self._bound_by(statement))
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

    # -- imports ---------------------------------------------------------------------------------------------------

    def _imports(self, node: Node) -> Iterator[Import]:
        line = node.start_point[0] + 1
        if node.type == "import_statement":
            for name in node.children_by_field_name("name"):
                if name.type == "aliased_import":
                    target, alias = name.child_by_field_name("name"), name.child_by_field_name("alias")
                    if target is not None and alias is not None:
                        yield Import(line, self._dotted(target), bound=self._text(alias))
                else:
                    dotted = self._dotted(name)
                    yield Import(line, dotted, bound=dotted.partition(".")[0])
            return
        if node.type == "future_import_statement":
            return
        module = node.child_by_field_name("module_name")
        if module is None:
            return
        level, target_name = 0, ""
        if module.type == "relative_import":
            for part in module.named_children:
                if part.type == "import_prefix":
                    level = self._text(part).count(".")
                elif part.type == "dotted_name":
                    target_name = self._dotted(part)
        else:
            target_name = self._dotted(module)
        pairs = []
        for name in node.children_by_field_name("name"):
            if name.type == "aliased_import":
                target, alias = name.child_by_field_name("name"), name.child_by_field_name("alias")
                if target is not None and alias is not None:
                    pairs.append((self._text(target), self._text(alias)))
            else:
                pairs.append((self._text(name), self._text(name)))
        if any(child.type == "wildcard_import" for child in node.children):
            pairs = [("*", "*")]
        yield Import(line, target_name, level, tuple(pairs))

    def _dotted(self, node: Node) -> str:
        return "".join(self._text(node).split())

    @staticmethod
    def _bound_by(statement: Import) -> Iterator[str]:
        if statement.names is None:
            if statement.bound:
                yield statement.bound
        else:
            yield from (bound for _, bound in statement.names if bound != "*")

    def _dynamic_imports(self, node: Node) -> Iterator[Statement]:
        """Yields `import_module("literal")` and `__import__("literal")` calls that run with their statement."""
        if node.type in _EVALUATED_LATER:
            return
        if node.type in _EVALUATED_PERHAPS:
            inner = [found for child in node.named_children for found in self._dynamic_imports(child)]
            if inner:
                yield Maybe(Block(tuple(inner)))
            return
        if node.type == "call":
            function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
            if function is not None and arguments is not None:
                name = self._dotted(function)
                literal = self._string(arguments.named_children[0]) if arguments.named_children else None
                if literal and name in ("importlib.import_module", "import_module", "__import__"):
                    relative = literal.startswith(".")
                    package = self._text(arguments.named_children[1]) if len(arguments.named_children) > 1 else ""
                    if not relative:
                        yield Import(node.start_point[0] + 1, literal, dynamic=True)
                    elif package.removeprefix("package=").strip() in ("__package__", "__name__"):
                        level = len(literal) - len(literal.lstrip("."))
                        # `__name__` is the package itself only in an `__init__.py`; `__package__` always is.
                        yield Import(node.start_point[0] + 1, literal.lstrip("."), level, dynamic=True)
        for child in node.named_children:
            yield from self._dynamic_imports(child)

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
            out.extend(self._dynamic_imports(node))

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

    def _string(self, node: Node) -> str | None:
        if node.type != "string" or any(child.type == "interpolation" for child in node.children):
            return None
        return "".join(self._text(child) for child in node.children if child.type == "string_content")

    def _strings(self, node: Node) -> list[str] | None:
        if node.type not in ("list", "tuple"):
            return None
        found = [self._string(child) for child in node.named_children if child.type != "comment"]
        return [text for text in found if text is not None] if None not in found else None

    def _set_exports(self, right: Node) -> None:
        strings = self._strings(right)
        if strings is None:
            self.exports_unknown = True
        else:
            self.exports = strings

    def _augmented(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or self._bytes(left) != b"__all__":
            return
        strings = self._strings(right)
        if strings is None or self.exports is None:
            self.exports_unknown = True
        else:
            self.exports.extend(strings)

    def _extend_exports(self, call: Node) -> None:
        """`__all__.append("x")` and `__all__.extend([...])`."""
        arguments = call.child_by_field_name("arguments")
        items = arguments.named_children if arguments is not None else []
        literal = self._string(items[0]) if len(items) == 1 else None
        strings = [literal] if literal is not None else (self._strings(items[0]) if len(items) == 1 else None)
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
                self.deferred.extend(self._imports(child))
            elif child.type == "global_statement":
                self._global_names.update(self._text(name) for name in child.named_children if name.type == "identifier")
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
        self.members[self._text(name)] = _all_names(inner)
        out.extend(_without_constants(inner.statements))

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
                handlers.append(Handler(self._caught(clause), inner))
            elif clause.type == "else_clause":
                orelse = inner
            elif clause.type == "finally_clause":
                final = inner
        return Try(EMPTY if body is None else self.block(body), tuple(handlers), orelse, final)

    def _caught(self, clause: Node) -> tuple[str, ...] | None:
        """Returns the dotted names of an `except` clause, or None for a bare one or one that is computed."""
        caught: list[str] = []
        for child in clause.named_children:
            if child.type in ("block", "comment"):
                continue
            target = child.named_children[0] if child.type == "as_pattern" else child
            items = target.named_children if target.type in ("tuple", "parenthesized_expression") else [target]
            for item in items:
                if item.type not in ("identifier", "attribute"):
                    return None
                caught.append(self._dotted(item))
        return tuple(caught) or None

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
                return Raise(line, self._dotted(target))
            break
        return Raise(line, None)


def _all_names(block: Block) -> frozenset[str]:
    """Returns the names a block binds, in all of its branches."""
    found = set(block.names)
    for statement in block.statements:
        for inner in _inner_blocks(statement):
            found |= _all_names(inner)
    return frozenset(found)


def _inner_blocks(statement: Statement) -> Iterator[Block]:
    match statement:
        case Try():
            yield from (statement.body, *(handler.body for handler in statement.handlers), statement.orelse, statement.final)
        case If():
            yield from (block for _, block in statement.branches)
        case Maybe():
            yield statement.body


def _without_constants(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Leaves out class attributes: a class's names are not the module's."""
    for statement in statements:
        match statement:
            case Constant():
                continue
            case Try():
                yield Try(
                    _nameless(statement.body),
                    tuple(Handler(handler.catches, _nameless(handler.body)) for handler in statement.handlers),
                    _nameless(statement.orelse),
                    _nameless(statement.final),
                )
            case If():
                yield If(tuple((condition, _nameless(block)) for condition, block in statement.branches))
            case Maybe():
                yield Maybe(_nameless(statement.body))
            case _:
                yield statement


def _nameless(block: Block) -> Block:
    return Block(tuple(_without_constants(block.statements)))
