"""Lines folded at a terminal's width, with hanging indents. Commands stay whole, on lines of their own, so that they
can be copied; paths and names are never broken."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_RESET = "\x1b[0m"
# What a line begins with, below whose end its further lines begin.
_LABEL = re.compile(r"  +(?:fix: |reached: |look: |mind: |nearest: |[A-Z]{3}\d{3}  )?|(?:skipped|assumed) ")
_HEAD_INDENT = 4
_PIECE = re.compile(r"( +)")
_PROGRAMS = "uv|pip|python3?|lambdapack|aws|docker|podman|chmod|zip|unzip|sam|git|npm|dnf|patchelf|strip"
_COMMAND = re.compile(
    rf"(?P<before>^(?:  fix: | +)|: | with | by )(?P<command>(?:{_PROGRAMS}) [-a-z].*?)"
    r"(?=$|\x1b|; |, (?:or|and|for|not) )"
)


def width_of(text: str) -> int:
    """Returns how many columns a text takes; colours take none."""
    return len(_PAINT.sub("", text))


def fold(line: str, width: int | None) -> Iterator[str]:
    """Yields a line in pieces of at most `width` columns where its words allow it; None leaves it as it is."""
    if width is None or width_of(line) <= width:
        yield line
        return
    label = _LABEL.match(_PAINT.sub("", line))
    indent = " " * (len(label[0]) if label else _HEAD_INDENT)
    at = 0
    for found in _COMMAND.finditer(line):
        start = found.start("command")
        if width_of(found["command"]) <= width // 3:
            continue
        if not at and found["before"].strip() in ("", "fix:"):  # nothing stands before it
            yield line[: found.end()]
        else:
            yield from _filled(line[at:start].rstrip(), indent if at else "", indent, width)
            yield f"{indent}{found['command']}"
        at = found.end()
    rest = line[at:].lstrip(" ;,") if at else line
    if _PAINT.sub("", rest):
        yield from _filled(rest, indent if at else "", indent, width)
    elif rest:
        yield rest


def packed(parts: list[str], width: int, indent: str = "") -> Iterator[str]:
    """Yields lines of whole parts, two spaces between them."""
    line = ""
    for part in parts:
        longer = f"{line}  {part}" if line else f"{indent}{part}"
        if line and width_of(longer) > width:
            yield line
            longer = f"{indent}{part}"
        line = longer
    if line:
        yield line


def _filled(text: str, first: str, indent: str, width: int) -> Iterator[str]:
    """Yields the words of a text in lines; a colour that is open at the end of one goes on in the next."""
    line, paint = first, ""
    gap = ""
    for number, piece in enumerate(_PIECE.split(text)):
        if number % 2:  # the spaces between two words
            gap = piece
            continue
        if line.strip() and width_of(line + gap + piece) > width:
            yield line + (_RESET if paint else "")
            line, gap = indent + paint, ""
        line += gap + piece
        gap = ""
        for code in _PAINT.findall(piece):
            paint = "" if code == _RESET else code
    yield line
