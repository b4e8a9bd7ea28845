"""Reads statements into the blocks of a `Program`: imports, guards, bound names, calls, control flow."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.expression import UNKNOWN, Expression, holds_calls, is_attribute
from lambdapack.facts.expression_reader import ExpressionReader
from lambdapack.facts.namespace import Namespace
from lambdapack.facts.obscurity import obscuring_places
from lambdapack.facts.pieces import Rest
from lambdapack.facts.program import (
    EMPTY,
    Block,
    Constant,
    Effect,
    Evaluate,
    For,
    Handler,
    If,
    Jump,
    Leave,
    Maybe,
    Obscure,
    Raise,
    Return,
    Statement,
    Try,
    Use,
    Yield,
)
from lambdapack.facts.unions import class_unions

_LEAVES = re.compile(rb"^(?:sys\.exit|os\._exit|exit|quit)\s*\(")
_LISTS = ("list", "list_comprehension")


class StatementReader:
    """Walks the statements that run when a module is imported, or a function called. One instance reads one source.

    `first_line` is the number of its first line; `rest` says that it is not a whole module, but what of one has to be
    parsed; `obscures` says whether a statement may bind any name unseen."""

    def __init__(
        self,
        data: bytes,
        first_line: int = 1,
        *,
        in_function: bool = False,
        rest: Rest | None = None,
        obscures: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._data = data
        self._expressions = ExpressionReader(data, first_line)
        self.namespace = Namespace(data, in_function=in_function)
        self._rest = rest
        self._obscures = obscures
        self._obscuring: frozenset[int] = frozenset()
        self._try_depth = int(in_function)  # whoever calls it may have a `try` around

    def block(self, node: Node) -> Block:
        """Reads a module or an indented block."""
        statements: list[Statement] = []
        names: set[str] = set()
        if node.type == "module":
            self.note_obscuring(node)
        for child in node.named_children:
            self.add(child, statements, names)
        if node.type == "module":
            names |= self.namespace.targets.global_names
        return Block(tuple(statements), frozenset(names)) if statements or names else EMPTY

    def note_obscuring(self, root: Node) -> None:
        """Takes in where the statements of a module may bind any name."""
        if self._obscures is not None:
            self._obscuring = obscuring_places(root, self._data, self._obscures)

    def add(self, node: Node, out: list[Statement], names: set[str]) -> None:
        """Reads one statement of a block."""
        if self._try_depth and syntax.may_raise(node):
            out.append(Effect())
        if node.start_byte in self._obscuring:
            out.append(Obscure())
        bound: set[str] = set()
        self.namespace.targets.walrus(node, bound)
        out.extend(Constant(name, UNKNOWN) for name in sorted(bound))
        names |= bound
        self._statement(node, out, names)

    def _text(self, node: Node) -> str:
        return syntax.text(node, self._data)

    def _name(self, node: Node) -> str:
        return syntax.dotted(node, self._data)

    def _bytes(self, node: Node) -> bytes:
        return syntax.raw(node, self._data)

    def _statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        match node.type:
            case "import_statement" | "import_from_statement":
                out.extend(syntax.imports(node, self._data, self._expressions.first_line))
            case "future_import_statement":
                self.namespace.lazy_annotations = self.namespace.lazy_annotations or b"annotations" in self._bytes(node)
                names.update(alias or name for name, alias in syntax.aliases(node, self._data))
            case "expression_statement":
                self._expression_statement(node, out, names)
            case "function_definition":
                self._function(node, out, names, decorated=False)
            case "class_definition":
                self._class(node, out, names)
            case "decorated_definition":
                self._decorated(node, out, names)
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
                out.append(Raise(self._expressions.line(node), syntax.raised(node, self._data)))
            case "assert_statement":
                self._assert(node, out)
            case "return_statement":
                out.append(Return(self._read(node.named_children[0]) if node.named_children else ("literal", None)))
            case "break_statement" | "continue_statement":
                out.append(Jump(node.type.removesuffix("_statement")))
            case _:
                self._other_statement(node, out, names)

    def _other_statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        match node.type:
            case "type_alias_statement":
                names.add(self._text(node.named_children[0]).split("[")[0].strip())
            case "ERROR":
                for child in node.named_children:  # what the parser could still make out
                    self._statement(child, out, names)
            case "delete_statement":
                out.extend(Constant(self._name(child), UNKNOWN) for child in syntax.deleted(node))
            case "global_statement":
                self.namespace.targets.globals(node)

    # -- expressions -----------------------------------------------------------------------------------------------

    def _read(self, node: Node) -> Expression:
        return self._expressions.read(node)

    def evaluate(self, node: Node | None, out: list[Statement]) -> None:
        """Keeps an expression for the calls in it."""
        if node is not None and b"(" in self._bytes(node):
            expression = self._read(node)
            if holds_calls(expression):
                out.append(Evaluate(expression))

    def _expression_statement(self, node: Node, out: list[Statement], names: set[str]) -> None:
        for child in node.named_children:
            if child.type == "assignment":
                self._assignment(child, out, names)
            elif child.type == "augmented_assignment":
                self._augmented(child, out)
            elif child.type == "identifier":
                if not self.namespace.in_function:
                    out.append(Use(self._expressions.line(node), self._name(child)))
            elif child.type == "yield":
                plain = child.named_child_count == 1 and child.children[1] == child.named_children[0]
                out.append(Yield(self._read(child.named_children[0]) if plain else UNKNOWN))
            elif child.type == "call" and _LEAVES.match(self._bytes(node)):
                out.append(Leave(self._expressions.line(node), self._name(child.named_children[0])))
            else:
                if child.type == "call" and self._bytes(node).startswith(b"__all__"):
                    self.namespace.exports.call(child)
                self.evaluate(child, out)

    def _assignment(self, node: Node, out: list[Statement], names: set[str]) -> None:
        right = node.child_by_field_name("right")
        left = node.child_by_field_name("left")
        self._annotation(node.child_by_field_name("type"), out)
        if right is None or left is None:
            return  # `name: annotation` alone binds nothing
        if right.type == "assignment":
            self._assignment(right, out, names)
        if left.type == "identifier":
            name = self._name(left)
            names.add(name)
            if name == "__all__" and not self.namespace.in_class:
                self.namespace.exports.assign(right)
            mutable = right.type in ("set", "assignment") or (
                right.type in _LISTS and not self.namespace.in_function and not self._is_only_read(name, left)
            )
            if mutable:
                self.evaluate(None if right.type == "assignment" else right, out)
            value = UNKNOWN if mutable else self._read(right)
            out.append(Constant(name, value, self._expressions.line(node) if is_attribute(value) else 0))
            out.extend(class_unions(right, self._data, self._expressions))
        elif not self._unpack(left, right, out, names):
            if right.type != "assignment":
                self.evaluate(right, out)
            self._target(left, out, names)

    def _is_only_read(self, name: str, bound: Node) -> bool:
        if self._rest is None:
            return syntax.is_only_read(name, bound.start_byte, self._data)
        return syntax.is_only_read(name, self._rest.original(bound.start_byte), self._rest.module)

    def _target(self, node: Node, out: list[Statement], names: set[str]) -> None:
        """Binds what an assignment, a loop or an `as` binds, to values that are not known."""
        bound: set[str] = set()
        self.namespace.targets.target(node, bound)
        names |= bound
        out.extend(Constant(name, UNKNOWN) for name in sorted(bound))

    def _unpack(self, left: Node, right: Node, out: list[Statement], names: set[str]) -> bool:
        """`first, second = "a", "b"`: True when the values are as plain as that."""
        targets = left.named_children
        if left.type not in ("pattern_list", "tuple_pattern") or any(item.type != "identifier" for item in targets):
            return False
        values = self._read(right)
        if right.type == "expression_list":
            values = ("tuple", tuple(self._read(item) for item in right.named_children))
        if values[0] != "tuple" or len(values[1]) != len(targets) or any(item[0] != "literal" for item in values[1]):
            return False
        for target, value in zip(targets, values[1], strict=True):
            names.add(self._name(target))
            out.append(Constant(self._name(target), value))
        return True

    def _augmented(self, node: Node, out: list[Statement]) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        self.evaluate(right, out)
        self.namespace.targets.volatile.add(self._name(left))
        if self._bytes(left) == b"__all__":
            self.namespace.exports.add(right)

    def _annotation(self, node: Node | None, out: list[Statement]) -> None:
        """Keeps what evaluating an annotation runs; those of a function's own variables are never evaluated."""
        if not self.namespace.lazy_annotations and not self.namespace.in_function:
            self.evaluate(node, out)
            out.extend(class_unions(node, self._data, self._expressions))

    def _assert(self, node: Node, out: list[Statement]) -> None:
        condition = self._read(node.named_children[0])
        raises = Raise(self._expressions.line(node), "AssertionError")
        out.append(If((((("not", condition)), Block((raises,))),)))

    # -- definitions -----------------------------------------------------------------------------------------------

    def _function(self, node: Node, out: list[Statement], names: set[str], *, decorated: bool) -> None:
        name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
        text = self._function_text(node)
        if parameters is not None:
            self.namespace.targets.walrus(parameters, names)
            self._parameters(parameters, out)
        self._annotation(node.child_by_field_name("return_type"), out)
        if name is not None:
            self.namespace.define(self._name(name), self._expressions.line(node), text, out, names, decorated=decorated)
        if not self.namespace.in_function:
            self.namespace.deferred.read(node)
        else:  # it may change what belongs to the function around it
            self.namespace.targets.volatile.update(syntax.changed_names(node, self._data))

    def _parameters(self, node: Node, out: list[Statement]) -> None:
        """Keeps what a definition evaluates: defaults and annotations."""
        if b"(" in self._bytes(node)[1:] or b"|" in self._bytes(node):
            for child in node.named_children:
                self._annotation(child.child_by_field_name("type"), out)
                self.evaluate(child.child_by_field_name("value"), out)

    def _function_text(self, function: Node) -> bytes:
        """Returns the original text of a function."""
        text = self._rest.functions.get(function.start_byte) if self._rest is not None else None
        return self._bytes(function) if text is None else text

    def _decorated(self, node: Node, out: list[Statement], names: set[str]) -> None:
        self.decorators(node, out)
        inner = node.child_by_field_name("definition")
        if inner is not None and inner.type == "function_definition":
            self._function(inner, out, names, decorated=True)
            name = inner.child_by_field_name("name")
            if name is not None:
                before = self._data[node.start_byte : inner.start_byte]
                self.namespace.managers.note(before + syntax.trimmed(self._function_text(inner)), self._name(name))
        elif inner is not None:
            self._statement(inner, out, names)

    def decorators(self, node: Node, out: list[Statement]) -> None:
        """Keeps what the decorators of a definition call."""
        for child in node.named_children:
            if child.type == "decorator":
                self.evaluate(child, out)
                decorator = self._read(child.named_children[0])
                if decorator[0] == "name":  # is called with what it decorates
                    out.append(Evaluate(("call", decorator, (UNKNOWN,), (), self._expressions.line(child))))

    def _class(self, node: Node, out: list[Statement], names: set[str]) -> None:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return
        bases = node.child_by_field_name("superclasses")
        if bases is not None:
            self.evaluate(bases, out)
            self.namespace.keep_bases(self._bytes(bases), self._expressions.line(node), out)
        with self.namespace.inside_class():
            inner = self.block(body)
        self.namespace.bind_class(self._name(name), inner, out, names, plain=syntax.is_plain_class(node, self._data))

    # -- control flow ----------------------------------------------------------------------------------------------

    def _if(self, node: Node, names: set[str]) -> If:
        branches = []
        condition, consequence = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
        for test, body in ((condition, consequence), *syntax.alternatives(node)):
            if test is not None:
                self.namespace.targets.walrus(test, names)
            expression = ("literal", True) if test is None else self._read(test)
            branches.append((expression, EMPTY if body is None else self.block(body)))
        return If(tuple(branches))

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
                handlers.append(Handler(syntax.caught(clause, self._data), inner, syntax.caught_as(clause, self._data)))
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
                    self._target(bound, out, names)
            suppressed = self.namespace.managers.suppressed(target)
            if suppressed is not None:
                out.append(Try(inner, (Handler(suppressed, EMPTY),), EMPTY, EMPTY))
                return
            transparent = transparent and self.namespace.managers.is_transparent(target)
            self.evaluate(target, out)
        if transparent:
            out.extend(inner.statements)
            names |= inner.names
        else:
            out.append(Maybe(inner))

    def _loop(self, node: Node, out: list[Statement], names: set[str]) -> None:
        left, body = node.child_by_field_name("left"), node.child_by_field_name("body")
        if left is not None:
            self._target(left, out, names)
        condition, right = node.child_by_field_name("condition"), node.child_by_field_name("right")
        if condition is not None:
            self.namespace.targets.walrus(condition, names)
        inner = EMPTY if body is None else self.block(body)
        bodies = [alternative for _, alternative in syntax.alternatives(node) if alternative is not None]
        orelse = self.block(bodies[0]) if bodies else EMPTY
        if left is not None and right is not None:
            target = self._name(left) if left.type == "identifier" else ""
            out.append(For(target, self._read(right), inner, orelse))
        else:
            self.evaluate(condition, out)
            out.append(For("", UNKNOWN, inner, orelse))

    def _match(self, node: Node, out: list[Statement], names: set[str]) -> None:
        body = node.child_by_field_name("body")
        for clause in body.named_children if body is not None else ():
            if clause.type != "case_clause":
                continue
            consequence = clause.child_by_field_name("consequence")
            for pattern in clause.named_children:
                if pattern != consequence:
                    self.namespace.targets.captures(pattern, names)
            if consequence is not None:
                out.append(Maybe(self.block(consequence)))
