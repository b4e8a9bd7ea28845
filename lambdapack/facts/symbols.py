"""The names that a 64-bit ELF file takes from elsewhere and those that it defines: its `.dynsym`.

Finds the table as the loader does, by the dynamic segment: sections may be stripped. The names are read when they are
asked for: a C++ library has tens of thousands, and most are never wanted.
Sources: the System V gABI chapter 5 ("Symbol Table", "Hash Table") and glibc's elf/dl-lookup.c for `DT_GNU_HASH`.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

# Of an Elf64_Sym: st_name, st_info, st_other, st_shndx.
_SYMBOL = struct.Struct("<IBBH16x")
_UNDEFINED = b"\0\0"  # SHN_UNDEF
_RELOCATION_SIZE = 24  # Elf64_Rela
_STB_GLOBAL, _STB_WEAK, _STB_GNU_UNIQUE = 1, 2, 10
_VERSION = 0x7FFF  # of an entry of DT_VERSYM; the highest bit hides the symbol
_HIDDEN = (1, 2)  # STV_INTERNAL, STV_HIDDEN
# The tags whose value is the address of a table.
_ADDRESSES = ("HASH", "GNU_HASH", "STRTAB", "VERSYM", "VERNEED", "VERDEF", "RELA", "JMPREL")


@dataclass(frozen=True)
class SymbolTable:
    """`entries` are the Elf64_Sym of the file, `strings` their names, `versions` the number of each one's version
    (empty without versions). `libraries` says for the number of a version which library it is wanted from; `relocated`
    are the numbers of the undefined symbols that a relocation asks for: the loader does not look the others up."""

    entries: bytes
    strings: bytes
    versions: bytes
    libraries: Mapping[int, str]
    relocated: frozenset[int]

    def undefined(self, without: Collection[str] = ()) -> frozenset[str]:
        """Returns the names taken from elsewhere, but for those of which a version of one of these libraries is wanted.
        Weak references are left out: the loader does not insist on them."""
        passed_over = {number for number, library in self.libraries.items() if library in without}
        versions = _numbers("H", self.versions) if self.versions else None
        found = set()
        for number in self.relocated:
            name, info, _, _ = _SYMBOL.unpack_from(self.entries, number * _SYMBOL.size)
            if info >> 4 != _STB_GLOBAL or (versions is not None and versions[number] & _VERSION in passed_over):
                continue
            found.add(self._name(name))
        return frozenset(found - {""})

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that other files can take from this one."""
        return frozenset(self._defined())

    def _defined(self) -> Iterator[str]:
        for name, info, other, section in _SYMBOL.iter_unpack(self.entries):
            if section and info >> 4 in (_STB_GLOBAL, _STB_WEAK, _STB_GNU_UNIQUE) and other & 3 not in _HIDDEN:
                yield self._name(name)

    def _name(self, start: int) -> str:
        end = self.strings.find(b"\0", start)
        return self.strings[start:end].decode("utf-8", "surrogateescape") if end > start else ""


NO_SYMBOLS = SymbolTable(b"", b"", b"", {}, frozenset())


def read_symbols(
    data: bytes, tags: Mapping[str, int], offset_of: Callable[[int], int], libraries: Mapping[int, str]
) -> SymbolTable | None:
    """Returns the table of a little-endian 64-bit file; None when it is not readable.

    `tags` are the values of the dynamic segment's tags, `offset_of` turns an address into an offset in `data`.
    """
    if not {"SYMTAB", "STRTAB", "STRSZ"} <= tags.keys():
        return NO_SYMBOLS
    try:
        count = _count(data, tags, offset_of)
        entries = _slice(data, offset_of(tags["SYMTAB"]), count * _SYMBOL.size) if count else b""
        strings = _slice(data, offset_of(tags["STRTAB"]), tags["STRSZ"])
        versions = _slice(data, offset_of(tags["VERSYM"]), 2 * count) if "VERSYM" in tags else b""
        relocated = frozenset(
            number for number in _relocated(data, tags, offset_of) if _section(entries, number) == _UNDEFINED
        )
        return SymbolTable(entries, strings, versions, libraries, relocated)
    except (ValueError, struct.error):
        return None


def _numbers(kind: str, data: bytes) -> array[int]:
    """Reads little-endian numbers, on any machine."""
    found = array(kind, data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _slice(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise ValueError("a table reaches beyond the end of the file")
    return data[start : start + size]


def _section(entries: bytes, number: int) -> bytes:
    return entries[number * _SYMBOL.size + 6 : number * _SYMBOL.size + 8]


def _relocated(data: bytes, tags: Mapping[str, int], offset_of: Callable[[int], int]) -> set[int]:
    """The upper half of r_info (elf(5): ELF64_R_SYM) of every relocation; 0 is no symbol."""
    found: set[int] = set()
    for table, size in (("RELA", "RELASZ"), ("JMPREL", "PLTRELSZ")):
        if tags.get(size) and table in tags:
            length = tags[size] // _RELOCATION_SIZE * _RELOCATION_SIZE
            words = _numbers("I", _slice(data, offset_of(tags[table]), length))
            found.update(words[3::6])
    return found


def _count(data: bytes, tags: Mapping[str, int], offset_of: Callable[[int], int]) -> int:
    """Returns the number of entries, which only the hash tables tell."""
    if "HASH" in tags:
        _, chains = struct.unpack_from("<2I", data, offset_of(tags["HASH"]))
        return int(chains)
    if "GNU_HASH" in tags:
        start = offset_of(tags["GNU_HASH"])
        count, first, bloom, _ = struct.unpack_from("<4I", data, start)
        start += 16 + 8 * bloom
        last = max(struct.unpack_from(f"<{count}I", data, start), default=0)
        if last >= first:
            start += 4 * count
            while not struct.unpack_from("<I", data, start + 4 * (last - first))[0] & 1:
                last += 1
            return last + 1
    # A file that defines nothing has an empty hash table: its symbols reach to whatever table comes next.
    begin = tags["SYMTAB"]
    following = min((tags[name] for name in _ADDRESSES if tags.get(name, 0) > begin), default=begin)
    return (following - begin) // _SYMBOL.size
