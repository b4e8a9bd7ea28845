"""Compiled Python files of an artifact: which Python they are for, and whether that Python would ever use them.

Reads headers only (PEP 552; PEP 3147 for names). Sources: importlib._bootstrap_external, SourceFileLoader.get_code and
SourcelessFileLoader.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.profiles import CommonFacts

ByteCodeState = Literal["fresh", "foreign", "without-source", "beside-source", "stale", "sourceless"]

_CACHED = re.compile(r"(?P<stem>.+?)\.(?P<tag>[A-Za-z]\w*-\w+)(?P<optimised>\.opt-\w+)?\.pyc")
_HEADER = struct.Struct("<HHIII")  # magic number, CR LF, flags, time of the source, its size
_HASH_BASED = 1
_QUARTER, _DAY = 15 * 60, 24 * 60 * 60  # time zones differ by quarters of an hour
_CLOCK = 2  # seconds: a ZIP's clock ticks every other one


@dataclass(frozen=True, slots=True)
class ByteCode:
    """One `.pyc`. `python` is what it was compiled by, as far as its name or its header say: `cpython-311`, `3.11`.

    `state`: `fresh` is used; `foreign` is for another Python; `without-source` stands in a `__pycache__` though its
    source is gone, `beside-source` next to it, and neither is looked for; `stale` was compiled from another state of
    its source; `sourceless` is the module itself. `magic`: its magic number, None where it was not read.
    """

    path: str
    size: int
    state: ByteCodeState
    python: str
    magic: int | None = None


def read_byte_code(
    stack: Stack, python: tuple[int, int], common: CommonFacts, is_own: Callable[[str], bool]
) -> tuple[ByteCode, ...]:
    """Returns every compiled file that `is_own`, in path order, judged for one Python; unreadable ones are left out."""
    found: list[ByteCode] = []
    wanted: dict[str, Located | None] = {}
    for located in stack.files():
        if located.path.endswith(".pyc") and is_own(located.path):
            known = _by_place(stack, located, f"cpython-{python[0]}{python[1]}")
            if isinstance(known, ByteCode):
                found.append(known)
            else:
                wanted[located.path] = known
    final = common.bytecode.get(f"{python[0]}.{python[1]}", (0, None))[1]
    for located, header in _headers(stack, wanted):
        magic, _, flags, modified, size = header
        source = wanted[located.path]
        state: ByteCodeState = "fresh"
        if source is None:
            state = "sourceless"
        elif final is not None and magic != final:
            state = "foreign"
        elif not flags & _HASH_BASED and not _fits(source, modified, size):
            state = "stale"
        found.append(ByteCode(located.path, located.entry.size, state, common.python_of(magic) or "unknown", magic))
    return tuple(sorted(found, key=lambda item: item.path))


def foreign_magic(data: bytes, python: tuple[int, int], common: CommonFacts) -> str | None:
    """Returns what a module that is nothing but byte code was compiled by (`Python 3.11`), None for this very Python or
    where its number is not known."""
    final = common.bytecode.get(f"{python[0]}.{python[1]}", (0, None))[1]
    if final is None or data[:4] == final.to_bytes(2, "little") + b"\r\n":
        return None
    made_by = common.python_of(int.from_bytes(data[:2], "little")) if data[2:4] == b"\r\n" else None
    return f"Python {made_by}" if made_by else "no known Python"


def _by_place(stack: Stack, located: Located, tag: str) -> ByteCode | Located | None:
    """Returns what name and place decide; else the source, or None for a module that has no other file."""
    folder, name = posixpath.split(located.path)
    size = located.entry.size
    if posixpath.basename(folder) != "__pycache__":
        beside = located.path.removesuffix("c") in stack.located
        return ByteCode(located.path, size, "beside-source", "unknown") if beside else None
    match = _CACHED.fullmatch(name)
    if match is None or match["tag"] != tag or match["optimised"]:
        return ByteCode(located.path, size, "foreign", match["tag"] if match else "unknown")
    source = stack.file(f"{posixpath.dirname(folder)}/{match['stem']}.py")
    return source or ByteCode(located.path, size, "without-source", match["tag"])


def _headers(
    stack: Stack, wanted: dict[str, Located | None]
) -> Iterator[tuple[Located, tuple[int, int, int, int, int]]]:
    try:
        for located, stream in stack.read([stack.located[path] for path in wanted]):
            header = stream.read(_HEADER.size)
            if len(header) == _HEADER.size:
                magic, line_end, flags, modified, size = _HEADER.unpack(header)
                yield located, (magic, line_end, flags, modified, size)
    except UnreadableMember:
        return  # told elsewhere


def _fits(source: Located, modified: int, size: int) -> bool:
    """True when a file may be what was compiled. Archives keep the local time of whoever packed them."""
    if source.entry.size & 0xFFFFFFFF != size:
        return False
    if source.entry.modified is None:
        return True
    apart = abs(source.entry.modified - modified)
    return apart <= _DAY and min(apart % _QUARTER, -apart % _QUARTER) <= _CLOCK
