"""What a module-level name certainly is when its module has been imported: a function and its parameters, a constant …

Reads one module's source on its own. A name that is bound under conditions, in loops or by code that cannot be followed
is nothing certain. Runs nothing and follows no import: it says which one would have to be followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.program import Import

BindingKind = Literal["function", "class", "constant", "import", "module"]
Result = Literal["value", "coroutine", "generator", "async_generator"]

_CONSTANTS = {
    "string": "str",
    "concatenated_string": "str",
    "integer": "int",
    "float": "float",
    "true": "bool",
    "false": "bool",
    "none": "NoneType",
    "list": "list",
    "dictionary": "dict",
    "set": "set",
    "tuple": "tuple",
    "list_comprehension": "list",
    "dictionary_comprehension": "dict",
    "set_comprehension": "set",
    "generator_expression": "generator",
}
_SCOPES = frozenset(("function_definition", "lambda", "class_definition"))
# With one of these, a class makes something else of a call, or its instances make JSON of themselves (simplejson).
_MAKES_SOMETHING_ELSE = frozenset(("__new__", "__class__", "_asdict", "for_json"))


@dataclass(frozen=True, slots=True)
class Signature:
    """What a call has to bring. `positional` are the names of the parameters that take positional arguments, in order;
    the first `required` of them have no default. `variadic`: there is a `*args`. `required_keywords` have none either.
    """

    positional: tuple[str, ...]
    required: int
    variadic: bool
    required_keywords: tuple[str, ...]

    def refusal(self, arguments: int) -> str | None:
        """Returns what Python says of a call with so many positional arguments, without the function's name; None if
        it takes them."""
        if arguments > len(self.positional) and not self.variadic:
            low, high = self.required, len(self.positional)
            takes = f"{high}" if low == high else f"from {low} to {high}"
            return (
                f"takes {takes} positional argument{'' if high == 1 and low == high else 's'} "
                f"but {arguments} {'was' if arguments == 1 else 'were'} given"
            )
        lacking = self.positional[arguments : self.required]
        if lacking:
            return f"missing {_listed(lacking, 'positional')}"
        if self.required_keywords:
            return f"missing {_listed(self.required_keywords, 'keyword-only')}"
        return None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name stands for. `line` is where it is bound, `type` a constant's type.

    `signature` is a function's, or that of a class's own `__init__` with `self`. `result` is what a call of a function
    returns at once. `decorated`: decorators decide what it really is. `node` is the function's definition or lambda,
    for whoever reads its body. A `bare` class has neither base, metaclass nor decorator, a `plain` one also
    nothing that makes something else of a call, or JSON of an instance. `imported` is the import that binds the name,
    `name` what it is called there.
    """

    kind: BindingKind
    line: int
    type: str = ""
    signature: Signature | None = None
    result: Result = "value"
    decorated: bool = False
    plain: bool = False
    bare: bool = False
    node: Node | None = None
    imported: Import | None = None
    name: str = ""


def read_binding(data: bytes, name: str) -> Binding | None:
    """Returns what a module of these bytes certainly binds a name to; None when that is not certain."""
    root = syntax.parse(data)
    return None if root.has_error else _Reader(data).last(root.named_children, name)


class _Reader:
    """Reads the statements of one module."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def last(self, statements: list[Node], name: str) -> Binding | None:
        """Looks from the end for the statement that binds the name, and stops at one that may."""
        for at in range(len(statements) - 1, -1, -1):
            statement = statements[at]
            binding = self._binding(statement, name, statements[:at])
            if binding is not None:
                return None if any(self._is_global(node, name) for node in statements) else binding
            if self._may_bind(statement, name):
                return None
        return None

    def _binding(self, node: Node, name: str, before: list[Node]) -> Binding | None:
        match node.type:
            case "function_definition" | "class_definition":
                return self._definition(node, name, decorated=False)
            case "decorated_definition":
                inner = node.child_by_field_name("definition")
                return None if inner is None else self._definition(inner, name, decorated=True)
            case "import_statement" | "import_from_statement":
                for statement in syntax.imports(node, self._data):
                    if statement.names is None and statement.bound == name:
                        return Binding("module", statement.line, imported=statement)
                    for wanted, bound in statement.names or ():
                        if bound == name:
                            return Binding("import", statement.line, imported=statement, name=wanted)
            case "expression_statement" if node.named_children and node.named_children[0].type == "assignment":
                value = self._assigned(node.named_children[0], name)
                return None if value is None else self._value(value, before)
        return None

    def _assigned(self, node: Node, name: str) -> Node | None:
        """Returns the value that `name = … = value` gives a name."""
        found, right = False, node.child_by_field_name("right")
        while True:
            left = node.child_by_field_name("left")
            found |= left is not None and left.type == "identifier" and syntax.dotted(left, self._data) == name
            if right is None or right.type != "assignment":
                return right if found else None
            node, right = right, right.child_by_field_name("right")

    def _value(self, node: Node, before: list[Node]) -> Binding | None:
        line = node.start_point[0] + 1
        if node.type == "parenthesized_expression" and node.named_child_count == 1:
            return self._value(node.named_children[0], before)
        if node.type in _CONSTANTS:
            return Binding("constant", line, type=self._type(node))
        if node.type == "lambda":
            signature = self._signature(node.child_by_field_name("parameters"))
            return Binding("function", line, signature=signature, node=node) if signature else None
        if node.type == "identifier":
            return self.last(before, syntax.dotted(node, self._data))
        return None

    def _type(self, node: Node) -> str:
        if node.type not in ("string", "concatenated_string"):
            return _CONSTANTS[node.type]
        prefix = re.split(rb"['\"]", syntax.raw(node, self._data), maxsplit=1)[0].lower()
        return "bytes" if b"b" in prefix else "Template" if b"t" in prefix else "str"

    def _definition(self, node: Node, name: str, *, decorated: bool) -> Binding | None:
        own = node.child_by_field_name("name")
        if own is None or syntax.dotted(own, self._data) != name:
            return None
        line = node.start_point[0] + 1
        if node.type == "class_definition":
            return self._class(node, line, decorated=decorated)
        signature = self._signature(node.child_by_field_name("parameters"))
        return Binding("function", line, signature=signature, result=self._result(node), decorated=decorated, node=node)

    def _class(self, node: Node, line: int, *, decorated: bool) -> Binding:
        body = node.child_by_field_name("body")
        names: set[str] = set()
        bare = not decorated and node.child_by_field_name("superclasses") is None
        init, plain = None, bare
        for statement in body.named_children if body is not None else ():
            inner = statement.child_by_field_name("definition") or statement
            own = inner.child_by_field_name("name")
            if inner.type == "function_definition" and own is not None:
                names.add(syntax.dotted(own, self._data))
                if syntax.dotted(own, self._data) == "__init__":
                    init, plain = inner, plain and inner is statement
            elif inner.type == "expression_statement" and inner.named_children[0].type == "assignment":
                left = inner.named_children[0].child_by_field_name("left")
                names.add("" if left is None else syntax.dotted(left, self._data))
            elif inner.type not in ("pass_statement", "comment", "expression_statement"):
                plain = False
        plain = plain and not names & _MAKES_SOMETHING_ELSE
        if init is None:
            return Binding("class", line, decorated=decorated, plain=plain and "__init__" not in names, bare=bare)
        signature = self._signature(init.child_by_field_name("parameters"))
        plain = plain and signature is not None
        return Binding("class", line, signature=signature, decorated=decorated, plain=plain, bare=bare)

    def _signature(self, node: Node | None) -> Signature | None:
        """Reads parameters; None for something that is not understood."""
        positional: list[str] = []
        keywords: list[str] = []
        required, variadic, keyword_only = 0, False, False
        for child in node.named_children if node is not None else ():
            kind, target, default = child.type, child, False
            if kind in ("default_parameter", "typed_default_parameter"):
                named = child.child_by_field_name("name")
                if named is None:
                    return None
                target, default, kind = named, True, named.type
            elif kind == "typed_parameter":
                target = child.named_children[0]
                kind = target.type
            match kind:
                case "identifier":
                    name = syntax.dotted(target, self._data)
                    if keyword_only:
                        keywords += [] if default else [name]
                    else:
                        positional.append(name)
                        required += not default
                case "list_splat_pattern":
                    variadic = keyword_only = True
                case "keyword_separator":
                    keyword_only = True
                case "dictionary_splat_pattern" | "positional_separator" | "comment":
                    continue
                case _:
                    return None
        return Signature(tuple(positional), required, variadic, tuple(keywords))

    def _result(self, node: Node) -> Result:
        is_async = any(child.type == "async" for child in node.children)
        body = node.child_by_field_name("body")
        yields = body is not None and any(inner.type == "yield" for inner in own_nodes(body))
        if is_async:
            return "async_generator" if yields else "coroutine"
        return "generator" if yields else "value"

    # -- what may bind a name unseen -------------------------------------------------------------------------------

    def _may_bind(self, node: Node, name: str) -> bool:
        """True when a statement may bind the name in a way that is not followed."""
        match node.type:
            case "function_definition" | "class_definition":
                return self._mentions(node.child_by_field_name("name"), name)
            case "lambda":
                return False
            case "assignment" | "augmented_assignment" | "for_statement" | "type_alias_statement":
                if self._mentions(node.child_by_field_name("left"), name):
                    return True
            case "named_expression":
                if self._mentions(node.child_by_field_name("name"), name):
                    return True
            case "as_pattern_target" | "case_pattern" | "delete_statement":
                return self._mentions(node, name)
            case "import_statement" | "import_from_statement":
                found = list(syntax.imports(node, self._data))
                return any(name in item.bound_names or item.names == (("*", "*"),) for item in found)
        return any(self._may_bind(child, name) for child in node.named_children)

    def _mentions(self, node: Node | None, name: str) -> bool:
        """True when a name stands anywhere in a target, but as the owner of what is set on it."""
        if node is None or node.type in ("attribute", "subscript"):
            return False
        if node.type == "identifier":
            return syntax.dotted(node, self._data) == name
        return any(self._mentions(child, name) for child in node.named_children)

    def _is_global(self, node: Node, name: str) -> bool:
        """True when a function rebinds the module's name."""
        if b"global" not in syntax.raw(node, self._data):
            return False
        if node.type == "global_statement":
            return any(syntax.dotted(child, self._data) == name for child in node.named_children)
        return any(self._is_global(child, name) for child in node.named_children)


def own_nodes(node: Node) -> Iterator[Node]:
    """Yields the nodes below one that run in its own scope: not those of inner functions and classes."""
    for child in node.named_children:
        yield child
        if child.type not in _SCOPES:
            yield from own_nodes(child)


def _listed(names: tuple[str, ...], kind: str) -> str:
    *first, last = [f"'{name}'" for name in names]
    listed = f"{', '.join(first)}{',' if len(first) > 1 else ''} and {last}" if first else last
    return f"{len(names)} required {kind} argument{'s' if first else ''}: {listed}"
