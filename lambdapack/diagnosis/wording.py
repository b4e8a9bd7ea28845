r"""What carried an error message is taken off: colours, non-breaking spaces, escapes, quoting, the marks of a web page.

Lambda's runtime client joins the lines of one event with `\r` and indents with U+00A0 (awslambdaric's `bootstrap.py`);
consoles, tickets and chats add their own. Knows nothing of what messages mean.
"""

from __future__ import annotations

import html
import re

# ECMA-48: CSI ... final byte, OSC ... BEL or ST; and colours whose ESC was lost on the way.
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|(?<![\w\]])\[\d{1,3}(?:;\d{1,3})*m"
)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\x00\x08"), None)
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2009\u2002\u2003\u3000"), " ")
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚‛′´＇"), "'"), **dict.fromkeys(map(ord, "“”„‟″＂"), '"')}
_ESCAPED_BREAK = re.compile(r"\\+(?:r\\+n|[nr])")
# Where a drive of Windows is named, `\n` may be the beginning of a folder's name.
_SURELY_A_BREAK = re.compile(r"(?<!\b[A-Za-z]:)\\+(?:r\\+n|[nr])(?=$|[^a-z]|(?:[a-z]+Error|from|import)\b)")
_DRIVE = re.compile(r"\b[A-Za-z]:\\")
_ESCAPED_MARK = re.compile(r"\\+(['\"_*`\[\]<>#])")
_UNICODE = re.compile(r"\\+u(00[0-9a-fA-F]{2})")
_QUOTED_LINE = re.compile(r"^(?:>\s?)+(?=\S)", re.MULTILINE)
_FENCE = re.compile(r"^\s*(?:```|~~~)\w*\s*$", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)([^*\n]{1,300}?)(?<=\S)\*\*")
_SPACE = re.compile(r"\s+")


def decode(data: bytes) -> str:
    """Returns the text of a file: UTF-8, or UTF-16 as PowerShell's `>` writes it; what is neither becomes U+FFFD."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def clean(text: str) -> str:
    r"""Returns a text with line breaks of one kind and nothing that is not said; `\r` separates lines of one event."""
    text = _ANSI.sub("", text)
    text = text.translate(_SPACES).translate(_INVISIBLE).translate(_QUOTES)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")


def unescape(text: str) -> str:
    r"""Undoes what JSON, HTML and Markdown do to a text: `\n`, `&#39;`, `lambda\_function`."""
    if "\\" in text:
        text = _UNICODE.sub(lambda match: chr(int(match[1], 16)), text)
        text = (_SURELY_A_BREAK if _DRIVE.search(text) else _ESCAPED_BREAK).sub("\n", text)
        text = _ESCAPED_MARK.sub(r"\1", text)
    if "&" in text:
        text = html.unescape(text)
    text = _BOLD.sub(r"\1", _QUOTED_LINE.sub("", text))
    return clean(_FENCE.sub("", text))


def in_one_line(text: str) -> str:
    """Returns the text with every run of white space as one space: how folded lines are read."""
    return _SPACE.sub(" ", text).strip()


def unfolded(text: str) -> str:
    """Returns the text with line breaks taken out altogether: how lines are read that were cut within words."""
    return in_one_line(re.sub(r"\n[ ]*", "", text))
