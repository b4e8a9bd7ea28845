"""What the files of modules say: their bytes, their programs, words in them. Knows no execution."""

from __future__ import annotations

import re
from collections.abc import Callable

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.modules import Module
from lambdapack.facts.program import Program
from lambdapack.facts.source import read_source

_LARGEST_SOURCE = 8 << 20  # bytes; more than any real module has, and parsing it would take minutes


class ModuleFiles:
    """Reads them in one stack. `owner` returns the distribution that a file belongs to; `unread` are the files that
    cannot be read, with the reason."""

    def __init__(self, stack: Stack, known: KnownFacts, owner: Callable[[str], DistFacts | None]) -> None:
        self._stack = stack
        self._known = known
        self._owner = owner
        self.unread: dict[str, str] = {}
        self._texts: dict[str, bytes] = {}
        self._hooks: dict[str, bytes] = {}
        self._own: dict[str, bytes] = {}  # of first-party modules, kept from their one reading

    def note_hook(self, path: str, line: str) -> Program:
        """Takes in the line of a `.pth` file that is code, which stands for the file from then on."""
        self._hooks[path] = line.encode()
        return read_source(self._hooks[path])

    def program(self, path: str) -> Program | None:
        """Returns what a source module does; None where it cannot be read."""
        located = self._stack.file(path)
        if located is None or located.entry.size > _LARGEST_SOURCE:
            return None

        def read() -> Program:
            data = self._stack.read_bytes(located)
            owner = self._owner(located.path)
            if owner is None:
                self._own[located.path] = data  # to be compiled, which finds any damage
            return read_source(data, intact=owner is None or owner.is_as_recorded(located.path, data))

        try:
            return self._known.get(located, "program", read)
        except UnreadableMember as error:
            self.unread[located.path] = str(error)
            return None

    def data(self, located: Located) -> bytes:
        """Returns the bytes of a source module that was read before. Raises `UnreadableMember`."""
        return self._own.get(located.path) or self._stack.read_bytes(located)

    def source(self, path: str | None) -> bytes | None:
        """Returns a file's bytes; None for one that is not there, or cannot be read."""
        located = self._stack.file(path) if path else None
        if path is None or located is None:
            return None
        if path in self._own:
            return self._own[path]
        if located.entry.size > _LARGEST_SOURCE and path.endswith(".py"):
            return None
        try:
            return self._stack.read_bytes(located)
        except UnreadableMember as error:
            self.unread[path] = str(error)
            return None

    def native_mentions(self, path: str, word: str) -> bool:
        """True when the bytes of a native file have a word."""
        return self._has(path, f"has {word}", lambda data: word.encode() in data)

    def mentions(self, module: Module, word: str) -> bool:
        """True when the module's source has the word in a string literal: code that makes modules names them."""
        quoted = rb"""['"]%s['"]""" % re.escape(word.encode())
        return module.path is not None and self._has(
            module.path, f"quotes {word}", lambda data: bool(re.search(quoted, data))
        )

    def _has(self, path: str, kind: str, holds: Callable[[bytes], bool]) -> bool:
        located = self._stack.file(path)
        if located is None or path in self._hooks:
            return holds(self._hooks.get(path, b""))

        def read() -> bool:
            if path not in self._texts:
                self._texts[path] = self.source(path) or b""
            return holds(self._texts[path])

        return self._known.get(located, kind, read)
