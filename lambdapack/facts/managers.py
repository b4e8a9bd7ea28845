"""Which context managers let an error through that is raised inside, and which swallow it."""

from __future__ import annotations

import re

from tree_sitter import Node

from lambdapack.facts import syntax

# Context managers of the standard library that never swallow an exception raised inside.
_TRANSPARENT = re.compile(
    rb"^(?:warnings\.)?catch_warnings\b|^open\b|^(?:threading\.)?R?Lock\b|^(?:contextlib\.)?nullcontext\b"
)
_SUPPRESS = re.compile(rb"^(?:contextlib\.)?suppress\b")
# A generator as a context manager sees what is raised inside at its `yield`; without `except` it cannot swallow it.
_PASSES_ERRORS_ON = re.compile(
    rb"@(?:contextlib\.)?contextmanager\s(?!.*\b(?:except|suppress|ExitStack|with)\b)", re.DOTALL
)


class ContextManagers:
    """Knows those of the standard library and those that one source defines."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._own: set[str] = set()

    def note(self, text: bytes, name: str) -> None:
        """Takes in a decorated function with its text: it may be a context manager."""
        if _PASSES_ERRORS_ON.match(text):
            self._own.add(name)

    def is_transparent(self, manager: Node) -> bool:
        """True when errors raised inside certainly come out."""
        text = syntax.raw(manager, self._data)
        return bool(_TRANSPARENT.match(text)) or text.partition(b"(")[0].decode("utf-8", "replace") in self._own

    def suppressed(self, manager: Node) -> tuple[str, ...] | None:
        """Returns the dotted names of the errors that `contextlib.suppress` swallows, None for anything else."""
        text = syntax.raw(manager, self._data)
        if not _SUPPRESS.match(text):
            return None
        return tuple(re.findall(r"[\w.]+", text.decode("utf-8", "replace").partition("(")[2]))
