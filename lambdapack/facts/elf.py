"""What an ELF file asks of its loader: machine, libraries, symbol versions, layout. And what a file is that is none.

Reads one file's bytes, as the loader does: by segments, never by sections, which may be stripped or damaged; only the
size of what `strip` would take away is read from those. Knows no runtime, so it never says whether a file loads.
Sources: elf(5), the System V gABI chapters 4 and 5, the LSB's symbol versioning, the x86-64 psABI ("Program Property").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from lambdapack.facts.impostors import name_of_impostor
from lambdapack.facts.symbols import SymbolTable, read_symbols

ElfKind = Literal["library", "program", "position-independent program", "object file", "core dump"]

MAGIC = b"\x7fELF"
_HEADER_SIZE = 64  # Elf64_Ehdr
_PAGE = 4096
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_PT_GNU_STACK, _PT_GNU_PROPERTY = 0x6474E551, 0x6474E553
_PF_X = 1
_VER_FLG_WEAK = 0x2
_DF_1_NODEFLIB, _DF_1_PIE = 0x800, 0x08000000
_NT_GNU_PROPERTY_TYPE_0 = 5
_X86_ISA_1_NEEDED = 0xC0008002
_SHT_NOBITS, _SHF_ALLOC = 8, 2
_MOST_RECORDS = 65536  # of a linked list in the file, which might be a circle
_KINDS: Mapping[int, ElfKind] = {1: "object file", 2: "program", 3: "library", 4: "core dump"}
_OS_ABIS = (0, 3)  # System V and GNU: all that glibc takes (elf/dl-load.c, VALID_ELF_OSABI)
_MACHINES = {
    3: "i386",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "aarch64",
    243: "riscv",
    258: "loongarch",
}
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


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """A versioned set of symbols wanted from a library, e.g. `GLIBC_2.28` of `libc.so.6`.

    A weak need is not fatal: the loader only warns (glibc elf/dl-version.c).
    """

    library: str
    version: str
    weak: bool


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """One ELF file. `bits` is 32 or 64; `machine` as wheels spell it (`x86_64`, `aarch64`, `i386`, ...).

    `interpreter` is the loader that a program asks for. `needed`, `rpath` and `runpath` are in file order, search paths
    split at colons and not expanded; `default_folders` is False where the file forbids the system's (`DF_1_NODEFLIB`).
    `defined_versions` are the versions the file offers (empty: unversioned). `missing_bytes` says how many bytes
    its loadable segments reach beyond the end of the file (0: none).

    Of its loadable segments, `least_alignment` is the smallest `p_align`, and `misaligned_at` the smallest power of two
    by which an address and its place in the file differ although `p_align` demands that they do not (0: none does).
    `loadable` and `dynamic` say that there are segments to load and a dynamic segment.
    `executable_stack`: it asks for one, or says nothing, which means the same. `isa_level` is the x86-64 level
    (1 to 4) that its note says it needs, 0 without one. `debug_bytes` is what `strip --strip-unneeded` would take away.
    `symbols` is None where the table was not read.
    """

    bits: int
    machine: str
    kind: ElfKind
    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    default_folders: bool
    version_needs: tuple[VersionNeed, ...]
    defined_versions: frozenset[str]
    missing_bytes: int
    loadable: bool
    dynamic: bool
    least_alignment: int
    misaligned_at: int
    executable_stack: bool
    isa_level: int
    debug_bytes: int
    symbols: SymbolTable | None

    def fits(self, machine: str) -> bool:
        """True for a file of this processor; Lambda's are 64-bit."""
        return self.bits == 64 and self.machine == machine

    @property
    def is_program(self) -> bool:
        """True for a file that is started, not loaded. Older linkers do not flag position-independent ones."""
        unflagged = self.interpreter is not None and self.soname is None
        return self.kind in ("program", "position-independent program") or unflagged

    @property
    def is_for_musl(self) -> bool:
        """True for a file linked against musl: `libc.musl-x86_64.so.1` of Alpine, `libc.so` of musl itself."""
        names = (*self.needed, (self.interpreter or "").rpartition("/")[2])
        return any(name == "libc.so" or name.startswith(("libc.musl-", "ld-musl-")) for name in names)


@dataclass(frozen=True, slots=True)
class NotElf:
    """A file that is not ELF, or not readable as such. `what` completes "it is ...", `loader_text` is ld.so's word,
    None where it says nothing of its own."""

    what: str
    loader_text: str | None


def read_elf(data: bytes) -> ElfFacts | NotElf:
    """Reads the facts of one file's whole content."""
    if len(data) < _HEADER_SIZE:
        what = name_of_impostor(data) or "too short to be a library"
        return NotElf(what, "file too short")
    if not data.startswith(MAGIC):
        return NotElf(name_of_impostor(data) or "not an ELF file", "invalid ELF header")
    if data[7] not in _OS_ABIS and data[4] == 2:
        return NotElf(f"an ELF file of another operating system (OS ABI {data[7]})", "ELF file OS ABI invalid")
    try:
        return _Reader(data).facts()
    except (_Damaged, struct.error, ValueError, OverflowError) as error:
        return NotElf(f"a damaged ELF file ({error})", None)


class _Damaged(Exception):
    """Something of the file that the loader reads is not there; the text completes "it is damaged: ..."."""


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
        bits, order = data[4], data[5]
        if bits not in (1, 2) or order not in (1, 2):
            raise _Damaged("its header names no class or byte order")
        self._is_64 = bits == 2
        self._order = "<" if order == 1 else ">"
        self._word = "Q" if self._is_64 else "I"
        header = self._unpack(f"HHI3{self._word}I6H", 16)
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
            except (_Damaged, struct.error):
                if not missing:  # else it may be among what is gone
                    raise
        strings = self._strings(missing)
        flags = next(iter(self._tags.get("FLAGS_1", ())), 0)
        needs = [] if missing else list(self._version_needs(strings))
        return ElfFacts(
            bits=64 if self._is_64 else 32,
            machine=_MACHINES.get(self._machine, f"machine {self._machine}"),
            kind=self._kind(flags),
            interpreter=self._interpreter(),
            soname=next(iter(self._names("SONAME", strings)), None),
            needed=tuple(self._names("NEEDED", strings)),
            rpath=_search_path(self._names("RPATH", strings)),
            runpath=_search_path(self._names("RUNPATH", strings)),
            default_folders=not flags & _DF_1_NODEFLIB,
            version_needs=tuple(need for _, need in needs),
            defined_versions=frozenset(() if missing else self._version_definitions(strings)),
            missing_bytes=missing,
            loadable=bool(self._loads),
            dynamic=dynamic is not None,
            least_alignment=min((segment.alignment for segment in self._loads), default=_PAGE),
            misaligned_at=min(filter(None, map(_misalignment, self._loads)), default=0),
            executable_stack=self._has_executable_stack(),
            isa_level=self._isa_level() if self._machine == 62 else 0,
            debug_bytes=self._debug_bytes(),
            symbols=None if missing else self._symbols({number: need.library for number, need in needs}),
        )

    def _kind(self, flags: int) -> ElfKind:
        kind = _KINDS.get(self._type, "object file")
        # Only the flag tells: a library may have an interpreter, too, as libc.so.6 has.
        return "position-independent program" if kind == "library" and flags & _DF_1_PIE else kind

    def _unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + layout, self._data, offset)

    def _read_segments(self, place: int, size: int, count: int) -> Iterator[_Segment]:
        layout = "IIQQQQQQ" if self._is_64 else "8I"
        if count and size != struct.calcsize(self._order + layout):
            raise _Damaged(f"its program headers are said to have {size} bytes")
        if place + size * count > len(self._data):
            raise _Damaged("cut short, its program headers are missing")
        for number in range(count):
            values = self._unpack(layout, place + number * size)
            if self._is_64:
                kind, flags, offset, address, _, length, _, alignment = values
            else:
                kind, offset, address, _, length, _, flags, alignment = values
            yield _Segment(kind, flags, offset, address, length, alignment)

    def _first(self, kind: int) -> _Segment | None:
        return next((segment for segment in self._segments if segment.kind == kind), None)

    def _offset(self, address: int) -> int:
        """Returns where in the file a loaded address is."""
        for segment in self._loads:
            if segment.address <= address < segment.address + segment.size:
                return segment.offset + address - segment.address
        raise _Damaged(f"the address {address:#x} is in no segment")

    def _read_dynamic(self, segment: _Segment) -> None:
        layout = struct.Struct(f"{self._order}2{self._word}")
        start = self._offset(segment.address) if self._loads else segment.offset
        for place in range(start, start + segment.size, layout.size):
            tag, value = layout.unpack_from(self._data, place)
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
            except _Damaged:
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

    def _records(self, layout: str, start: int | None, limit: int = _MOST_RECORDS) -> Iterator[tuple[int, ...]]:
        """Walks a linked list of version records, whose last field is the distance to the next one (0 ends it). Yields
        the offset of each with its fields."""
        while start is not None and limit:
            fields = self._unpack(layout, start)
            yield (start, *fields)
            start, limit = (start + fields[-1] if fields[-1] else None), limit - 1

    def _version_needs(self, strings: bytes) -> Iterator[tuple[int, VersionNeed]]:
        """Yields what is needed with the number by which the symbol table refers to it."""
        for start, _, count, file, first, _ in self._records("HHIII", self._address("VERNEED")):
            library = _text(strings, file)
            for _, _, flags, number, name, _ in self._records("IHHII", start + first if count else None):
                yield number & 0x7FFF, VersionNeed(library, _text(strings, name), bool(flags & _VER_FLG_WEAK))

    def _version_definitions(self, strings: bytes) -> Iterator[str]:
        for start, *fields in self._records("HHHHIII", self._address("VERDEF")):
            # Only the first auxiliary record names the version; the others name its parents.
            for _, name, _ in self._records("II", start + fields[5], limit=1):
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
        layout = struct.Struct(self._order + ("IIQQQQ" if self._is_64 else "6I"))
        if not self._sections or self._section_size < layout.size:
            return 0
        if self._sections + self._section_size * self._section_count > len(self._data):
            return 0
        total = 0
        for number in range(self._section_count):
            _, kind, flags, _, offset, size = layout.unpack_from(
                self._data, self._sections + number * self._section_size
            )
            if kind not in (0, _SHT_NOBITS) and not flags & _SHF_ALLOC and offset + size <= len(self._data):
                total += size
        return total

    def _symbols(self, libraries: Mapping[int, str]) -> SymbolTable | None:
        if not self._is_64 or self._order != "<":
            return None  # no machine of Lambda's
        tags = {name: values[-1] for name, values in self._tags.items()}
        return read_symbols(self._data, tags, self._offset, libraries)


def _misalignment(segment: _Segment) -> int:
    distance = segment.address - segment.offset
    lowest = distance & -distance
    return lowest if 0 < lowest < segment.alignment else 0


def _padded(size: int, step: int) -> int:
    return (size + step - 1) // step * step


def _text(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    if end < 0:
        raise _Damaged(f"there is no string at {offset}")
    return strings[offset:end].decode("utf-8", "surrogateescape")


def _search_path(values: Iterator[str]) -> tuple[str, ...]:
    """An empty part is the working directory (ld.so(8)), a path that is empty altogether is none."""
    return tuple(part or "." for value in values if value for part in value.split(":"))
