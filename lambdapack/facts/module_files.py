"""What the files of modules say: their bytes, their programs, words in them. Knows no execution."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.pickling import loaded
from lambdapack.facts.program import Program
from lambdapack.facts.read_ahead import ReadAhead, can_read_ahead, read_ahead
from lambdapack.facts.source import read_source

_LARGEST_SOURCE = 8 << 20  # bytes; more than any real module has, and parsing it would take minutes
_WORTH_A_PROCESS = 4 << 20  # bytes of source


@contextmanager
def reading_ahead(
    module: str, stack: Stack, finder: ModuleFinder, known: KnownFacts, owners: Mapping[str, DistFacts]
) -> Iterator[ReadAhead | None]:
    """Reads, while something else is done, what importing a module probably needs, if that is much and not known."""
    ahead = None
    if can_read_ahead() and known.unknown_bytes(".py") > _WORTH_A_PROCESS:
        ahead = read_ahead(module, finder, ModuleFiles(stack, known, owners.get).begin_anew)
    try:
        yield ahead
    finally:
        if ahead is not None:
            ahead.close()


class ModuleFiles:
    """Reads them in one stack. `owner` returns the distribution that a file belongs to; `ahead` may have read the files
    of distributions already. `unread` are the files that cannot be read, with the reason."""

    def __init__(
        self, stack: Stack, known: KnownFacts, owner: Callable[[str], DistFacts | None], ahead: ReadAhead | None = None
    ) -> None:
        self._stack = stack
        self._known = known
        self._owner = owner
        self._ahead = ahead
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
            if owner is None:
                self._own[located.path] = data  # to be compiled, which finds any damage
            return read_source(data, intact=owner is None or owner.is_as_recorded(located.path, data))

        owner = self._owner(located.path)
        if owner is not None and self._ahead is not None and not self._known.has(located, "program"):
            fact = self._ahead.take(path)
            if fact is not None:
                located.tree.trust((located.entry,))
                self._known.take_in(located, "program", fact)
                program: Program = loaded(fact)
                return program
        try:
            return self._known.get(located, "program", read)
        except UnreadableMember as error:
            self.unread[located.path] = str(error)
            return None

    def begin_anew(self) -> Callable[[str], Program | None]:
        """Makes ready what is read here in the copy of a process, and returns what reads a program there. Raises
        `OSError` where that cannot be done."""
        if not all(mount.tree.reopen() for mount in self._stack.mounts):
            raise OSError("the artifact cannot be opened anew")
        self._known, self._ahead = KnownFacts(), None
        return self.program

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
