"""What path an expression stands for, when it is put together from the place of its own file as is usual.

Understands literals, `__file__`, `os.path`, `pathlib`, names that are bound once, and where Lambda's environment says
that the code is. Anything else is unknown. Runs nothing, and looks at no file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from tree_sitter import Node

from lambdapack.facts import syntax

_DEEPEST = 20
_SCOPES = ("function_definition", "class_definition", "lambda")
_BINDERS = ("assignment", "augmented_assignment", "for_statement", "named_expression")
_NAMERS = ("as_pattern_target", "import_statement", "import_from_statement", "global_statement", "nonlocal_statement")
_TASK_ROOT = "/var/task"  # and the working directory
_SAME = frozenset(("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.fspath", "str", "os.path.expanduser"))
_PURE = frozenset(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"))
_SAME_METHODS = frozenset(("resolve", "absolute", "as_posix", "__str__", "expanduser"))
_TASK_ROOT_CALLS = frozenset(("os.getcwd", "pathlib.Path.cwd"))
_ENVIRONMENT = frozenset(("os.environ.get", "os.getenv"))


class PathReader:
    """Reads expressions of one module. `path` is the module's file, `absolute` follows a dotted name through its
    imports, `scopes` are what names are bound to, as `bound_once` says, the innermost scope first."""

    def __init__(
        self, data: bytes, path: str, absolute: Callable[[str], str], scopes: tuple[Mapping[str, Node | None], ...]
    ) -> None:
        self._data = data
        self._path = path
        self._absolute = absolute
        self._scopes = scopes

    def read(self, node: Node, depth: int = 0) -> str | None:
        """Returns the path, relative ones as they are; None where it is not known."""
        if depth > _DEEPEST:
            return None
        match node.type:
            case "string":
                return syntax.string(node, self._data)
            case "identifier":
                return self._name(syntax.text(node, self._data), depth)
            case "attribute":
                return self._attribute(node, depth)
            case "call":
                return self._call(node, depth)
            case "subscript":
                return self._subscript(node)
            case "binary_operator":
                return self._joined(node, depth)
            case "parenthesized_expression" if node.named_child_count == 1:
                return self.read(node.named_children[0], depth + 1)
        return None

    def _name(self, name: str, depth: int) -> str | None:
        if name == "__file__":
            return self._path
        bound = next((scope[name] for scope in self._scopes if name in scope), None)
        return None if bound is None else self.read(bound, depth + 1)

    def _attribute(self, node: Node, depth: int) -> str | None:
        owner, name = self._parts(node)
        base = self.read(owner, depth + 1) if owner is not None and name == "parent" else None
        return None if base is None else posixpath.dirname(base)

    def _subscript(self, node: Node) -> str | None:
        owner, index = node.child_by_field_name("value"), node.child_by_field_name("subscript")
        if owner is None or index is None:
            return None
        is_environment = self._absolute(syntax.dotted(owner, self._data)) == "os.environ"
        return _TASK_ROOT if is_environment and syntax.string(index, self._data) == "LAMBDA_TASK_ROOT" else None

    def _joined(self, node: Node, depth: int) -> str | None:
        """`path / "name"` and `path + "/name"`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        sign = node.child_by_field_name("operator")
        if left is None or right is None or sign is None or sign.type not in ("/", "+"):
            return None
        first, second = self.read(left, depth + 1), self.read(right, depth + 1)
        if first is None or second is None:
            return None
        return first + second if sign.type == "+" else posixpath.join(first, second)

    def _call(self, node: Node, depth: int) -> str | None:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None or arguments.type != "argument_list":
            return None
        given = [child for child in arguments.named_children if child.type not in ("comment", "keyword_argument")]
        name = self._absolute(syntax.dotted(function, self._data))
        if name in _TASK_ROOT_CALLS:
            return _TASK_ROOT
        if name in _ENVIRONMENT:
            return _TASK_ROOT if given and syntax.string(given[0], self._data) == "LAMBDA_TASK_ROOT" else None
        parts = [self.read(item, depth + 1) for item in given]
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        if name == "os.path.join" or name in _PURE:
            return posixpath.join(*known) if known else None
        if name in _SAME and len(known) == 1:
            return known[0]
        if name == "os.path.dirname" and len(known) == 1:
            return posixpath.dirname(known[0])
        return self._method(function, known, depth)

    def _method(self, function: Node, given: list[str], depth: int) -> str | None:
        owner, name = self._parts(function)
        base = self.read(owner, depth + 1) if owner is not None else None
        if base is None:
            return None
        if name in _SAME_METHODS:
            return base
        if name == "joinpath":
            return posixpath.join(base, *given)
        if name == "with_name" and len(given) == 1:
            return posixpath.join(posixpath.dirname(base), given[0])
        return None

    def _parts(self, node: Node) -> tuple[Node | None, str]:
        if node.type != "attribute":
            return None, ""
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        return owner, "" if name is None else syntax.text(name, self._data)


def bound_once(scope: Node, data: bytes) -> dict[str, Node | None]:
    """Returns what a scope's names are bound to: the expression of those that are bound exactly once, by a plain
    assignment in the scope's own statements, and None for all others that it binds. `scope` is a module or a function.
    """
    found: dict[str, Node | None] = {}
    parameters = scope.child_by_field_name("parameters")
    if parameters is not None:
        found.update((syntax.text(name, data), None) for name in _identifiers(parameters))
    body = scope.child_by_field_name("body") or scope
    pending = list(body.named_children)
    while pending:
        node = pending.pop()
        if node.type in _SCOPES:
            name = node.child_by_field_name("name")
            found.update([(syntax.text(name, data), None)] if name is not None else [])
            continue
        pending += node.named_children
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        is_plain = node.type == "assignment" and left is not None and left.type == "identifier"
        targets = [left] if left is not None and node.type in _BINDERS else [node] if node.type in _NAMERS else []
        for name in (name for target in targets for name in _identifiers(target)):
            bound = syntax.text(name, data)
            found[bound] = right if is_plain and bound not in found else None
    return found


def _identifiers(node: Node) -> list[Node]:
    if node.type == "identifier":
        return [node]
    return [found for child in node.named_children for found in _identifiers(child)]
