"""Native files without what nothing reads while they run: debug symbols, symbol tables, section headers.

The loader goes by program headers alone (elf(5)). What stands behind the last byte that any of them covers is cut off,
where sections account for all of it: so no program is needed, for any architecture, and the same file comes out
everywhere. What patchelf has moved about stays where it is.
"""

from __future__ import annotations

import struct

# elf(5): the headers of 64-bit little-endian files, which all of Lambda's are.
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NOBITS, _ALLOC = 8, 2
_LEAST = 1024  # bytes; less is not worth another file


def stripped(content: bytes) -> bytes | None:
    """Returns a shorter file that is loaded the same way, None where there is nothing to gain, or in doubt."""
    try:
        return _stripped(content)
    except struct.error:
        return None


def _stripped(content: bytes) -> bytes | None:
    if content[:6] != b"\x7fELF\x02\x01":
        return None
    fields = list(_HEADER.unpack_from(content))
    program_at, section_at = fields[5], fields[6]
    program_size, programs, section_size, sections, names_at = fields[9:14]
    if not programs or not sections or program_size != _PROGRAM.size or section_size != _SECTION.size:
        return None
    covered = [_PROGRAM.unpack_from(content, program_at + number * program_size) for number in range(programs)]
    end = max(_HEADER.size, program_at + programs * program_size, *(item[2] + item[5] for item in covered))
    table = [_SECTION.unpack_from(content, section_at + number * section_size) for number in range(sections)]
    if section_at < end or len(content) - end < _LEAST:
        return None
    last = section_at + sections * section_size
    for _, kind, flags, _, offset, size, *_ in table:
        if kind == _NOBITS:
            continue
        if flags & _ALLOC and offset + size > end:
            return None  # it is loaded, whatever the program headers say
        last = max(last, offset + size)
    if last < len(content):
        return None  # something was appended that the file may read itself
    names = [_name(content, table[names_at], item[0]) for item in table]
    if not any(name.startswith((b".debug", b".symtab", b".zdebug")) for name in names):
        return None
    fields[6] = fields[12] = fields[13] = 0  # no section headers any more
    return _HEADER.pack(*fields) + content[_HEADER.size : end]


def _name(content: bytes, names: tuple[int, ...], at: int) -> bytes:
    start = names[4] + at
    return content[start : content.index(b"\0", start)]
