"""A module's source with the bodies of functions blanked: what importing it runs is a small part of most files.

Names, places and lines stay where they are, so that a syntax tree of the outline fits the original text. Where anything
is out of the ordinary, nothing is blanked: an outline only ever saves time. Knows no syntax tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

_DEFINITION = b"def "
_BLANK = (b"", b"async")
_HEADER_END = re.compile(rb":[ \t\r]*(?:#[^\n]*)?$")
_HEADER_LINES = 60
# What the reader looks for in functions, where a statement may begin.
_WANTED = re.compile(rb"(?:^|[:;])[ \t]*(?:from|import|global)\b", re.MULTILINE)
# Code from before Python 3.7 that the parser has to see, because it is none any more.
_OLD_NAME = re.compile(rb"\.async\b|\basync\s*[=,)]")
_DOCSTRING = re.compile(rb'\s*[rRuU]?"""')
_BRACKETS = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))
_NO_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))
_STRING_OR_COMMENT = re.compile(
    rb'#[^\n]*|"""(?:[^"\\]|\\.|"(?!""))*"""|'
    rb"'''(?:[^'\\]|\\.|'(?!''))*'''|"
    rb'"(?:[^"\\\n]|\\.)*"|'
    rb"'(?:[^'\\\n]|\\.)*'",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Outline:
    """A source of the original's length, and where each function whose body is blank really ends, by its `def`.

    `kept` are the stretches that are not blank: offset and row of where each begins and ends, always at a line's start.
    """

    text: bytes
    ends: Mapping[int, int]
    kept: Sequence[tuple[int, int, int, int]]


def blank_functions(data: bytes) -> Outline | None:
    """Returns a module's source, of the same length, without the bodies of functions that import nothing and declare
    nothing global; None when the text is not laid out so that this is safe."""
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None  # lone carriage returns end lines, too
    if not data.endswith(b"\n"):
        data += b"\n"
    ends: dict[int, int] = {}
    kept: list[tuple[int, int, int, int]] = []
    parts, done, row, at = [], 0, 0, data.find(_DEFINITION)
    while at >= 0:
        line = data.rfind(b"\n", 0, at) + 1
        before = data[line:at]
        if before.strip() not in _BLANK:
            at = data.find(_DEFINITION, at + 1)
            continue
        indent = before[: len(before) - len(before.lstrip())]
        begin = _end_of_header(data, at)
        if begin is None:
            at = data.find(_DEFINITION, at + 1)
            continue
        end = _deeper_than(indent).match(data, begin).end()  # type: ignore[union-attr] # it matches nothing, too
        body = data[begin:end]
        if not _quotes_are_closed(body):
            return None
        lines = body.count(b"\n")
        # Blank lines alone are no body: this "def" stands in a text.
        if len(body) - lines > len(indent) + 1 and _may_be_left_out(body):
            short = indent + b" 0\n"
            parts += [data[done:begin], short, b" " * (len(body) - len(short) - lines + 1), b"\n" * (lines - 1)]
            last = row + data.count(b"\n", done, begin)
            kept.append((done, row, begin + len(short), last + 1))
            done, row = end, last + lines
            ends[at] = end
        at = data.find(_DEFINITION, end)
    parts.append(data[done:])
    kept.append((done, row, len(data), row + data.count(b"\n", done)))
    return Outline(b"".join(parts), ends, kept)


def _end_of_header(data: bytes, at: int) -> int | None:
    """Returns where the body of a definition begins; None for one that is written in one line, or in an odd way."""
    end = at
    for _ in range(_HEADER_LINES):
        end = data.find(b"\n", end) + 1
        header = data[at : end - 1]
        if _is_balanced(header):
            return end if _HEADER_END.search(header) else None
        if end == len(data):
            return None
    return None


@cache
def _deeper_than(indent: bytes) -> re.Pattern[bytes]:
    """Matches lines that are indented deeper, blank lines and comments; without giving back, which needs memory."""
    return re.compile(rb"(?>%s[ \t]+[^\n]*\n|[ \t\r\f]*(?:#[^\n]*)?\n)*+" % indent)


def _quotes_are_closed(body: bytes) -> bool:
    """False when a string may begin in one of these lines and end behind them, or the other way round."""
    double, single = body.count(b'"""'), body.count(b"'''")
    if double % 2 or single % 2:
        return False
    if not single and (not double or (double == 2 and _DOCSTRING.match(body))):
        return True
    rest = _STRING_OR_COMMENT.sub(b"", body)
    return b'"""' not in rest and b"'''" not in rest


def _may_be_left_out(body: bytes) -> bool:
    if (b"import" in body or b"global" in body) and _WANTED.search(body):
        return False
    if b"async" in body and _OLD_NAME.search(body):
        return False
    # What is not balanced may be damaged: let the parser see it.
    return _is_balanced(body)


def _is_balanced(text: bytes) -> bool:
    brackets = text.translate(None, _NO_BRACKETS)
    return all(brackets.count(opening) == brackets.count(closing) for opening, closing in _BRACKETS)
