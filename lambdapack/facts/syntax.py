"""Small questions to tree-sitter's nodes: text, names, literals, imports. Knows single nodes, no control flow."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Range

from lambdapack.facts.program import Import

_PYTHON = Language(tree_sitter_python.language())

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")
_LITERALS = frozenset(("identifier", "string", "integer", "float", "true", "false", "none"))
_HARMLESS = frozenset(
    (
        *_IMPORTS,
        "function_definition",
        "pass_statement",
        "comment",
        "global_statement",
        "raise_statement",
        "try_statement",
        "break_statement",
        "continue_statement",
    )
)
# What stands before a list's name where it is only read.
_READING = re.compile(
    rb"(?:\bin|\bif|\bwhile|\bnot|\band|\bor|\blen\(|[(,[] ?\*|\bsorted\(|\btuple\(|\bany\(|\ball\(|\.join\()\s*$"
)
_CHANGING = re.compile(rb"\b([A-Za-z_]\w*)(?:\.\w+\s*\(|\[[^\]\n]*\]\s*[-+*|]?=(?!=))")
_BASE = re.compile(rb"(?<![\w.\])])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)++(?!\s*\()")
_ITEM = re.compile(rb"\[[^\]\n]*\](?!\s*[-+*|]?=(?!=))")
_IMPORTING = re.compile(rb"^\s*(?:from\s+\S+\s+)?import\b")
_FOLLOWED = frozenset((*_LITERALS, "call"))  # whether a call may raise is seen when it is followed


def parse(data: bytes, places: Sequence[tuple[int, int, int, int]] = ()) -> Node:
    """Returns the root of a module's syntax tree. The parser is made anew: one must not serve several threads.

    Of a text that was put together, `places` are its stretches: the row, in the original, of each one's first and last
    line, and its first and last byte here.
    """
    if not places:
        return Parser(_PYTHON).parse(data).root_node
    ranges = [Range((row, 0), (last, 0), begin, end) for row, last, begin, end in places]
    return Parser(_PYTHON, included_ranges=ranges).parse(data).root_node


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
    first, last = node.children[0], node.children[-1]
    return data[first.end_byte : last.start_byte].decode("utf-8", "replace")


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


def is_plain_class(node: Node, data: bytes) -> bool:
    """True for a class without decorators and metaclass."""
    bases = node.child_by_field_name("superclasses")
    decorated = node.parent is not None and node.parent.type == "decorated_definition"
    return not decorated and (bases is None or b"metaclass" not in raw(bases, data))


def is_definition(node: Node) -> bool:
    """True for a class or a function, decorated or not."""
    return node.type in ("class_definition", "function_definition", "decorated_definition")


def may_raise(node: Node) -> bool:
    """True for a statement that may raise something other than what its imports and calls raise."""
    if node.type in ("expression_statement", "return_statement"):
        if node.named_child_count != 1:
            return node.named_child_count > 1
        child = node.named_children[0]
        right = child.child_by_field_name("right") if child.type == "assignment" else child
        return right is not None and right.type not in _FOLLOWED
    return node.type not in _HARMLESS


def is_only_read(name: str, bound: int, data: bytes) -> bool:
    """True when nothing in a source's text may change the list that a name is bound to at offset `bound`: it is gone
    through, asked for an item or its length, or handed out by an import."""
    word, at = name.encode(), -1
    while (at := data.find(word, at + 1)) >= 0:
        end = at + len(word)
        around = data[at - 1 : at] + data[end : end + 1]
        if at == bound or any(letter.isalnum() or letter == "_" for letter in around.decode("latin-1")):
            continue
        line = data[data.rfind(b"\n", 0, at) + 1 : at]
        rest = data[end : end + 200].lstrip(b" ")
        quoted = around[:1] in (b"'", b'"') or b"#" in line
        read = _READING.search(line) is not None and rest[:1] not in (b".", b"+", b"[", b"|", b"=")
        read = read or (_ITEM.match(rest) is not None and not line.rstrip().endswith(b"del"))
        if not (quoted or read or _IMPORTING.search(line)):
            return False
    return True


def dotted_bases(bases: bytes) -> tuple[str, ...]:
    """Returns the dotted names among a class's bases and keywords, given as text with its brackets."""
    if b"." not in bases or b"#" in bases or b"'" in bases or b'"' in bases:
        return ()
    return tuple(name.decode() for name in _BASE.findall(bases))


def deleted(statement: Node) -> list[Node]:
    """Returns the bare names that a `del` deletes."""
    targets: list[Node] = []
    for child in statement.named_children:
        targets += child.named_children if child.type in ("expression_list", "tuple") else [child]
    return [item for item in targets if item.type == "identifier"]


def changed_names(node: Node, data: bytes) -> frozenset[str]:
    """Returns the names of which something is called, or an item set, in a node's text."""
    return frozenset(name.decode() for name in _CHANGING.findall(raw(node, data)))


def trimmed(definition: bytes) -> bytes:
    """Returns a definition's text without blank lines and comments behind it."""
    while True:
        definition = definition.rstrip()
        head, _, last = definition.rpartition(b"\n")
        if not head or not last.lstrip().startswith(b"#"):
            return definition
        definition = head


def texts(root: Node, data: bytes, end: int | None = None) -> Iterator[tuple[Node, bytes]]:
    """Yields the statements of a module or block, each with its original text up to the next one, or `end`."""
    children = root.named_children
    places = pairwise((*(child.start_byte for child in children), len(data) if end is None else end))
    yield from ((child, data[start:end]) for child, (start, end) in zip(children, places, strict=True))


def raised(node: Node, data: bytes) -> str | None:
    """Returns the dotted name of the class that a `raise` raises; None for a bare one or a computed one."""
    first = next(iter(node.named_children), None)
    target = first.child_by_field_name("function") if first is not None and first.type == "call" else first
    return dotted(target, data) if target is not None and target.type in ("identifier", "attribute") else None


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


def caught_as(clause: Node, data: bytes) -> str | None:
    """Returns the name that an `except` clause gives the error."""
    for child in clause.named_children:
        if child.type == "as_pattern" and len(child.named_children) > 1:
            return dotted(child.named_children[1], data)
    return None


def guards(statement: Node, data: bytes) -> frozenset[str]:
    """Returns the dotted names that a `try` catches; a bare or computed clause counts as `BaseException`."""
    clauses = (child for child in statement.named_children if child.type in ("except_clause", "except_group_clause"))
    return frozenset(name for clause in clauses for name in caught(clause, data) or ("BaseException",))


def alternatives(node: Node) -> Iterator[tuple[Node | None, Node | None]]:
    """Yields what follows an `if` or a loop: the condition, None for `else`, and the body."""
    for clause in node.children_by_field_name("alternative"):
        if clause.type == "elif_clause":
            yield clause.child_by_field_name("condition"), clause.child_by_field_name("consequence")
        else:
            yield None, clause.child_by_field_name("body")


def imports(node: Node, data: bytes, first_line: int = 1) -> Iterator[Import]:
    """Reads an import statement: one `Import` for each module it names. `first_line` is the source's own."""
    line = node.start_point[0] + first_line
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
