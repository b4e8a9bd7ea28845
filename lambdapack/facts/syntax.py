"""Small questions to tree-sitter's nodes: text, names, literals, imports. Knows single nodes, no control flow."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator
from itertools import pairwise

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from lambdapack.facts.outline import blank_functions
from lambdapack.facts.program import Block, Import, Maybe, Statement

_PYTHON = Language(tree_sitter_python.language())
_EVALUATED_LATER = frozenset(
    ("lambda", "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression",
     "function_definition", "class_definition")
)  # fmt: skip
_EVALUATED_PERHAPS = frozenset(("conditional_expression", "boolean_operator"))
_OWN_PACKAGE = ("__package__", "__name__")


def parse(data: bytes) -> Node:
    """Returns the root of a module's syntax tree. The parser is made anew: one must not serve several threads."""
    return Parser(_PYTHON).parse(data).root_node


def parse_outline(data: bytes) -> Node:
    """Parses without the bodies of most functions: they are most of the text, and nothing is asked of them."""
    outline = blank_functions(data)
    if outline is not None:
        root = parse(outline)
        if not root.has_error:
            return root
    return parse(data)


def raw(node: Node, data: bytes) -> bytes:
    """Returns a node's bytes."""
    return data[node.start_byte : node.end_byte]


def text(node: Node, data: bytes) -> str:
    """Returns a node's text; bytes that are not UTF-8 become replacement characters."""
    return raw(node, data).decode("utf-8", "replace")


def dotted(node: Node, data: bytes) -> str:
    """Returns a dotted name as Python reads it: without the white space around its dots, in normal form (PEP 3131)."""
    name = "".join(text(node, data).split())
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def string(node: Node, data: bytes) -> str | None:
    """Returns a string literal's content, None for anything else (also for f-strings with fields)."""
    if node.type != "string" or any(child.type == "interpolation" for child in node.children):
        return None
    return "".join(text(child, data) for child in node.children if child.type == "string_content")


def strings(node: Node, data: bytes) -> list[str] | None:
    """Returns the items of a list or tuple of string literals, None for anything else."""
    if node.type not in ("list", "tuple"):
        return None
    found = [string(child, data) for child in node.named_children if child.type != "comment"]
    return [item for item in found if item is not None] if None not in found else None


def is_class(node: Node) -> bool:
    """True for a class, decorated or not."""
    inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
    return inner is not None and inner.type == "class_definition"


def without_classes(root: Node, data: bytes) -> bytes:
    """Returns a module's text but for its classes."""
    children = root.named_children
    places = pairwise((*(child.start_byte for child in children), len(data)))
    found = (data[start:end] for child, (start, end) in zip(children, places, strict=True) if not is_class(child))
    return b"\n".join(found)


def caught(clause: Node, data: bytes) -> tuple[str, ...] | None:
    """Returns the dotted names of an `except` clause, None for a bare one or one that is computed."""
    names: list[str] = []
    for child in clause.named_children:
        if child.type in ("block", "comment"):
            continue
        target = child.named_children[0] if child.type == "as_pattern" else child
        items = target.named_children if target.type in ("tuple", "parenthesized_expression") else [target]
        for item in items:
            if item.type not in ("identifier", "attribute"):
                return None
            names.append(dotted(item, data))
    return tuple(names) or None


def imports(node: Node, data: bytes) -> Iterator[Import]:
    """Reads an import statement: one `Import` for each module it names."""
    line = node.start_point[0] + 1
    if node.type == "import_statement":
        for name, alias in aliases(node, data):
            yield Import(line, name, bound=alias or name.partition(".")[0])
        return
    module = node.child_by_field_name("module_name")
    if node.type != "import_from_statement" or module is None:
        return
    level, target = 0, ""
    if module.type == "relative_import":
        for part in module.named_children:
            if part.type == "import_prefix":
                level = text(part, data).count(".")
            elif part.type == "dotted_name":
                target = dotted(part, data)
    else:
        target = dotted(module, data)
    if any(child.type == "wildcard_import" for child in node.children):
        yield Import(line, target, level, (("*", "*"),))
    else:
        yield Import(line, target, level, tuple((name, alias or name) for name, alias in aliases(node, data)))


def aliases(node: Node, data: bytes) -> Iterator[tuple[str, str | None]]:
    """Yields what an import statement names, each with its `as` name or None."""
    for name in node.children_by_field_name("name"):
        if name.type == "aliased_import":
            target, alias = name.child_by_field_name("name"), name.child_by_field_name("alias")
            if target is not None and alias is not None:
                yield dotted(target, data), text(alias, data)
        else:
            yield dotted(name, data), None


def dynamic_imports(node: Node, data: bytes, importers: Container[str]) -> Iterator[Statement]:
    """Yields `import_module("literal")` and `__import__("literal")` calls that run with their statement; `importers`
    are the dotted names that stand for one of the two."""
    if node.type in _EVALUATED_LATER:
        return
    if node.type in _EVALUATED_PERHAPS:
        inner = tuple(found for child in node.named_children for found in dynamic_imports(child, data, importers))
        if inner:
            yield Maybe(Block(inner))
        return
    if node.type == "call":
        found = _dynamic_import(node, data, importers)
        if found is not None:
            yield found
    for child in node.named_children:
        yield from dynamic_imports(child, data, importers)


def _dynamic_import(call: Node, data: bytes, importers: Container[str]) -> Import | None:
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or arguments is None or not arguments.named_children:
        return None
    literal = string(arguments.named_children[0], data)
    if not literal or dotted(function, data) not in importers:
        return None
    line = call.start_point[0] + 1
    if not literal.startswith("."):
        return Import(line, literal, dynamic=True)
    package = text(arguments.named_children[1], data) if len(arguments.named_children) > 1 else ""
    if package.removeprefix("package=").strip() not in _OWN_PACKAGE:
        return None
    name = literal.lstrip(".")
    return Import(line, name, len(literal) - len(name), dynamic=True)
