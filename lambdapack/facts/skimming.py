"""Reads a module in pieces into statements: what is plain from its text, what is not from the syntax tree of the rest.

Must find exactly what `StatementReader` finds in the tree of the whole module; the tests hold them against each other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from lambdapack.facts import syntax
from lambdapack.facts.expression import UNKNOWN, Expression, is_attribute
from lambdapack.facts.pieces import Piece, Pieces
from lambdapack.facts.program import EMPTY, Block, Constant, Evaluate, Import, Statement
from lambdapack.facts.statements import StatementReader

_COMMENT = re.compile(rb"#[^\n]*")
_ALIASED = re.compile(rb"\s*([A-Za-z_]\w*)(?:[ \t]+as[ \t]+([A-Za-z_]\w*))?\s*")
_DECORATOR = re.compile(rb"@([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:#.*)?")
_INTEGER = re.compile(rb"0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[\d_]+[jJ]?")
_DOTTED = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_LITERALS: dict[bytes, Expression] = {
    b"True": ("literal", True),
    b"False": ("literal", False),
    b"None": ("literal", None),
}
_STRING = re.compile(rb""""([^"\\\n]*)"|'([^'\\\n]*)'|#[^\n]*|\s+""")
_STRINGS = re.compile(rb"\[(?:s(?:,s)*+,?)?+\]")


class _Nodes:
    """The children of one block, in order."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._at = 0

    def before(self, end: int) -> Iterator[Node]:
        """Yields those not yet taken that begin before a place."""
        while self._at < len(self._nodes) and self._nodes[self._at].start_byte < end:
            self._at += 1
            yield self._nodes[self._at - 1]


class _NotPlainError(Exception):
    """A piece is not as plain as it looked."""


@dataclass(slots=True)
class _Bound:
    """What the statements of one block become."""

    statements: list[Statement]
    names: set[str]


class Skimmer:
    """Reads one module. `namespace` has what is collected on the way; `obscures` is as a `StatementReader` takes it."""

    def __init__(self, data: bytes, pieces: Pieces, obscures: Callable[[bytes], bool] | None = None) -> None:
        self._data = data
        self._pieces = pieces
        text = pieces.rest.text
        self.root = syntax.parse(text, pieces.rest.places) if text else None
        self._reader = StatementReader(text, rest=pieces.rest, obscures=obscures)
        self.namespace = self._reader.namespace

    def read(self) -> Block | None:
        """Returns the block of the module; None where something is not as plain as it looked."""
        if self.root is not None and self.root.has_error:
            return None
        nodes = [] if self.root is None else self.root.named_children
        if self.root is not None:
            self._reader.note_obscuring(self.root)
        try:
            bound = self._block(self._pieces.statements, _Nodes(nodes), in_class=False)
        except _NotPlainError:
            return None
        names = bound.names | self.namespace.targets.global_names
        return Block(tuple(bound.statements), frozenset(names)) if bound.statements or names else EMPTY

    def _later(self, pieces: list[Piece]) -> None:
        """Takes in what a function imports and binds in the module."""
        for piece in pieces:
            if piece.kind == "GLOBAL":
                names = {name.strip() for name in piece.at["globals"].decode().split(",")}
                self.namespace.targets.global_names |= names
                self.namespace.targets.volatile |= names
            elif piece.kind == "IMPORT":
                self.namespace.deferred.imports.extend(_modules(piece))
            else:
                self.namespace.deferred.imports.append(_from(piece))

    def _block(self, pieces: list[Piece], nodes: _Nodes, *, in_class: bool) -> _Bound:
        bound = _Bound([], set())
        out, names = bound.statements, bound.names
        for piece in pieces:
            if piece.kind == "CLASS":
                self._class(piece, nodes, bound)
                continue
            if piece.end:
                for node in nodes.before(piece.end):
                    self._reader.add(node, out, names)
            else:
                self._plain(piece, bound, in_class=in_class)
            if piece.inner:
                self._later(piece.inner)
        return bound

    def _plain(self, piece: Piece, bound: _Bound, *, in_class: bool) -> None:
        match piece.kind:
            case "FUNCTION":
                self._function(piece, bound)
            case "ASSIGNMENT":
                self._assignment(piece, bound, in_class=in_class)
            case "FROM" if piece.at["module"] == b"__future__":
                names = self.namespace
                names.lazy_annotations = names.lazy_annotations or b"annotations" in piece.at[0]
                bound.names.update(name for _, name in _from(piece).names or ())
            case "FROM":
                bound.statements.append(_from(piece))
            case "IMPORT":
                bound.statements.extend(_modules(piece))

    # -- assignments -----------------------------------------------------------------------------------------------

    def _assignment(self, piece: Piece, bound: _Bound, *, in_class: bool) -> None:
        found = piece.at
        text, atom, brackets = found.group("text", "atom", "brackets")
        if text is None and atom is None and brackets is None:
            return  # `name: annotation` alone binds nothing
        name = found["target"].decode()
        bound.names.add(name)
        if in_class:
            return
        if name == "__all__":
            self.namespace.exports.assign_names(None if brackets is None else _strings(brackets))
        value = _value(text, atom)
        bound.statements.append(Constant(name, value, piece.row + 1 if is_attribute(value) else 0))

    # -- definitions -----------------------------------------------------------------------------------------------

    def _function(self, piece: Piece, bound: _Bound) -> None:
        found = piece.at
        decorated = self._decorators(piece, bound)
        start = found.start("def")
        text = self._data[start : found.end()]
        if decorated:
            whole = self._data[found.start("decorators") : start] + syntax.trimmed(text)
            self.namespace.managers.note(whole, found["function"].decode())
        line = piece.row + found["decorators"].count(b"\n") + 1
        self.namespace.define(
            found["function"].decode(), line, text, bound.statements, bound.names, decorated=decorated
        )

    def _decorators(self, piece: Piece, bound: _Bound) -> bool:
        decorators = piece.at["decorators"]
        if not decorators:
            return False
        for line, text in enumerate(decorators.splitlines(), piece.row + 1):
            stripped = text.strip()
            if not stripped or stripped.startswith(b"#"):
                continue
            name = _DECORATOR.fullmatch(stripped)
            if name is None:
                raise _NotPlainError
            called: Expression = ("name", name[1].decode())
            bound.statements.append(Evaluate(("call", called, (UNKNOWN,), (), line)))
        return True

    def _class(self, piece: Piece, nodes: _Nodes, bound: _Bound) -> None:
        found, reader = piece.at, self._reader
        name = found["class"].decode()
        node = next((item for item in nodes.before(piece.end) if item.type != "comment"), None) if piece.end else None
        if piece.end and (node is None or not syntax.is_class(node)):
            raise _NotPlainError
        body = None
        if node is None:
            self._decorators(piece, bound)
        else:
            if node.type == "decorated_definition":
                reader.decorators(node, bound.statements)
                node = node.child_by_field_name("definition") or node
            reader.evaluate(node.child_by_field_name("superclasses"), bound.statements)
            body = node.child_by_field_name("body")
        line = piece.row + found["decorators"].count(b"\n") + 1
        self.namespace.keep_bases(found["bases"] or b"", line, bound.statements)
        with self.namespace.inside_class():
            inner = self._block(piece.inner, _Nodes([] if body is None else body.named_children), in_class=True)
        block = Block(tuple(inner.statements), frozenset(inner.names))
        plain = not found["decorators"] and b"metaclass" not in (found["bases"] or b"")
        self.namespace.bind_class(name, block, bound.statements, bound.names, plain=plain)


def _from(piece: Piece) -> Import:
    module, names, listed = piece.at.group("module", "names", "listed")
    if names == b"*":
        found: tuple[tuple[str, str], ...] = (("*", "*"),)
    elif names is not None:
        found = tuple(_aliased(names.split(b",")))
    else:
        items = _COMMENT.sub(b"", listed).split(b",")
        found = tuple(_aliased(items if items[-1].strip() else items[:-1]))
    target = module.lstrip(b".")
    if not module or not found:
        raise _NotPlainError
    return Import(piece.row + 1, target.decode(), len(module) - len(target), found)


def _aliased(items: list[bytes]) -> Iterator[tuple[str, str]]:
    for item in items:
        found = _ALIASED.fullmatch(item)
        if found is None:
            raise _NotPlainError
        name = found[1].decode()
        yield name, found[2].decode() if found[2] else name


def _modules(piece: Piece) -> Iterator[Import]:
    for item in piece.at["modules"].decode().split(","):
        words = item.split()
        yield Import(piece.row + 1, words[0], bound=words[-1] if len(words) > 1 else words[0].partition(".")[0])


def _value(text: bytes | None, atom: bytes | None) -> Expression:
    if text is not None:
        if b"\\" in text:
            return UNKNOWN  # escapes are not worked out
        quotes = 3 if text[:3] in (b'"""', b"'''") else 1
        return ("literal", text[quotes:-quotes].decode("utf-8", "replace"))
    if atom is None:
        return UNKNOWN
    if atom in _LITERALS:
        return _LITERALS[atom]
    if _INTEGER.fullmatch(atom):
        try:
            return ("literal", ast.literal_eval(atom.decode()))
        except (SyntaxError, ValueError):
            return UNKNOWN
    return ("name", atom.decode()) if _DOTTED.fullmatch(atom) else UNKNOWN


def _strings(brackets: bytes) -> list[str] | None:
    """Returns the items of a list of string literals, None for anything else."""
    found = []
    shape = []
    done = 0
    for token in _STRING.finditer(brackets):
        shape.append(brackets[done : token.start()])
        done = token.end()
        text = token[1] if token[1] is not None else token[2]
        if text is not None:
            shape.append(b"s")
            found.append(text.decode("utf-8", "replace"))
    shape.append(brackets[done:])
    return found if _STRINGS.fullmatch(b"".join(shape)) else None
