"""What is known of an ELF file: what it asks of its loader. And what a file is that is none.

Says what the facts mean; `facts.elf_reading` reads them. Knows no runtime, so it never says whether a file loads.
Sources: elf(5), the System V gABI chapters 4 and 5, and ld.so(8) for search paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lambdapack.facts.symbols import SymbolTable

ElfKind = Literal["library", "program", "position-independent program", "object file", "core dump"]

MAGIC = b"\x7fELF"
MOST_RECORDS = 65536  # of a table or a linked list in a file, whose end might be damaged
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
    `symbols` is None where the table was not read. `words` are those of `elf_texts.WORDS` that it has.
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
    words: frozenset[str] = frozenset()

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


class Damaged(Exception):
    """Something of the file that the loader reads is not there; the text completes "it is damaged: ..."."""


def name_machine(number: int) -> str:
    """Returns the name of an `e_machine`, as wheels spell it."""
    return _MACHINES.get(number, f"machine {number}")


def split_search_path(values: Iterable[str]) -> tuple[str, ...]:
    """An empty part is the working directory (ld.so(8)), a path that is empty altogether is none."""
    return tuple(part or "." for value in values if value for part in value.split(":"))


def find_misalignment(address: int, offset: int, alignment: int) -> int:
    """Returns the smallest power of two by which a segment's address and its place in the file differ although its
    alignment demands that they do not; 0 where they agree."""
    distance = address - offset
    lowest = distance & -distance
    return lowest if 0 < lowest < alignment else 0
