"""Cuts a module's text into its statements, as deep as classes go, without a syntax tree.

Reads strings, comments, brackets and indentation exactly. Where the text is laid out in a way that is not certain,
nothing is cut: whoever asks parses the whole then. Says what kind of statement stands where, not what it does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from lambdapack.facts.syntax import is_only_read

# Nothing in these patterns gives back what it took, so that no text makes them slow: `++`, `*+`, `?+`.
_STRING = (
    rb'(?:"(?:""(?:[^"\\]++|\\.|"(?!""))*+"""|(?!"")(?:[^"\\\n]++|\\.)*+")'
    rb"|'(?:''(?:[^'\\]++|\\.|'(?!''))*+'''|(?!'')(?:[^'\\\n]++|\\.)*+'))"
)
_SHORT_STRING = rb""""[^"\\\n(|]*+"|'[^'\\\n(|]*+'"""  # one that holds nothing that could be taken for a call
_COMMENT = rb"#[^\n]*+"
_END = rb"[ \t\r]*+(?:%s)?+\n" % _COMMENT
_COLON = rb"[ \t]*+:%s" % _END
# The rest of a logical line, as far as no bracket is open at its end; a suite is indented deeper than `i`.
_LINE = rb"""(?:[^\n"'#\\]++|%s|\\(?:\r?\n|.))*+(?:%s)?+\n""" % (_STRING, _COMMENT)
_DEEPER = rb"(?:(?P=i)[ \t]++%s|%s)*+" % (_LINE, _END)
_SUITE = rb"(?:%s)*+(?P=i)[ \t]++(?=[^\s#])%s%s" % (_END, _LINE, _DEEPER)
_DEEPEST = 4  # brackets in brackets; what has more is parsed


def _parentheses(depth: int) -> bytes:
    inner = rb"|" + _parentheses(depth - 1) if depth > 1 else b""
    return rb"""\((?:[^()"'#\\]++|%s|%s|\\\r?\n%s)*+\)""" % (_STRING, _COMMENT, inner)


def _balanced(depth: int) -> bytes:
    """Brackets of all kinds, in pairs."""
    inner = rb"|" + _balanced(depth - 1) if depth > 1 else b""
    return rb"""[\[({](?:[^\[\](){}"'#\\]++|%s|%s|\\\r?\n%s)*+[\])}]""" % (_STRING, _COMMENT, inner)


def _brackets(depth: int) -> bytes:
    """A list, dictionary or set in which nothing is called or joined."""
    inner = rb"|" + _brackets(depth - 1) if depth > 1 else b""
    return rb"""[\[{](?:[^()\[\]{}|%%/"'#\\]++|%s|%s%s)*+[\]}]""" % (_SHORT_STRING, _COMMENT, inner)


_NAME = rb"[A-Za-z_]\w*+"
_DOTTED = rb"%s(?:\.%s)*+" % (_NAME, _NAME)
_ALIAS = rb"(?:[ \t]+as[ \t]+%s)?+" % _NAME
_COMMA = rb"[ \t]*+,[ \t]*+"
_PARENTHESES = _parentheses(_DEEPEST)
_BALANCED = _balanced(_DEEPEST)
_FROM = (
    rb"from[ \t]+(?P<module>\.*+(?:%(dotted)s)?+)[ \t]+import[ \t]+"
    rb"(?:(?P<names>\*|%(name)s%(alias)s(?:%(comma)s%(name)s%(alias)s)*+)|\((?P<listed>[^()]*+)\))%(end)s(?P<FROM>)"
)
_IMPORT = rb"import[ \t]+(?P<modules>%(dotted)s%(alias)s(?:%(comma)s%(dotted)s%(alias)s)*+)%(end)s(?P<IMPORT>)"
_DECORATORS = rb"(?P<decorators>(?:@(?:[^\n()\"'#\\]++|%(string)s|%(parentheses)s)++(?:%(end)s)++(?P=i))*+)"
_RETURNS = rb"(?:[ \t]*+->(?P<returns>(?:[^\n:#\[({\"'\\]++|%(balanced)s|%(string)s)++))?+"
_FUNCTION = (
    rb"(?P<def>(?:async[ \t]+)?def[ \t]+(?P<function>%(name)s)%(type_parameters)s[ \t]*+(?P<parameters>%(parentheses)s)"
    + _RETURNS
    + rb")(?:%(colon)s(?P<suite>%(suite)s)"
    # In one line, if nothing deeper follows.
    rb"|[ \t]*+:(?:[^\n\"'#\\;]++|%(string)s)++(?:%(comment)s)?+\n(?:%(end)s)*+(?!(?P=i)[ \t]))(?P<FUNCTION>)"
)
_CLASS = (
    rb"class[ \t]+(?P<class>%(name)s)%(type_parameters)s[ \t]*+(?P<bases>%(parentheses)s)?+"
    rb"%(colon)s(?P<members>%(suite)s)(?P<CLASS>)"
)
_DEFINITION = _DECORATORS + rb"(?:" + _FUNCTION + rb"|" + _CLASS + rb")"
_TEXT = rb"[rRuU]?+%(string)s%(end)s(?P<TEXT>)"
_NOTHING = rb"(?:pass|\.\.\.)%(end)s(?P<NOTHING>)"
_ASSIGNMENT = (
    rb"(?!(?:else|try|finally|lambda)\b)(?P<target>%(name)s)[ \t]*+(?=[:=])"
    rb"(?::(?P<annotation>(?:[^\n=:#\"'\\()\[\]{}]++|%(short)s|%(brackets)s)++))?+"
    rb"(?:=[ \t]*+(?:(?P<text>%(string)s)|(?P<atom>[\w.]++)|(?P<brackets>%(brackets)s)))?+%(end)s(?P<ASSIGNMENT>)"
)
_OTHER = rb"(?=[^\s#)\]}])%(line)s%(deeper)s(?:(?P=i)[)\]}]%(line)s%(deeper)s)*+(?P<OTHER>)"
_PARTS = {
    b"alias": _ALIAS,
    b"balanced": _BALANCED,
    b"brackets": _brackets(2),
    b"colon": _COLON,
    b"comma": _COMMA,
    b"comment": _COMMENT,
    b"deeper": _DEEPER,
    b"dotted": _DOTTED,
    b"end": _END,
    b"line": _LINE,
    b"name": _NAME,
    b"parentheses": _PARENTHESES,
    b"short": _SHORT_STRING,
    b"string": _STRING,
    b"suite": _SUITE,
    b"type_parameters": rb"(?:(?=\[)%s)?+" % _BALANCED,
}
_KINDS = (_FROM, _DEFINITION, _IMPORT, _TEXT, _NOTHING, _ASSIGNMENT, _OTHER)
_STATEMENT = re.compile((rb"(?P<i>[ \t]*+)(?:" + b"|".join(_KINDS) + rb")") % _PARTS, re.DOTALL)
_MORE = re.compile(rb"(?P<i>[ \t]*+)%s%s" % (_LINE, _DEEPER), re.DOTALL)
_GAP = re.compile(rb"(?:%s)*+" % _END)
_INDENT = re.compile(rb"[ \t]*+")

_STRING_OR_COMMENT = re.compile(rb"%s|%s" % (_STRING, _COMMENT), re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))
_BRACKETS = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))
# Code from before Python 3.7 that the parser has to see, because it is none any more.
_OLD_NAME = re.compile(rb"\.async\b|\basync\s*[=,)]")
# Where in a function names are imported, or bound in the module: lines that say nothing of it, and those that do. What
# stands in the body of a `try` is nobody's concern.
_OTHER_LINES = re.compile(rb"(?:(?![ \t]*+(?:from|import|global|try)\b)%s)*+" % _LINE, re.DOTALL)
_TRY = re.compile((rb"(?P<i>[ \t]*+)try" + _COLON + _DEEPER), re.DOTALL)
_GLOBAL = rb"global[ \t]+(?P<globals>%(name)s(?:%(comma)s%(name)s)*+)%(end)s(?P<GLOBAL>)"
_LATER = re.compile((rb"[ \t]*+(?:" + b"|".join((_FROM, _IMPORT, _GLOBAL)) + rb")") % _PARTS)
_IN_LINE = re.compile(rb"[^\n]*[:;][ \t]*(?:from\b[^\n]*)?")
_LAZY = b"annotations"  # from __future__ import annotations


@dataclass(slots=True)
class Piece:
    """One statement, up to `stop`. `kind` is the name of its pattern's last group, `at` its match, `row` counts from 0.

    What is not understood from its text alone has a node in the tree of the rest: one or several children of the block
    there, that begin before `end`. `inner` are the pieces of a class, and of a function's what it imports or binds in
    the module."""

    kind: str
    at: re.Match[bytes]
    stop: int
    row: int
    end: int = 0
    inner: list[Piece] = field(default_factory=list)


class Rest:
    """What of a `module` has to be parsed, put together: statements that are more than plain, definitions without their
    bodies.

    `places` are the row, in the module, of each stretch's first and last line, and where it begins and ends here;
    `functions` the original text of functions that are here without a body, by where their `def` is."""

    def __init__(self, module: bytes) -> None:
        self.module = module
        self.size = 0
        self.places: list[tuple[int, int, int, int]] = []
        self.functions: dict[int, bytes] = {}
        self._parts: list[bytes] = []
        self._origins: list[int] = []

    @property
    def text(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)

    def original(self, at: int) -> int:
        """Returns where in the module a place of the text is."""
        stretch = bisect_right(self.places, at, key=lambda place: place[2]) - 1
        return self._origins[stretch] + at - self.places[stretch][2]

    def add(self, text: bytes, row: int, origin: int) -> None:
        """Appends whole lines."""
        self.places.append((row, row + text.count(b"\n"), self.size, self.size + len(text)))
        self._parts.append(text)
        self._origins.append(origin)
        self.size += len(text)

    def take_back(self, count: int) -> None:
        """Forgets what was added after the first `count` stretches."""
        del self._parts[count:], self.places[count:], self._origins[count:]
        self.size = self.places[-1][3] if self.places else 0


class _DoubtError(Exception):
    """The text may not be what it looks like."""


class Pieces:
    """A module in pieces; `rest` is what of them has to be parsed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lazy = False
        self._row, self._counted = 0, 0
        self.rest = Rest(data)
        self.statements = list(self._cut(0, len(data), b""))

    def texts(self) -> Iterator[tuple[Piece, bytes]]:
        """Yields each statement of the module with its text up to the next one."""
        starts = [*(piece.at.start() for piece in self.statements), len(self._data)]
        for piece, (start, end) in zip(self.statements, pairwise(starts), strict=True):
            yield piece, self._data[start:end]

    @property
    def loose(self) -> bytes:
        """The module's text without its classes."""
        parts, start = [], 0
        for piece in self.statements:
            if piece.kind == "CLASS":
                parts.append(self._data[start : piece.at.start()])
                start = piece.at.end()
        return b"\n".join((*parts, self._data[start:]))

    def _cut(self, start: int, end: int, indent: bytes) -> Iterator[Piece]:
        data = self._data
        start = _GAP.match(data, start, end).end()  # type: ignore[union-attr] # it matches nothing, too
        while start < end:
            found = _STATEMENT.match(data, start, end)
            if found is None or found["i"] != indent or found.lastgroup is None:
                raise _DoubtError
            self._row += data.count(b"\n", self._counted, start)
            self._counted = start
            piece = Piece(found.lastgroup, found, found.end(), self._row)
            match piece.kind:
                case "FUNCTION":
                    self._function(piece)
                case "CLASS":
                    self._class(piece)
                case "OTHER":
                    self._other(piece, end, in_class=bool(indent))
                case "ASSIGNMENT":
                    if not self._is_plain(found, in_class=bool(indent)):
                        self._other(piece, end, in_class=bool(indent))
                case "FROM" if found["module"] == b"__future__":
                    self._lazy = self._lazy or _LAZY in found[0]
            yield piece
            start = _GAP.match(data, piece.stop, end).end()  # type: ignore[union-attr] # as above

    def _is_plain(self, assignment: re.Match[bytes], *, in_class: bool) -> bool:
        target, annotation, brackets = assignment.group("target", "annotation", "brackets")
        if annotation is not None and not self._lazy and (b"(" in annotation or b"|" in annotation):
            return False
        if brackets is None or brackets[:1] == b"{":
            return b":=" not in (brackets or b"")
        # What is in a list matters where nothing changes it.
        unknown = in_class or not is_only_read(target.decode(), assignment.start("target"), self._data)
        return b":=" not in brackets and unknown

    def _copy(self, piece: Piece) -> None:
        self.rest.add(self._data[piece.at.start() : piece.stop], piece.row, piece.at.start())
        piece.end = self.rest.size

    def _other(self, piece: Piece, end: int, *, in_class: bool) -> None:
        data, start = self._data, piece.at.start()
        while not _is_balanced(data[start : piece.stop]):
            # It goes on, with lines that are not indented, and may look like statements of their own.
            more = _MORE.match(data, piece.stop, end)
            if more is None or more.end() == piece.stop:
                raise _DoubtError
            piece.stop = more.end()
        text = data[start : piece.stop]
        # A decorator alone is not where it should be; what `:=` binds in a class is a matter of the whole module.
        if text.lstrip().startswith(b"@") or (in_class and b":=" in text):
            raise _DoubtError
        self._copy(piece)

    def _function(self, piece: Piece) -> None:
        found, data = piece.at, self._data
        start, end = found.span("def")
        if b":=" in found["decorators"]:
            raise _DoubtError
        if not self._note_later(piece, found.start("suite") if found["suite"] is not None else end):
            piece.inner.clear()
            self._copy(piece)
            return
        parameters, returns = found["parameters"], found["returns"] or b""
        calls = b"(" in parameters[1:] or b"(" in returns or b"(" in found["decorators"]
        if calls or (not self._lazy and (b"|" in parameters or b"|" in returns)):
            self.rest.functions[self.rest.size + start - found.start()] = data[start : found.end()]
            self.rest.add(data[found.start() : end] + b": 0\n", piece.row, found.start())
            piece.end = self.rest.size

    def _note_later(self, piece: Piece, at: int) -> bool:
        """Takes in what a function imports, and binds in the module; False where only a parser can tell."""
        data, end = self._data, piece.stop
        words = [word for word in (b"import", b"global") if data.find(word, at, end) >= 0]
        if not words:
            return True
        if data.find(b"TYPE_CHECKING", at, end) >= 0 or any(self._stands_in_line(word, at, end) for word in words):
            return False
        row, counted = self._row, piece.at.start()
        at = _OTHER_LINES.match(data, at, end).end()  # type: ignore[union-attr] # it matches nothing, too
        while at < end:
            found = _LATER.match(data, at, end)
            if found is not None:
                row += data.count(b"\n", counted, at)
                counted = at
                piece.inner.append(Piece(found.lastgroup or "", found, found.end(), row))
            else:
                found = _TRY.match(data, at, end)
                if found is None:
                    return False
            at = _OTHER_LINES.match(data, found.end(), end).end()  # type: ignore[union-attr] # as above
        return True

    def _stands_in_line(self, word: bytes, at: int, end: int) -> bool:
        data = self._data
        while (at := data.find(word, at, end)) >= 0:
            line = data.rfind(b"\n", 0, at) + 1
            if data[line - 3 : line].endswith((b"\\\n", b"\\\r\n")) or _IN_LINE.fullmatch(data, line, at):
                return True
            at += len(word)
        return False

    def _class(self, piece: Piece) -> None:
        found, data, rest = piece.at, self._data, self.rest
        start, end = found.span("members")
        if b":=" in data[found.start() : start]:
            raise _DoubtError
        before = len(rest.places)
        rest.add(data[found.start() : start], piece.row, found.start())
        header = rest.size
        begin = _GAP.match(data, start, end).end()  # type: ignore[union-attr] # as above
        indent = data[begin : _INDENT.match(data, begin).end()]  # type: ignore[union-attr] # as above
        piece.inner = list(self._cut(start, end, indent))
        if rest.size > header:
            piece.end = rest.size
        elif b"(" in (found["bases"] or b"")[1:] or b"(" in found["decorators"]:
            rest.add(indent + b"0\n", piece.row + data.count(b"\n", found.start(), start), start)
            piece.end = rest.size
        else:
            rest.take_back(before)


def cut_module(data: bytes) -> Pieces | None:
    """Returns the pieces of a module's bytes, which end in a line feed; None where its layout leaves any doubt."""
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None  # lone carriage returns end lines, too
    if b"\f" in data or b"\0" in data or data.startswith(b"\xef\xbb\xbf"):
        return None
    if b"async" in data and _OLD_NAME.search(data):
        return None
    try:
        return Pieces(data)
    except _DoubtError:
        return None


def _is_balanced(text: bytes) -> bool:
    brackets = _STRING_OR_COMMENT.sub(b"", text).translate(None, _NO_BRACKETS)
    return all(brackets.count(opening) == brackets.count(closing) for opening, closing in _BRACKETS)
