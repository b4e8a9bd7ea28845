"""Which names of Python's C-API a 64-bit ELF file takes from elsewhere, and which it defines: read from `.dynsym`.

Finds the table as the loader does, by the dynamic segment: sections may be stripped. Knows no Python's list of names.
Sources: the System V gABI chapter 5 ("Symbol Table", "Hash Table") and glibc's elf/dl-lookup.c for `DT_GNU_HASH`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

# Of an Elf64_Sym: st_name, st_info, st_other, st_shndx. pyelftools makes an object of each entry, which is slow: a C++
# library has tens of thousands.
_SYMBOL = struct.Struct("<IBBH16x")
_PREFIXES = (b"Py", b"_Py")
_STB_LOCAL, _STB_WEAK = 0, 2
_HIDDEN = (1, 2)  # STV_INTERNAL, STV_HIDDEN
# The tags whose value is the address of a table.
_ADDRESSES = ("DT_HASH", "DT_GNU_HASH", "DT_STRTAB", "DT_VERSYM", "DT_VERNEED", "DT_VERDEF", "DT_RELA", "DT_JMPREL")

Names = frozenset[str]


def read_python_symbols(
    data: bytes, tags: Mapping[str, int], offset_of: Callable[[int], int]
) -> tuple[Names, Names] | None:
    """Returns the undefined and the defined names that begin with `Py` or `_Py`; None when the table is not readable.

    `tags` are the values of the dynamic segment's tags, `offset_of` turns an address into an offset in `data`, a
    little-endian 64-bit file. Weak references are left out: the loader does not insist on them.
    """
    if not {"DT_SYMTAB", "DT_STRTAB", "DT_STRSZ"} <= tags.keys():
        return frozenset(), frozenset()
    try:
        start = offset_of(tags["DT_STRTAB"])
        strings = data[start : start + tags["DT_STRSZ"]]
        if b"Py" not in strings:
            return frozenset(), frozenset()
        count = _count(data, tags, offset_of)
        start = offset_of(tags["DT_SYMTAB"])
        table = data[start : start + count * _SYMBOL.size]
        if len(table) != count * _SYMBOL.size:
            return None
        undefined, defined = set(), set()
        for name, info, other, section in _SYMBOL.iter_unpack(table):
            if not strings.startswith(_PREFIXES, name) or info >> 4 == _STB_LOCAL:
                continue
            text = strings[name : strings.index(b"\0", name)].decode("utf-8", "surrogateescape")
            if section:
                if other & 3 not in _HIDDEN:
                    defined.add(text)
            elif info >> 4 != _STB_WEAK:
                undefined.add(text)
    except (ValueError, struct.error):
        return None
    return frozenset(undefined), frozenset(defined)


def _count(data: bytes, tags: Mapping[str, int], offset_of: Callable[[int], int]) -> int:
    """Returns the number of entries, which only the hash tables tell."""
    if "DT_HASH" in tags:
        _, chains = struct.unpack_from("<2I", data, offset_of(tags["DT_HASH"]))
        return int(chains)
    if "DT_GNU_HASH" in tags:
        start = offset_of(tags["DT_GNU_HASH"])
        count, first, bloom, _ = struct.unpack_from("<4I", data, start)
        start += 16 + 8 * bloom
        last = max(struct.unpack_from(f"<{count}I", data, start), default=0)
        if last >= first:
            start += 4 * count
            while not struct.unpack_from("<I", data, start + 4 * (last - first))[0] & 1:
                last += 1
            return last + 1
    # A file that defines nothing has an empty hash table: its symbols reach to whatever table comes next.
    begin = tags["DT_SYMTAB"]
    following = min((tags[name] for name in _ADDRESSES if tags.get(name, 0) > begin), default=begin)
    return (following - begin) // _SYMBOL.size
