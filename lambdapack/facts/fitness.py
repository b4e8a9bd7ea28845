"""Whether the loader takes a native file by itself: what it looks at before it looks for anything that the file needs.

Source: glibc's elf/dl-load.c (`open_verify`, `_dl_map_object_from_fd`) and sysdeps/x86/dl-prop.h, by version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lambdapack.facts.elf import ElfFacts, NotElf
from lambdapack.profiles.profile import RuntimeProfile, Version

RefusalKind = Literal["not-elf", "truncated", "wrong-class", "wrong-machine", "isa-level", "executable-stack"]

_PAGE = 4096
# Commit 163f625cf9 (bug 28688): since 2.35 only the page counts, and no longer the `p_align` of each segment.
_PAGE_ALIGNMENT_IS_ENOUGH: Version = (2, 35)
# Commit 2c75b545de (bug 24323): since 2.30 a position-independent program is no library.
_NO_PROGRAMS: Version = (2, 30)
_LEVELS_CHECKED: Version = (2, 33)  # NEWS for 2.33: x86-64 ISA levels
_NO_EXECUTABLE_STACK: Version = (2, 41)  # NEWS for 2.41: dlopen no longer makes the stack executable


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the loader does not take a file. `wanted` and `found` are the values that disagree, `says` is its own text
    (None: it says nothing that tells). `certain` is False where the runtime is not known well enough."""

    kind: RefusalKind
    wanted: str
    found: str
    says: str | None = None
    certain: bool = True


def refusal(facts: ElfFacts | NotElf, profile: RuntimeProfile) -> Refusal | None:
    """Returns the first reason why the file is refused, in the loader's order; None for a file that is taken."""
    machine, glibc = profile.machine, profile.glibc
    if isinstance(facts, NotElf):
        return Refusal("not-elf", "an ELF shared object", facts.what, facts.loader_text)
    if facts.machine != machine and facts.bits == 64:
        return Refusal("wrong-machine", machine, facts.machine)
    if facts.bits != 64:
        found = f"{facts.bits}-bit {facts.machine}"
        return Refusal("wrong-class", f"64-bit {machine}", found, f"wrong ELF class: ELFCLASS{facts.bits}")
    if facts.missing_bytes:
        return Refusal("truncated", "the whole file", f"cut short, {facts.missing_bytes} bytes are missing")
    wrong_kind = _wrong_kind(facts, glibc)
    if wrong_kind is not None:
        return Refusal("not-elf", "an ELF shared object", *wrong_kind)
    return _misaligned(facts, glibc) or _too_demanding(facts, profile)


def _wrong_kind(facts: ElfFacts, glibc: Version) -> tuple[str, str] | None:
    if facts.kind in ("object file", "core dump"):
        what = "an object file that was not linked" if facts.kind == "object file" else "a core dump"
        return what, "only ET_DYN and ET_EXEC can be loaded"
    if facts.kind == "program":
        return "a program", "cannot dynamically load executable"
    if facts.kind == "position-independent program" and glibc >= _NO_PROGRAMS:
        return "a program", "cannot dynamically load position-independent executable"
    if not facts.loadable:
        return (
            "an ELF file with nothing to load, such as separate debug symbols",
            "object file has no loadable segments",
        )
    if not facts.dynamic:
        return "an ELF file without a dynamic section", "object file has no dynamic section"
    return None


def _misaligned(facts: ElfFacts, glibc: Version) -> Refusal | None:
    """`strip` on a file that patchelf has changed is what usually does this."""
    page_only = glibc >= _PAGE_ALIGNMENT_IS_ENOUGH
    wanted = "segments whose addresses fit their places in the file"
    if facts.misaligned_at and (facts.misaligned_at < _PAGE or not page_only):
        found = f"damaged: a segment's address and its place in the file differ by {facts.misaligned_at:#x}"
        text = f"ELF load command address/offset not {'page-aligned' if page_only else 'properly aligned'}"
        # Distributions with 2.34 may have taken the change over.
        certain = facts.misaligned_at < _PAGE or glibc < (2, 34)
        return Refusal("not-elf", wanted, found, text, certain)
    if facts.least_alignment % _PAGE and not page_only:
        found = f"damaged: a segment is aligned to {facts.least_alignment:#x}, less than a page"
        return Refusal("not-elf", wanted, found, "ELF load command alignment not page-aligned", glibc < (2, 34))
    return None


def _too_demanding(facts: ElfFacts, profile: RuntimeProfile) -> Refusal | None:
    if facts.executable_stack and profile.glibc >= _NO_EXECUTABLE_STACK:
        text = "cannot enable executable stack as shared object requires: Invalid argument"
        return Refusal("executable-stack", "a stack that is not executable", "an executable stack", text)
    if facts.isa_level > profile.isa_level:
        says = "CPU ISA level is lower than required" if profile.glibc >= _LEVELS_CHECKED else None
        found = f"x86-64-v{facts.isa_level}"
        return Refusal("isa-level", f"x86-64-v{profile.isa_level}", found, says, certain=False)
    return None
