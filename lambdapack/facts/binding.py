"""Symbols that a loaded set of files leaves undefined: nothing that is loaded with them, nor Python, nor the C library
has them. CPython loads extension modules with RTLD_NOW (`sys.getdlopenflags`), so every function is bound at once.

Knows no files and no search. Sources: the System V gABI chapter 5 ("Shared Object Dependencies"), glibc's
elf/dl-lookup.c; the Itanium C++ ABI 5.1 for the names of the C++ library.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from lambdapack.facts.capi import lacking
from lambdapack.facts.symbols import SymbolTable
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.profiles.symbols import python_symbols
from lambdapack.profiles.system_symbols import load_system_symbols

_PYTHONS_OWN = ("Py", "_Py", "PY_")
_CPP_LIBRARY = "libstdc++.so.6"
# Whatever is in `std`, `__gnu_cxx` or `__cxxabiv1`, the operators new and delete, type information of built-in types,
# and the run-time support: the C++ library may have it.
_CPP_NAME = re.compile(
    r"_Z(?:T[VTISC]|GV|GR)?(?:N[VKRO]*)?(?:S[tabsiod]|9__gnu_cxx|10__cxxabiv1)|_Z(?:nw|na|dl|da)|_ZT[IS]P?K?[a-zD]\w?$"
    r"|__cxa_|__gxx_|__dynamic_cast|_ZGTt|_txnal"
)


@dataclass(frozen=True, slots=True)
class Unbound:
    """A symbol that the file at `path` takes from elsewhere and nobody has. `pythons` are the versions of Python that
    do (none: it is no name of Python's). `certain` as in `capi.Lack`."""

    path: str
    symbol: str
    pythons: tuple[str, ...]
    certain: bool


def undefined_symbols(
    files: Mapping[str, SymbolTable], system: Collection[str], profile: RuntimeProfile
) -> Iterator[Unbound]:
    """Yields what the files, all that are loaded together, leave undefined. `system` are the sonames of the runtime's
    libraries that are loaded with them: a symbol of one of their versions has been compared with it already."""
    python = python_symbols(profile.python)
    defined: frozenset[str] | None = None
    for path, table in files.items():
        wanted = table.undefined(without=system) - (python or frozenset())
        if not wanted:
            continue
        if defined is None:
            defined = frozenset().union(*(other.defined for other in files.values()))
        wanted -= defined
        yield from (Unbound(path, lack.symbol, lack.pythons, lack.certain) for lack in lacking(wanted, profile.python))
        yield from _nowhere(path, (name for name in wanted if not name.startswith(_PYTHONS_OWN)), system, profile)


def _nowhere(path: str, names: Iterator[str], system: Collection[str], profile: RuntimeProfile) -> Iterator[Unbound]:
    remaining = sorted(names)
    if not remaining:
        return
    known = load_system_symbols()
    if any(soname not in known.libraries and soname != _CPP_LIBRARY for soname in system):
        return  # what that library has is not known: the symbol is most likely its own
    present = known.names[profile.machine]
    for name in remaining:
        # The C library belongs to the process, whatever the file says that it needs; the C++ library does not.
        if name not in present and not (_CPP_LIBRARY in system and _CPP_NAME.match(name)):
            yield Unbound(path, name, (), certain=True)
