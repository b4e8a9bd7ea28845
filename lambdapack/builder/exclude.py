"""Which paths a pattern takes out of an artifact. Knows paths and patterns only, no files.

The rules are gitignore's: a pattern without `/` matches a name at any depth, one with `/` is anchored at the
artifact's root; `*` and `?` stay within a name, `**` spans folders, a `/` at the end asks for a folder; what matches
a folder takes out everything in it. Case counts, on every system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lambdapack.errors import UsageError

# Never packed from first-party folders: made by tools or editors, of no use at run time, and partly host-specific.
# Byte code is here because its time stamps never match the fixed dates of the artifact, so Lambda would ignore it.
# Wheels are not touched by these.
LEFT_OUT_BY_DEFAULT = (
    "__pycache__/",
    "*.pyc",
    "*.pyo",
    "*.egg-info",
    ".git",
    ".hg",
    ".svn",
    ".venv/",
    ".tox/",
    ".nox/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".aws-sam/",
    ".serverless/",
    ".idea/",
    ".vscode/",
    ".DS_Store",
    "Thumbs.db",
)


class Patterns:
    """Compiled patterns, asked in order."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._compiled = [(pattern, _compile(pattern)) for pattern in patterns]

    def __bool__(self) -> bool:
        """False when there are none."""
        return bool(self._compiled)

    def match(self, path: str, *, is_folder: bool = False) -> str | None:
        """Returns the first pattern that takes `path` out, or None. `path` has no `/` at either end."""
        subject = f"{path}/" if is_folder else path
        for pattern, regex in self._compiled:
            if regex.match(subject):
                return pattern
        return None


def _compile(pattern: str) -> re.Pattern[str]:
    text = pattern.strip()
    if text.startswith("!"):
        raise UsageError(
            f"exclude pattern {pattern!r}: taking back with ! is not supported", hint="name what to exclude"
        )
    if "\\" in text:
        raise UsageError(f"exclude pattern {pattern!r}: paths in an artifact are written with /")
    only_folders = text.endswith("/")
    anchored = "/" in text.rstrip("/")
    body = text.strip("/")
    if not body:
        raise UsageError(f"exclude pattern {pattern!r} names nothing")
    start = "" if anchored or text.startswith("/") else "(?:.*/)?"
    end = "/" if only_folders else "(?:/|$)"
    try:
        return re.compile(start + _translate(body) + end, re.DOTALL)
    except re.error as error:
        raise UsageError(f"exclude pattern {pattern!r}: {error}") from error


def _translate(body: str) -> str:
    """The regular expression of a pattern without its outer slashes."""
    parts = body.split("/")
    out = ""
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part == "**":
            # `a/**` is everything below a; `**/a` and `a/**/b` also match without a folder between.
            out += ".+" if last else "(?:.*/)?"
        else:
            out += _translate_name(part) + ("" if last else "/")
    return out


def _translate_name(name: str) -> str:
    out, position = "", 0
    while position < len(name):
        character = name[position]
        position += 1
        if character == "*":
            out += "[^/]*"
        elif character == "?":
            out += "[^/]"
        elif character == "[" and (close := name.find("]", position + 1)) > 0:
            inner = name[position:close]
            negated = inner.startswith(("!", "^"))
            escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
            out += f"[{'^/' if negated else ''}{escaped}]"
            position = close + 1
        else:
            out += re.escape(character)
    return out
