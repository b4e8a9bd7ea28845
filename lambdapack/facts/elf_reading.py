"""Reads a native file, whatever it turns out to be: picks the reader that suits it, and names what is no ELF file.

Source: glibc's elf/dl-load.c (`open_verify`), for the order of what is looked at and the loader's words for it.
"""

from __future__ import annotations

from dataclasses import replace

from lambdapack.facts.elf import MAGIC, Damaged, ElfFacts, NotElf
from lambdapack.facts.elf_struct import read_by_struct
from lambdapack.facts.elf_texts import read_words
from lambdapack.facts.impostors import name_of_impostor

_HEADER_SIZE = 64  # Elf64_Ehdr
_CLASS_32, _CLASS_64 = 1, 2
_LITTLE_ENDIAN, _BIG_ENDIAN = 1, 2
_OS_ABIS = (0, 3)  # System V and GNU: all that glibc takes (elf/dl-load.c, VALID_ELF_OSABI)


def read_elf(data: bytes) -> ElfFacts | NotElf:
    """Reads the facts of one file's whole content."""
    if len(data) < _HEADER_SIZE:
        what = name_of_impostor(data) or "too short to be a library"
        return NotElf(what, "file too short")
    if not data.startswith(MAGIC):
        return NotElf(name_of_impostor(data) or "not an ELF file", "invalid ELF header")
    bits, order, os_abi = data[4], data[5], data[7]
    if os_abi not in _OS_ABIS and bits == _CLASS_64:
        return NotElf(f"an ELF file of another operating system (OS ABI {os_abi})", "ELF file OS ABI invalid")
    try:
        return _read(data, bits, order)
    except Damaged as error:
        return NotElf(f"a damaged ELF file ({error})", None)


def _read(data: bytes, bits: int, order: int) -> ElfFacts:
    if bits not in (_CLASS_32, _CLASS_64) or order not in (_LITTLE_ENDIAN, _BIG_ENDIAN):
        raise Damaged("its header names no class or byte order")
    if (bits, order) == (_CLASS_64, _LITTLE_ENDIAN):
        return replace(read_by_struct(data), words=read_words(data))
    from lambdapack.facts.elf_general import read_generally  # 20 ms, for files that are hardly ever there

    return read_generally(data)
