"""Reads any ELF file with pyelftools: any class, byte order and machine.

Functions are made of files that `facts.elf_struct` takes, some ten times quicker; this one is for those that came in by
mistake, built for another machine. It fills every field but the symbols, which nobody asks of a file that Lambda cannot
load. It reads as the loader does, by segments and never by sections, but for the size of what `strip` would take away.
Sources: as for `facts.elf_struct`; the numbers and layouts are those of pyelftools.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.common.utils import parse_cstring_from_stream, struct_parse
from elftools.construct import ConstructError
from elftools.elf.constants import P_FLAGS, SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_DT_FLAGS_1, ENUM_E_MACHINE
from elftools.elf.notes import iter_notes
from elftools.elf.segments import Segment

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

_PAGE = 4096
_VER_FLG_WEAK = 0x2
_KINDS: Mapping[str, ElfKind] = {"ET_EXEC": "program", "ET_DYN": "library", "ET_CORE": "core dump"}
# In the header of each class, where e_shoff is, and where e_shentsize, e_shnum and e_shstrndx are.
_ABOUT_SECTIONS = {32: ((32, 36), (46, 52)), 64: ((40, 48), (58, 64))}
# What pyelftools raises of a damaged file besides its own errors, which are not all that it lets through.
_ERRORS = (ELFError, ConstructError, ValueError, LookupError, OverflowError, AttributeError, TypeError, AssertionError)


def read_generally(data: bytes) -> ElfFacts:
    """Returns the facts of a file, from its whole content; `symbols` is None. Raises `Damaged`."""
    try:
        return _Reader(data).facts()
    except _ERRORS as error:
        raise Damaged(str(error) or type(error).__name__) from error


def _without_sections(data: bytes) -> bytes:
    """Blanks what the header says of sections: pyelftools would read some, and fail where they are damaged."""
    header = bytearray(data[:64])
    for start, end in _ABOUT_SECTIONS[64 if data[4] == 2 else 32]:
        header[start:end] = bytes(end - start)
    return bytes(header) + data[64:]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._elf = ELFFile(io.BytesIO(_without_sections(data)))
        self._structs: Any = self._elf.structs
        header = self._elf.header
        if header.e_phnum and header.e_phentsize != self._structs.Elf_Phdr.sizeof():
            raise Damaged(f"its program headers are said to have {header.e_phentsize} bytes")
        if header.e_phoff + header.e_phentsize * header.e_phnum > len(data):
            raise Damaged("cut short, its program headers are missing")
        self._segments = list(self._elf.iter_segments())
        self._loads = [segment for segment in self._segments if segment["p_type"] == "PT_LOAD"]
        self._tags: dict[str, list[int]] = {}

    def facts(self) -> ElfFacts:
        """Returns all that is known of the file."""
        reach = max((segment["p_offset"] + segment["p_filesz"] for segment in self._loads), default=0)
        missing = max(0, reach - len(self._data))
        dynamic = self._first("PT_DYNAMIC")
        if dynamic is not None and not dynamic["p_filesz"]:
            dynamic = None  # separate debug symbols have a header for it and nothing else
        if dynamic is not None:
            try:
                self._read_dynamic(dynamic)
            except (Damaged, ELFError):
                if not missing:  # else it may be among what is gone
                    raise
        strings = self._strings(missing)
        flags = next(iter(self._tags.get("DT_FLAGS_1", ())), 0)
        return ElfFacts(
            bits=self._elf.elfclass,
            machine=self._machine(),
            kind=self._kind(flags),
            interpreter=self._interpreter(),
            soname=next(iter(self._names("DT_SONAME", strings)), None),
            needed=tuple(self._names("DT_NEEDED", strings)),
            rpath=split_search_path(self._names("DT_RPATH", strings)),
            runpath=split_search_path(self._names("DT_RUNPATH", strings)),
            default_folders=not flags & ENUM_DT_FLAGS_1["DF_1_NODEFLIB"],
            version_needs=() if missing else tuple(self._version_needs(strings)),
            defined_versions=frozenset(() if missing else self._version_definitions(strings)),
            missing_bytes=missing,
            loadable=bool(self._loads),
            dynamic=dynamic is not None,
            least_alignment=min((segment["p_align"] for segment in self._loads), default=_PAGE),
            misaligned_at=min(filter(None, self._misalignments()), default=0),
            executable_stack=self._has_executable_stack(),
            isa_level=self._isa_level(),
            debug_bytes=self._debug_bytes(),
            symbols=None,
        )

    def _machine(self) -> str:
        value = self._elf.header.e_machine  # a number where pyelftools has no name for it
        return name_machine(ENUM_E_MACHINE[value] if isinstance(value, str) else value)

    def _kind(self, flags: int) -> ElfKind:
        kind = _KINDS.get(self._elf.header.e_type, "object file")
        pie = kind == "library" and flags & ENUM_DT_FLAGS_1["DF_1_PIE"]
        return "position-independent program" if pie else kind

    def _first(self, kind: str) -> Segment | None:
        return next((segment for segment in self._segments if segment["p_type"] == kind), None)

    def _offset(self, address: int) -> int:
        """Returns where in the file a loaded address is."""
        offset = next(iter(self._elf.address_offsets(address)), None)
        if offset is None:
            raise Damaged(f"the address {address:#x} is in no segment")
        return offset

    def _read_dynamic(self, segment: Segment) -> None:
        layout = self._structs.Elf_Dyn
        start = self._offset(segment["p_vaddr"]) if self._loads else segment["p_offset"]
        for number in range(min(segment["p_filesz"] // layout.sizeof(), MOST_RECORDS)):
            entry = struct_parse(layout, self._elf.stream, start + number * layout.sizeof())
            if entry.d_tag == "DT_NULL":
                break
            self._tags.setdefault(entry.d_tag, []).append(entry.d_val)

    def _address(self, tag: str) -> int | None:
        found = self._tags.get(tag)
        return self._offset(found[-1]) if found else None

    def _strings(self, missing: int) -> bytes:
        start, size = None, 0
        if "DT_STRTAB" in self._tags and "DT_STRSZ" in self._tags:
            try:
                start, size = self._address("DT_STRTAB"), self._tags["DT_STRSZ"][-1]
            except Damaged:
                if not missing:
                    raise
        return b"" if start is None else self._data[start : start + size]

    def _names(self, tag: str, strings: bytes) -> Iterator[str]:
        for offset in self._tags.get(tag, ()) if strings else ():
            yield _text(strings, offset)

    def _misalignments(self) -> Iterator[int]:
        for segment in self._loads:
            yield find_misalignment(segment["p_vaddr"], segment["p_offset"], segment["p_align"])

    def _interpreter(self) -> str | None:
        segment = self._first("PT_INTERP")
        return None if segment is None else segment.data().rstrip(b"\0").decode("utf-8", "backslashreplace")

    def _records(
        self, layout: Any, start: int | None, following: str, limit: int = MOST_RECORDS
    ) -> Iterator[tuple[int, Any]]:
        """Walks a linked list of version records, whose field `following` is the distance to the next one (0 ends it).
        Yields the offset of each with the record."""
        while start is not None and limit:
            record = struct_parse(layout, self._elf.stream, start)
            yield start, record
            start, limit = (start + record[following] if record[following] else None), limit - 1

    def _version_needs(self, strings: bytes) -> Iterator[VersionNeed]:
        structs = self._structs
        for start, need in self._records(structs.Elf_Verneed, self._address("DT_VERNEED"), "vn_next"):
            library = _text(strings, need.vn_file)
            first = start + need.vn_aux if need.vn_cnt else None
            for _, version in self._records(structs.Elf_Vernaux, first, "vna_next"):
                yield VersionNeed(library, _text(strings, version.vna_name), bool(version.vna_flags & _VER_FLG_WEAK))

    def _version_definitions(self, strings: bytes) -> Iterator[str]:
        structs = self._structs
        for start, definition in self._records(structs.Elf_Verdef, self._address("DT_VERDEF"), "vd_next"):
            # Only the first auxiliary record names the version; the others name its parents.
            for _, name in self._records(structs.Elf_Verdaux, start + definition.vd_aux, "vda_next", limit=1):
                yield _text(strings, name.vda_name)

    def _has_executable_stack(self) -> bool:
        segment = self._first("PT_GNU_STACK")
        return segment is None or bool(segment["p_flags"] & P_FLAGS.PF_X)

    def _isa_level(self) -> int:
        """The highest level in `GNU_PROPERTY_X86_ISA_1_NEEDED`, where bit 0 stands for the baseline."""
        if self._elf.header.e_machine != "EM_X86_64":
            return 0
        found = self._first("PT_GNU_PROPERTY")
        segments = [found] if found else [segment for segment in self._segments if segment["p_type"] == "PT_NOTE"]
        return max((level for segment in segments for level in self._levels_in(segment)), default=0)

    def _levels_in(self, segment: Segment) -> Iterator[int]:
        for note in iter_notes(self._elf, segment["p_offset"], segment["p_filesz"]):
            if note.n_type == "NT_GNU_PROPERTY_TYPE_0" and note.n_name == "GNU":
                for item in note.n_desc:
                    if item.pr_type == "GNU_PROPERTY_X86_ISA_1_NEEDED":
                        yield item.pr_data.bit_length()

    def _debug_bytes(self) -> int:
        """The stored bytes of sections that are not loaded; 0 where the table of sections is gone."""
        layout = self._structs.Elf_Shdr
        stream = io.BytesIO(self._data)
        header = struct_parse(self._structs.Elf_Ehdr, stream, 0)
        if not header.e_shoff or header.e_shentsize < layout.sizeof():
            return 0
        if header.e_shoff + header.e_shentsize * header.e_shnum > len(self._data):
            return 0
        total = 0
        for number in range(header.e_shnum):
            section = struct_parse(layout, stream, header.e_shoff + number * header.e_shentsize)
            loaded = section.sh_type in ("SHT_NULL", "SHT_NOBITS") or section.sh_flags & SH_FLAGS.SHF_ALLOC
            if not loaded and section.sh_offset + section.sh_size <= len(self._data):
                total += section.sh_size
        return total


def _text(strings: bytes, offset: int) -> str:
    found = parse_cstring_from_stream(io.BytesIO(strings), offset)
    if found is None:
        raise Damaged(f"there is no string at {offset}")
    return found.decode("utf-8", "surrogateescape")
