"""Compiles modules with the Python that runs this: started by `compiling.py`, with nothing but the standard library.

The same source gives the same bytes, whatever was compiled before it. `marshal` notes on each object whether anybody
else refers to it, which depends on what else the process holds (bpo-34093): so everything is held here. Runs none of
what it compiles. Standard input: a line of JSON, a list of paths and sizes, then the sources one after the other;
standard output likewise: a line of JSON with version, magic number, and a size or an error for each, then byte code.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import platform
import sys
import types
from typing import Any

# PEP 552: hash-based, and not checked against the source: Lambda's files have fixed dates, and never change.
_UNCHECKED = (0b01).to_bytes(4, "little")
_HELD = (
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_linetable",
    "co_exceptiontable",
)


def compiled(path: str, source: bytes) -> bytes:
    """Returns the content of the module's .pyc."""
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    held: list[Any] = []
    _hold(code, held)
    data = marshal.dumps(code)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + data


def _hold(value: Any, held: list[Any]) -> None:
    held.append(value)
    if isinstance(value, types.CodeType):
        for name in _HELD:
            _hold(getattr(value, name, None), held)
    elif isinstance(value, (tuple, frozenset)):
        if isinstance(value, frozenset) and sys.version_info < (3, 11) and len(value) > 1 and _by_address(value):
            raise ValueError("holds a set whose order is another one in every process")
        for item in value:
            _hold(item, held)


def _by_address(values: Any) -> bool:
    # Their hash is their place in memory before Python 3.12, and marshal sorts sets from 3.11 on.
    return None in values or Ellipsis in values


def main() -> None:
    """Answers one question."""
    modules = json.loads(sys.stdin.buffer.readline())
    results: list[int | str] = []
    contents = []
    for path, size in modules:
        source = sys.stdin.buffer.read(size)
        try:
            content = compiled(path, source)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            results.append(f"{type(error).__name__}: {error}")
        else:
            results.append(len(content))
            contents.append(content)
    magic = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
    answer = {"version": platform.python_version(), "magic": magic, "modules": results}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + b"".join(contents))


if __name__ == "__main__":
    main()
