"""What Python and an extension module want of each other: C-API names it needs, and the function that its import calls.

Says which names a Python lacks and which names its import system calls. Knows no file and no loader.
Sources: PEP 384 (stable ABI), PEP 489 and PEP 793 (names of the functions), CPython's Python/importdl.c.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from lambdapack.profiles.symbols import load_python_symbols, python_symbols

_MODULE_EXPORT_SINCE = (3, 15)  # PEP 793


@dataclass(frozen=True, slots=True)
class Lack:
    """A C-API name that a Python does not export. `pythons` are those that do, oldest first (`3.12`). `certain` is
    False for a private name that a patch release may have brought."""

    symbol: str
    pythons: tuple[str, ...]
    certain: bool


def lacking(wanted: frozenset[str], python: tuple[int, int]) -> Iterator[Lack]:
    """Yields the names that this Python does not export and another one does, in order.

    A name that no Python exports is none of the C-API, whatever it begins with: another library will define it.
    """
    present = python_symbols(python)
    absent = wanted - present if present is not None else frozenset()
    known = load_python_symbols() if absent else None
    for symbol in sorted(absent):
        history = known.history.get(symbol) if known else None
        if known is None or history is None:
            continue
        private = symbol.startswith(("_", "PyUnstable_")) and symbol not in known.stable_private
        # Public names come and go with feature releases. A private one may be backported into a patch release, but what
        # was taken away does not come back.
        certain = not private or max(history) < python
        yield Lack(symbol, tuple(f"{major}.{minor}" for major, minor in history), certain)


def init_functions(path: str, python: tuple[int, int]) -> tuple[str, ...]:
    """Returns the names of which importing a file calls the first that exists: `PyInit_` + the module's last name."""
    name = posixpath.basename(path).partition(".")[0]
    if name == "__init__":
        name = posixpath.basename(posixpath.dirname(path))
    mark, encoded = ("", name) if name.isascii() else ("U", name.encode("punycode").decode("ascii"))
    encoded = encoded.replace("-", "_")
    prefixes = ("PyModExport", "PyInit") if python >= _MODULE_EXPORT_SINCE else ("PyInit",)
    return tuple(f"{prefix}{mark}_{encoded}" for prefix in prefixes)
