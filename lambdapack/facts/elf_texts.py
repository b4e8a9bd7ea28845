"""Texts in a native file's read-only data that say what it imports when it is loaded: code made by cffi and code that
uses NumPy's C interface ask for modules by name.

Sources: cffi's `_cffi_include.h` (`_cffi_init`), NumPy's `__multiarray_api.h` (`_import_array`): headers of NumPy 1 ask
for `numpy.core._multiarray_umath`, those of NumPy 2 for `numpy._core._multiarray_umath` first. Judges nothing.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

WORDS = ("_cffi_backend", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath", "importlib.metadata")
"""What is looked for."""

_WORD = re.compile(rb"_cffi_backend|numpy\._?core\._multiarray_umath|importlib\.metadata")
_ASKED_VERSION = re.compile(rb"importlib\.metadata\b[^\0]{0,400}?\bversion\(\s*['\"]([\w.-]+)['\"]\s*\)")
_SECTIONS = struct.Struct("<Q10xHHH")  # of Elf64_Ehdr: e_shoff, ..., e_shentsize, e_shnum, e_shstrndx
_SECTION = struct.Struct("<IIQQQQ")
_SHT_PROGBITS = 1
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECUTE = 1, 2, 4


def read_words(data: bytes) -> frozenset[str]:
    """Returns those of the words that the read-only data of a little-endian 64-bit file have; none where the table of
    sections is gone."""
    found: set[str] = set()
    for start, end in _read_only(data):
        found.update(match[0].decode() for match in _WORD.finditer(data, start, end))
    return frozenset(found)


def asked_metadata(data: bytes) -> str | None:
    """Returns the distribution whose version Python code inside a native file asks for."""
    found = _ASKED_VERSION.search(data)
    return found[1].decode() if found else None


def _read_only(data: bytes) -> Iterator[tuple[int, int]]:
    table, size, count, _ = _SECTIONS.unpack_from(data, 40)
    if not table or size < _SECTION.size or table + size * count > len(data):
        return
    for number in range(count):
        _, kind, flags, _, offset, length = _SECTION.unpack_from(data, table + number * size)
        if kind == _SHT_PROGBITS and flags & (_SHF_ALLOC | _SHF_WRITE | _SHF_EXECUTE) == _SHF_ALLOC:
            yield from [(offset, offset + length)] if offset + length <= len(data) else []
