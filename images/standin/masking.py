"""Makes a root file system refuse what the target's would refuse: hides symbol versions and libraries that it has not.

In every ELF file the names of symbol versions above a ceiling are changed, where they are defined and where they are
needed, and so are the sonames of libraries that the target has not. Among themselves the files fit as before; a
foreign module that asks for `GLIBC_2.38` is refused by the real loader, in its own words, as it would be there.
Lengths stay the same, so nothing moves. Knows ELF (gabi, and the GNU versioning sections); knows no runtime.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

Version = tuple[int, ...]

_VERSION_NAME = re.compile(rb"([A-Z]+)_([0-9]+(?:\.[0-9]+)*)")
# Versions without a number, the first of which came with glibc 2.36. The loader demands this one, by this name, of
# every file with packed relocations, so it can be hidden only where the root file system has no such file.
_ABI_MARK = b"GLIBC_ABI_"
_FIRST_ABI_MARK = (2, 36)
_RELR_MARK = b"GLIBC_ABI_DT_RELR"
_HIDDEN = ord("x")

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _SONAME, _RELR = 1, 5, 14, 36
_VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF


def mask(root: Path, ceilings: Mapping[str, Version], known: Collection[str]) -> tuple[int, list[str]]:
    """Hides versions above `ceilings` (by prefix, `GLIBC` …) and libraries whose soname is not in `known`.

    Only libraries in the system's own folders are hidden. Returns how many names were changed, and the hidden sonames.
    """
    files = list(_elf_files(root))
    system = {folder.resolve() for folder in (root / "usr/lib", root / "usr/lib64") if folder.is_dir()}
    system |= {folder.resolve() for folder in (root / "usr/lib").glob("*-linux-gnu")}
    hidden: set[str] = set()
    for path in files:
        if path.parent.resolve() in system:
            soname = _Elf(path).soname()
            if soname and soname not in known:
                hidden.add(soname)
    is_packed = any(_Elf(path).has_packed_relocations() for path in files)
    changed = 0
    for path in files:
        elf = _Elf(path)
        elf.hide_versions(ceilings, keep={_RELR_MARK} if is_packed else set())
        elf.hide_libraries(hidden)
        if elf.soname() == "libc.so.6":
            elf.claim_version(ceilings["GLIBC"])
        changed += elf.save()
    for folder in system:
        for soname in hidden:
            if os.path.lexists(folder / soname):
                (folder / soname).rename(folder / f"x{soname[1:]}")
    return changed, sorted(hidden)


def _elf_files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("rb") as file:
                # 64 bits, little-endian: both architectures of Lambda are.
                if file.read(6) == b"\x7fELF\x02\x01":
                    yield path


def _elf_hash(name: bytes) -> int:
    """The hash of the System V ABI, by which the loader finds a version."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value & 0xFFFFFFFF


class _Elf:
    """One file's dynamic section and the names it refers to, changed in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = bytearray(path.read_bytes())
        self.changes = 0
        self._original: dict[int, bytes] = {}
        offset, count = struct.unpack_from("<Q", self.data, 32)[0], struct.unpack_from("<H", self.data, 56)[0]
        headers = [struct.unpack_from("<IIQQQQ", self.data, offset + 56 * index) for index in range(count)]
        self._loads = [(header[2], header[3], header[5]) for header in headers if header[0] == _LOAD]
        self.dynamic: list[tuple[int, int]] = []
        for header in headers:
            if header[0] == _DYNAMIC:
                for at in range(header[2], header[2] + header[5], 16):
                    tag, value = struct.unpack_from("<QQ", self.data, at)
                    if tag == 0:
                        break
                    self.dynamic.append((tag, value))
        self._first = dict(reversed(self.dynamic))
        self._strings = self._offset(self._first[_STRTAB]) if _STRTAB in self._first else 0

    def soname(self) -> str | None:
        return self._name(self._first[_SONAME]).decode() if _SONAME in self._first else None

    def has_packed_relocations(self) -> bool:
        return _RELR in self._first

    def hide_versions(self, ceilings: Mapping[str, Version], *, keep: Collection[bytes]) -> None:
        for name, hashed_at in [*self._defined(), *self._needed_versions()]:
            original = self._name(name)
            match = _VERSION_NAME.fullmatch(original)
            if match:
                ceiling = ceilings.get(match[1].decode())
                above = ceiling is not None and tuple(map(int, match[2].split(b"."))) > ceiling
            else:
                is_mark = original.startswith(_ABI_MARK) and original not in keep
                above = is_mark and ceilings["GLIBC"] < _FIRST_ABI_MARK
            if above:
                self._hide(name)
                struct.pack_into("<I", self.data, hashed_at, _elf_hash(b"x" + original[1:]))

    def hide_libraries(self, sonames: Collection[str]) -> None:
        names = [value for tag, value in self.dynamic if tag in {_NEEDED, _SONAME}]
        for name in [*names, *self._needed_files()]:
            if self._name(name).decode() in sonames:
                self._hide(name)

    def claim_version(self, glibc: Version) -> None:
        """Changes the version that the library says it is: `gnu_get_libc_version`, and its greeting."""
        found = re.search(rb"stable release version (\d+\.\d+)", self.data)
        text = ".".join(map(str, glibc)).encode()
        if found and len(found[1]) == len(text):
            real = found[1]
            for match in list(re.finditer(rb"(?<=[ \0])" + re.escape(real) + rb"(?=\0|\.\n)", self.data)):
                self.data[match.start() : match.end()] = text
                self.changes += 1

    def save(self) -> int:
        if self.changes:
            mode = self.path.stat().st_mode
            # A new file: wheels and packages may share theirs with a cache by hard links.
            self.path.unlink()
            self.path.write_bytes(self.data)
            self.path.chmod(mode)
        return self.changes

    def _hide(self, name: int) -> None:
        if name not in self._original:
            self._original[name] = self._name(name)
            self.data[self._strings + name] = _HIDDEN
            self.changes += 1

    def _name(self, name: int) -> bytes:
        if name in self._original:
            return self._original[name]
        start = self._strings + name
        return bytes(self.data[start : self.data.index(0, start)])

    def _offset(self, address: int) -> int:
        for offset, start, size in self._loads:
            if start <= address < start + size:
                return int(offset + address - start)
        raise ValueError(f"{self.path}: the address {address:#x} is in no segment")

    def _defined(self) -> Iterator[tuple[int, int]]:
        """The name and the place of the hash of each version definition (Elf64_Verdef)."""
        if _VERDEF in self._first:
            at = self._offset(self._first[_VERDEF])
            for _ in range(self._first[_VERDEFNUM]):
                names_at, following = struct.unpack_from("<II", self.data, at + 12)
                yield struct.unpack_from("<I", self.data, at + names_at)[0], at + 8
                at += following

    def _needed_versions(self) -> Iterator[tuple[int, int]]:
        """The same of each version needed (Elf64_Vernaux)."""
        for at in self._version_needs():
            count, first = (
                struct.unpack_from("<H", self.data, at + 2)[0],
                struct.unpack_from("<I", self.data, at + 8)[0],
            )
            entry = at + first
            for _ in range(count):
                name, following = struct.unpack_from("<II", self.data, entry + 8)
                yield name, entry
                entry += following

    def _needed_files(self) -> Iterator[int]:
        """The file that each group of needed versions is expected in (Elf64_Verneed)."""
        for at in self._version_needs():
            yield struct.unpack_from("<I", self.data, at + 4)[0]

    def _version_needs(self) -> Iterator[int]:
        if _VERNEED in self._first:
            at = self._offset(self._first[_VERNEED])
            for _ in range(self._first[_VERNEEDNUM]):
                yield at
                at += struct.unpack_from("<I", self.data, at + 12)[0]
