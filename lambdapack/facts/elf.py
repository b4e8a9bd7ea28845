"""What an ELF file asks of its loader: machine, libraries, symbol versions. And what a file is that is none.

Reads one file's bytes. Knows no runtime, so it never says whether a file loads.
Sources: elf(5), the System V gABI chapters 4 and 5, and the LSB's symbol versioning.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.construct.core import ConstructError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from lambdapack.facts.symbols import read_python_symbols

MAGIC = b"\x7fELF"
_HEADER_SIZE = 64  # Elf64_Ehdr
_PT_LOAD = "PT_LOAD"
_VER_FLG_WEAK = 0x2
_NAMES_OF_MACHINES = {
    "EM_X86_64": "x86_64",
    "EM_AARCH64": "aarch64",
    "EM_386": "i386",
    "EM_ARM": "arm",
    "EM_PPC64": "ppc64",
    "EM_S390": "s390x",
    "EM_RISCV": "riscv",
}

_FOREIGN = (
    (b"\xcf\xfa\xed\xfe", "a macOS binary (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a macOS binary (Mach-O, 32-bit)"),
    (b"\xca\xfe\xba\xbe", "a macOS universal binary (Mach-O)"),
    (b"MZ", "a Windows binary (PE)"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"!<arch>", "a static library (ar archive)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"/* GNU ld script", "a linker script, which only the compiler's linker reads"),
    (b"GROUP", "a linker script, which only the compiler's linker reads"),
    (b"INPUT", "a linker script, which only the compiler's linker reads"),
)


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

    `needed`, `rpath` and `runpath` are in file order, search paths split at colons and not expanded.
    `defined_versions` are the versions the file offers (empty: unversioned). `missing_bytes` says how many bytes
    its loadable segments reach beyond the end of the file (0: none). `undefined_python` and `defined_python` are the
    names beginning with `Py` or `_Py` that it takes from elsewhere and offers; None where they were not read.
    """

    bits: int
    machine: str
    executable: bool
    soname: str | None
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    version_needs: tuple[VersionNeed, ...]
    defined_versions: frozenset[str]
    missing_bytes: int
    undefined_python: frozenset[str] | None
    defined_python: frozenset[str] | None

    def fits(self, machine: str) -> bool:
        """True for a file of this processor; Lambda's are 64-bit."""
        return self.bits == 64 and self.machine == machine


@dataclass(frozen=True, slots=True)
class NotElf:
    """A file that is not ELF, or not readable as such. `what` completes "it is ...", `loader_text` is ld.so's word."""

    what: str
    loader_text: str


def read_elf(data: bytes) -> ElfFacts | NotElf:
    """Reads the facts of one file's whole content."""
    if len(data) < _HEADER_SIZE:
        return NotElf(_name_of(data) or ("empty" if not data else "too short to be a library"), "file too short")
    if not data.startswith(MAGIC):
        return NotElf(_name_of(data) or "not an ELF file", "invalid ELF header")
    try:
        return _read(ELFFile(io.BytesIO(_as_the_loader_sees(data))), data)
    except (
        ELFError,
        ConstructError,
        ValueError,
        KeyError,
        IndexError,
        OverflowError,
        AttributeError,
        AssertionError,
    ) as error:
        return NotElf(f"a damaged ELF file ({str(error) or type(error).__name__})", "invalid ELF header")


def _as_the_loader_sees(data: bytes) -> bytes:
    """Blanks the header's fields about sections: the loader knows only segments, and a file may have lost the rest."""
    header = bytearray(data[:_HEADER_SIZE])
    is_64 = header[4] == 2  # EI_CLASS
    for start, end in ((0x28, 0x30), (0x3C, 0x40)) if is_64 else ((0x20, 0x24), (0x30, 0x34)):
        header[start:end] = bytes(end - start)
    return bytes(header) + data[_HEADER_SIZE:]


def _name_of(data: bytes) -> str | None:
    return next((name for magic, name in _FOREIGN if data.startswith(magic)), None)


def _read(elf: ELFFile, data: bytes) -> ElfFacts:
    size = len(data)
    segments = list(elf.iter_segments())
    dynamic = next((segment for segment in segments if isinstance(segment, DynamicSegment)), None)
    reach = max((s.header.p_offset + s.header.p_filesz for s in segments if s.header.p_type == _PT_LOAD), default=0)
    missing = max(0, reach - size)
    machine = str(elf.header.e_machine)
    tags: dict[str, list[Any]] = {}
    # A truncated file's dynamic segment may be among what is gone.
    if dynamic is not None and dynamic.header.p_offset + dynamic.header.p_filesz <= size:
        for tag in dynamic.iter_tags():
            tags.setdefault(str(tag.entry.d_tag), []).append(tag)
    soname = tags.get("DT_SONAME")
    symbols = None if missing else _python_symbols(elf, data, tags)
    return ElfFacts(
        bits=elf.elfclass,
        machine=_NAMES_OF_MACHINES.get(machine, machine.removeprefix("EM_").lower()),
        executable=str(elf.header.e_type) == "ET_EXEC" or any(s.header.p_type == "PT_INTERP" for s in segments),
        soname=soname[0].soname if soname else None,
        needed=tuple(tag.needed for tag in tags.get("DT_NEEDED", ())),
        rpath=_search_path(tag.rpath for tag in tags.get("DT_RPATH", ())),
        runpath=_search_path(tag.runpath for tag in tags.get("DT_RUNPATH", ())),
        version_needs=() if missing else tuple(_version_needs(elf, dynamic, tags)),
        defined_versions=frozenset(() if missing else _version_definitions(elf, dynamic, tags)),
        missing_bytes=missing,
        undefined_python=symbols[0] if symbols else None,
        defined_python=symbols[1] if symbols else None,
    )


def _python_symbols(
    elf: ELFFile, data: bytes, tags: dict[str, list[Any]]
) -> tuple[frozenset[str], frozenset[str]] | None:
    if elf.elfclass != 64 or not elf.little_endian:
        return None  # no machine of Lambda's
    values = {name: found[0].entry.d_val for name, found in tags.items()}
    return read_python_symbols(data, values, lambda address: _offset(elf, address))


def _search_path(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(part for value in values for part in value.split(":") if part)


def _offset(elf: ELFFile, address: int) -> int:
    """Returns the file offset of a loaded address: the sections may have been stripped, the segments never are."""
    offset = next(iter(elf.address_offsets(address)), None)
    if offset is None:
        raise ValueError(f"the address {address:#x} is in no segment")
    return int(offset)


def _chain(elf: ELFFile, tags: dict[str, list[Any]], address_tag: str) -> int | None:
    return _offset(elf, tags[address_tag][0].entry.d_val) if address_tag in tags else None


def _records(elf: ELFFile, struct: Any, offset: int | None, step: str, limit: int = 65536) -> Iterator[tuple[int, Any]]:
    """Walks a linked list of version records, whose `step` field is the distance to the next one (0 ends it)."""
    while offset is not None and limit:
        elf.stream.seek(offset)
        record = struct.parse_stream(elf.stream)
        yield offset, record
        offset, limit = (offset + record[step] if record[step] else None), limit - 1


def _version_needs(elf: ELFFile, dynamic: DynamicSegment | None, tags: dict[str, list[Any]]) -> Iterator[VersionNeed]:
    structs, start = elf.structs, _chain(elf, tags, "DT_VERNEED")
    if dynamic is None or start is None:
        return
    strings = dynamic._get_stringtable()
    for offset, need in _records(elf, structs.Elf_Verneed, start, "vn_next"):
        library = strings.get_string(need["vn_file"])
        first = offset + need["vn_aux"] if need["vn_cnt"] else None
        for _, aux in _records(elf, structs.Elf_Vernaux, first, "vna_next"):
            yield VersionNeed(library, strings.get_string(aux["vna_name"]), bool(aux["vna_flags"] & _VER_FLG_WEAK))


def _version_definitions(elf: ELFFile, dynamic: DynamicSegment | None, tags: dict[str, list[Any]]) -> Iterator[str]:
    structs, start = elf.structs, _chain(elf, tags, "DT_VERDEF")
    if dynamic is None or start is None:
        return
    strings = dynamic._get_stringtable()
    for offset, definition in _records(elf, structs.Elf_Verdef, start, "vd_next"):
        # Only the first auxiliary record names the version; the others name its parents.
        for _, aux in _records(elf, structs.Elf_Verdaux, offset + definition["vd_aux"], "vda_next", limit=1):
            yield strings.get_string(aux["vda_name"])
