"""Reads the ELF files that functions are made of, 64-bit and little-endian: all of Lambda's machines, and nothing else.

It is there for speed alone, beside the reader that takes every ELF file (`facts.elf_general`): the 131 native files of
numpy 2.5 and SciPy 1.18 take 20 ms here, symbol tables included, and 200 ms by pyelftools without them, after the 20 ms
of its import (docs/performance.md says what a whole run takes). A test holds both to the same facts.
Reads as the loader does, by segments and never by sections, which may be stripped or damaged; only the size of what
`strip` would take away is read from those. Knows no runtime.
Sources: elf(5), the System V gABI chapters 4 and 5, the LSB's symbol versioning, the x86-64 psABI ("Program Property").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lambdapack.facts.elf import (
    MOST_RECORDS,
    Damaged,
    ElfFacts,
    ElfKind,
    VersionNeed,
    find_misalignment,
    name_machine,
    split_search_path,
)
from lambdapack.facts.symbols import SymbolTable, read_symbols

# Elf64_Ehdr behind its first 16 bytes, Elf64_Phdr, Elf64_Dyn, the beginning of Elf64_Shdr.
_HEADER = struct.Struct("<HHI3QI6H")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_DYNAMIC_ENTRY = struct.Struct("<2Q")
_SECTION_HEADER = struct.Struct("<IIQQQQ")
_PAGE = 4096
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_PT_GNU_STACK, _PT_GNU_PROPERTY = 0x6474E551, 0x6474E553
_PF_X = 1
_VER_FLG_WEAK = 0x2
_DF_1_NODEFLIB, _DF_1_PIE = 0x800, 0x08000000
_NT_GNU_PROPERTY_TYPE_0 = 5
_X86_ISA_1_NEEDED = 0xC0008002
_SHT_NOBITS, _SHF_ALLOC = 8, 2
_KINDS: Mapping[int, ElfKind] = {1: "object file", 2: "program", 3: "library", 4: "core dump"}
_DYNAMIC_TAGS = {
    1: "NEEDED",
    4: "HASH",
    5: "STRTAB",
    6: "SYMTAB",
    7: "RELA",
    8: "RELASZ",
    10: "STRSZ",
    14: "SONAME",
    15: "RPATH",
    2: "PLTRELSZ",
    23: "JMPREL",
    29: "RUNPATH",
    0x6FFFFEF5: "GNU_HASH",
    0x6FFFFFF0: "VERSYM",
    0x6FFFFFFB: "FLAGS_1",
    0x6FFFFFFC: "VERDEF",
    0x6FFFFFFE: "VERNEED",
}


def read_by_struct(data: bytes) -> ElfFacts:
    """Returns the facts of a 64-bit little-endian file, from its whole content. Raises `Damaged`."""
    try:
        return _Reader(data).facts()
    except (struct.error, ValueError, OverflowError) as error:
        raise Damaged(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    flags: int
    offset: int
    address: int
    size: int
    alignment: int


class _Reader:
    """Reads one file; offsets and addresses are as the file has them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        header = _HEADER.unpack_from(data, 16)
        self._type, self._machine, _, _, place, self._sections, _, _, size, count, self._section_size = header[:11]
        self._section_count = header[11]
        self._segments = list(self._read_segments(place, size, count))
        self._loads = [segment for segment in self._segments if segment.kind == _PT_LOAD]
        self._tags: dict[str, list[int]] = {}

    def facts(self) -> ElfFacts:
        """Returns all that is known of the file."""
        data = self._data
        reach = max((segment.offset + segment.size for segment in self._loads), default=0)
        missing = max(0, reach - len(data))
        dynamic = self._first(_PT_DYNAMIC)
        if dynamic is not None and not dynamic.size:
            dynamic = None  # separate debug symbols have a header for it and nothing else
        if dynamic is not None:
            try:
                self._read_dynamic(dynamic)
            except (Damaged, struct.error):
                if not missing:  # else it may be among what is gone
                    raise
        strings = self._strings(missing)
        flags = next(iter(self._tags.get("FLAGS_1", ())), 0)
        needs = [] if missing else list(self._version_needs(strings))
        return ElfFacts(
            bits=64,
            machine=name_machine(self._machine),
            kind=self._kind(flags),
            interpreter=self._interpreter(),
            soname=next(iter(self._names("SONAME", strings)), None),
            needed=tuple(self._names("NEEDED", strings)),
            rpath=split_search_path(self._names("RPATH", strings)),
            runpath=split_search_path(self._names("RUNPATH", strings)),
            default_folders=not flags & _DF_1_NODEFLIB,
            version_needs=tuple(need for _, need in needs),
            defined_versions=frozenset(() if missing else self._version_definitions(strings)),
            missing_bytes=missing,
            loadable=bool(self._loads),
            dynamic=dynamic is not None,
            least_alignment=min((segment.alignment for segment in self._loads), default=_PAGE),
            misaligned_at=min(filter(None, self._misalignments()), default=0),
            executable_stack=self._has_executable_stack(),
            isa_level=self._isa_level() if self._machine == 62 else 0,
            debug_bytes=self._debug_bytes(),
            symbols=None if missing else self._symbols({number: need.library for number, need in needs}),
        )

    def _kind(self, flags: int) -> ElfKind:
        kind = _KINDS.get(self._type, "object file")
        # Only the flag tells: a library may have an interpreter, too, as libc.so.6 has.
        return "position-independent program" if kind == "library" and flags & _DF_1_PIE else kind

    def _misalignments(self) -> Iterator[int]:
        for segment in self._loads:
            yield find_misalignment(segment.address, segment.offset, segment.alignment)

    def _read_segments(self, place: int, size: int, count: int) -> Iterator[_Segment]:
        if count and size != _PROGRAM_HEADER.size:
            raise Damaged(f"its program headers are said to have {size} bytes")
        if place + size * count > len(self._data):
            raise Damaged("cut short, its program headers are missing")
        for number in range(count):
            values = _PROGRAM_HEADER.unpack_from(self._data, place + number * size)
            kind, flags, offset, address, _, length, _, alignment = values
            yield _Segment(kind, flags, offset, address, length, alignment)

    def _first(self, kind: int) -> _Segment | None:
        return next((segment for segment in self._segments if segment.kind == kind), None)

    def _offset(self, address: int) -> int:
        """Returns where in the file a loaded address is."""
        for segment in self._loads:
            if segment.address <= address < segment.address + segment.size:
                return segment.offset + address - segment.address
        raise Damaged(f"the address {address:#x} is in no segment")

    def _read_dynamic(self, segment: _Segment) -> None:
        start = self._offset(segment.address) if self._loads else segment.offset
        for place in range(start, start + segment.size, _DYNAMIC_ENTRY.size):
            tag, value = _DYNAMIC_ENTRY.unpack_from(self._data, place)
            if tag == 0:
                break
            name = _DYNAMIC_TAGS.get(tag)
            if name is not None:
                self._tags.setdefault(name, []).append(value)

    def _address(self, tag: str) -> int | None:
        found = self._tags.get(tag)
        return self._offset(found[-1]) if found else None

    def _strings(self, missing: int) -> bytes:
        start, size = None, 0
        if "STRTAB" in self._tags and "STRSZ" in self._tags:
            try:
                start, size = self._address("STRTAB"), self._tags["STRSZ"][-1]
            except Damaged:
                if not missing:
                    raise
        return b"" if start is None else self._data[start : start + size]

    def _names(self, tag: str, strings: bytes) -> Iterator[str]:
        for offset in self._tags.get(tag, ()) if strings else ():
            yield _text(strings, offset)

    def _interpreter(self) -> str | None:
        segment = self._first(_PT_INTERP)
        if segment is None:
            return None
        content = self._data[segment.offset : segment.offset + segment.size]
        return content.rstrip(b"\0").decode("utf-8", "backslashreplace")

    def _records(self, layout: str, start: int | None, limit: int = MOST_RECORDS) -> Iterator[tuple[int, ...]]:
        """Walks a linked list of version records, whose last field is the distance to the next one (0 ends it). Yields
        the offset of each with its fields."""
        while start is not None and limit:
            fields = struct.unpack_from(layout, self._data, start)
            yield (start, *fields)
            start, limit = (start + fields[-1] if fields[-1] else None), limit - 1

    def _version_needs(self, strings: bytes) -> Iterator[tuple[int, VersionNeed]]:
        """Yields what is needed with the number by which the symbol table refers to it."""
        for start, _, count, file, first, _ in self._records("<HHIII", self._address("VERNEED")):
            library = _text(strings, file)
            for _, _, flags, number, name, _ in self._records("<IHHII", start + first if count else None):
                yield number & 0x7FFF, VersionNeed(library, _text(strings, name), bool(flags & _VER_FLG_WEAK))

    def _version_definitions(self, strings: bytes) -> Iterator[str]:
        for start, *fields in self._records("<HHHHIII", self._address("VERDEF")):
            # Only the first auxiliary record names the version; the others name its parents.
            for _, name, _ in self._records("<II", start + fields[5], limit=1):
                yield _text(strings, name)

    def _has_executable_stack(self) -> bool:
        segment = self._first(_PT_GNU_STACK)
        return segment is None or bool(segment.flags & _PF_X)

    def _isa_level(self) -> int:
        """The highest level in `GNU_PROPERTY_X86_ISA_1_NEEDED`, where bit 0 stands for the baseline."""
        found = self._first(_PT_GNU_PROPERTY)
        notes = [found] if found else [segment for segment in self._segments if segment.kind == _PT_NOTE]
        return max((self._level_in(segment) for segment in notes), default=0)

    def _level_in(self, segment: _Segment) -> int:
        note = self._data[segment.offset : segment.offset + segment.size]
        place = 0
        while place + 16 <= len(note):
            name_size, size, kind = struct.unpack_from("<III", note, place)
            start = place + 12 + _padded(name_size, 4)
            if kind == _NT_GNU_PROPERTY_TYPE_0 and note[place + 12 : place + 16] == b"GNU\0":
                end = min(start + size, len(note))
                while start + 12 <= end:
                    property_kind, length = struct.unpack_from("<II", note, start)
                    if property_kind == _X86_ISA_1_NEEDED:
                        return int(struct.unpack_from("<I", note, start + 8)[0]).bit_length()
                    start += 8 + _padded(length, 8)
                return 0
            place = start + _padded(size, 8 if segment.alignment == 8 else 4)
        return 0

    def _debug_bytes(self) -> int:
        """The stored bytes of sections that are not loaded; 0 where the table of sections is gone."""
        if not self._sections or self._section_size < _SECTION_HEADER.size:
            return 0
        if self._sections + self._section_size * self._section_count > len(self._data):
            return 0
        total = 0
        for number in range(self._section_count):
            _, kind, flags, _, offset, size = _SECTION_HEADER.unpack_from(
                self._data, self._sections + number * self._section_size
            )
            if kind not in (0, _SHT_NOBITS) and not flags & _SHF_ALLOC and offset + size <= len(self._data):
                total += size
        return total

    def _symbols(self, libraries: Mapping[int, str]) -> SymbolTable | None:
        tags = {name: values[-1] for name, values in self._tags.items()}
        return read_symbols(self._data, tags, self._offset, libraries)


def _padded(size: int, step: int) -> int:
    return (size + step - 1) // step * step


def _text(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    if end < 0:
        raise Damaged(f"there is no string at {offset}")
    return strings[offset:end].decode("utf-8", "surrogateescape")
