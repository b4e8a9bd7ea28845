"""A second process that reads the modules which a handler's import will probably reach, in the order of the import.

What it finds are facts of files as anybody would read them, so that nothing depends on how far it gets: whoever asks
for one that has not come reads it himself. Only where the system can copy a process, and has a second processor.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.pickling import dumped
from lambdapack.facts.program import Block, If, Import, Program, all_names, imported_names, inner_blocks

_HEADER = struct.Struct("<II")  # the lengths of a path and of a fact
_PIECE = 1 << 20
_PATIENCE = 8  # facts of others that are awaited for one that may come
_SECONDS = 0.5  # without any, after which nothing is awaited
_TYPE_CHECKING = (("name", "TYPE_CHECKING"), ("name", "typing.TYPE_CHECKING"))

ProgramOf = Callable[[str], Program | None]


class ReadAhead:
    """The other process, as long as it is needed. `take` hands out each fact once."""

    def __init__(self, pid: int, pipe: int) -> None:
        self._pid = pid
        self._pipe = pipe
        self._facts: dict[str, bytes] = {}
        self._received = 0
        self._ended = False
        self._is_awaited = True
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._receive, name="read-ahead", daemon=True)
        self._thread.start()

    def take(self, path: str) -> bytes | None:
        """Returns the program of a module's file as bytes; None where it has not come and is not expected soon."""
        with self._news:
            limit = self._received + _PATIENCE
            if self._is_awaited and not self._news.wait_for(
                lambda: path in self._facts or self._ended or self._received > limit, _SECONDS
            ):
                self._is_awaited = False  # it stands still: what comes later is taken, and not waited for
            return self._facts.pop(path, None)

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._thread.join()
        self._facts.clear()

    def _receive(self) -> None:
        with contextlib.suppress(OSError, struct.error), os.fdopen(self._pipe, "rb", _PIECE) as stream:
            while header := stream.read(_HEADER.size):
                sizes = _HEADER.unpack(header)
                path, fact = stream.read(sizes[0]), stream.read(sizes[1])
                if len(fact) < sizes[1]:
                    break
                with self._news:
                    self._facts[path.decode("utf-8", "surrogatepass")] = fact
                    self._received += 1
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


def can_read_ahead() -> bool:
    """True where a process can be copied, and there is a processor for the copy."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


def read_ahead(module: str, finder: ModuleFinder, begin: Callable[[], ProgramOf]) -> ReadAhead | None:
    """Begins to read what a module reaches. `begin` is called in the other process, and returns what reads one file
    there. Returns None where no process can be made."""
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            # Of threads that live on in this process only: the copy uses nothing of theirs, and is not waited for.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if pid:
        os.close(writing)
        return ReadAhead(pid, reading)
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.close(reading)
        with os.fdopen(writing, "wb", _PIECE) as stream:
            _send(stream, _reached(module, finder, begin()))
        status = 0
    except BaseException:  # noqa: BLE001 # whatever it is: the other process reads what has not come
        status = 1
    finally:
        os._exit(status)


def _send(stream: BinaryIO, programs: Iterator[tuple[str, Program]]) -> None:
    for path, program in programs:
        with contextlib.suppress(RecursionError):
            fact, name = dumped(program), path.encode("utf-8", "surrogatepass")
            stream.write(_HEADER.pack(len(name), len(fact)) + name + fact)
            stream.flush()


@dataclass(slots=True)
class _Wanted:
    """A dotted name that is loaded part by part. `may_be_bound`: its last part counts only if the module before has no
    such name."""

    name: str
    may_be_bound: bool = False


def _reached(start: str, finder: ModuleFinder, program_of: ProgramOf) -> Iterator[tuple[str, Program]]:
    """Yields the programs of the source modules that an import probably executes, in the order in which it does."""
    found: dict[str, Module | None] = {}
    bound: dict[str, frozenset[str]] = {}
    pending: list[Iterator[_Wanted]] = [iter((_Wanted(start),))]
    while pending:
        wanted = next(pending[-1], None)
        if wanted is None:
            pending.pop()
            continue
        parent: Module | None = None
        parts = wanted.name.split(".")
        for count, part in enumerate(parts, 1):
            name = ".".join(parts[:count])
            if name not in found:
                last = wanted.may_be_bound and count == len(parts)
                if parent is not None and (not parent.is_package or (last and part in bound.get(parent.name, ()))):
                    break
                module = found[name] = finder.find(name, parent)
                path = module.path if module is not None and module.kind == "source" else None
                program = program_of(path) if path is not None else None
                if module is not None and path is not None and program is not None:
                    # Not by imports: those may be of the very submodules.
                    bound[name] = all_names(program.body) - imported_names(program.body)
                    # What it imports is executed before the rest of the name is loaded.
                    pending += (iter((wanted,)), _imported(program.body, module))
                    yield path, program
                    break
            parent = found[name]
            if parent is None:
                break


def _imported(block: Block, module: Module) -> Iterator[_Wanted]:
    for statement in block.statements:
        if isinstance(statement, Import):
            yield from _targets(statement, module)
            continue
        if isinstance(statement, If) and statement.branches[0][0] in _TYPE_CHECKING:
            blocks = [inner for _, inner in statement.branches[1:]]
        else:
            blocks = list(inner_blocks(statement))
        for inner in blocks:
            yield from _imported(inner, module)


def _targets(statement: Import, module: Module) -> Iterator[_Wanted]:
    name = statement.module
    if statement.level:
        above = module.package.split(".")
        if statement.level > len(above):
            return
        base = ".".join(above[: len(above) - statement.level + 1])
        name = f"{base}.{name}" if name else base
    yield _Wanted(name)
    for wanted, _ in statement.names or ():
        if wanted != "*":
            yield _Wanted(f"{name}.{wanted}", may_be_bound=True)
