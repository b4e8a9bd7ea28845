"""Renames symbol versions and sonames inside shared libraries, so that the real loader no longer offers them.

A library that defines `GLIBC_2.38` lets everything load that asks for it. With the name changed in what defines and in
what needs it, the libraries go on working with each other, and the loader refuses foreign modules in its own words:
``version `GLIBC_2.38' not found``. The same with a soname. Every change keeps the length, so nothing moves.

Little-endian 64-bit ELF only, which is what Lambda runs. Source: gABI chapter 5 (dynamic section), LSB 10.7 (versions).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29
_DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF

# Where glibc keeps the number that gnu_get_libc_version(3) and confstr(3) tell.
_RELEASE = re.compile(rb"stable release version (2\.\d+)")


class NotShared(Exception):
    """The file has no dynamic section that can be read."""


@dataclass(frozen=True, slots=True)
class VersionName:
    """A version's name in the string table, and where its ELF hash stands; both offsets are into the file."""

    text: str
    string: int
    hashed: int
    defined: bool


@dataclass
class SharedObject:
    """The dynamic section of one ELF file. `data` is the file's content, changed in place by `rename`."""

    data: bytearray
    soname: str | None = None
    needed: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    interpreter: str | None = None
    versions: list[VersionName] = field(default_factory=list)
    _sonames: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> SharedObject:
        """Raises `NotShared` for a file that is no shared object, and OSError."""
        found = cls(bytearray(path.read_bytes()))
        try:
            found._read()
        except (struct.error, StopIteration, ValueError, IndexError, UnicodeDecodeError) as error:
            raise NotShared(str(path)) from error
        return found

    def _read(self) -> None:
        data = self.data
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a little-endian 64-bit ELF file")
        (table,) = struct.unpack_from("<Q", data, 32)
        (count,) = struct.unpack_from("<H", data, 56)
        headers = [struct.unpack_from("<IIQQQQQQ", data, table + 56 * index) for index in range(count)]
        loads = [(header[3], header[5], header[2]) for header in headers if header[0] == _PT_LOAD]

        def offset(address: int) -> int:
            places = (file + address - start for start, size, file in loads if start <= address < start + size)
            return int(next(places))

        for header in headers:
            if header[0] == _PT_INTERP:
                self.interpreter = _string(data, header[2])
        dynamic = next(header for header in headers if header[0] == _PT_DYNAMIC)
        entries = list(_dynamic(data, dynamic[2], dynamic[5]))
        single = dict(reversed(entries))
        strings = offset(single[_DT_STRTAB])
        for tag, value in entries:
            if tag in {_DT_NEEDED, _DT_SONAME}:
                name = _string(data, strings + value)
                self._sonames.append((name, strings + value))
                if tag == _DT_NEEDED:
                    self.needed.append(name)
                else:
                    self.soname = name
            elif tag in {_DT_RPATH, _DT_RUNPATH}:
                self.search += [folder for folder in _string(data, strings + value).split(":") if folder]
        if _DT_VERDEF in single:
            self.versions += _definitions(data, offset(single[_DT_VERDEF]), single[_DT_VERDEFNUM], strings)
        if _DT_VERNEED in single:
            self.versions += _needs(data, offset(single[_DT_VERNEED]), single[_DT_VERNEEDNUM], strings)

    def rename(self, version: Callable[[str], str], soname: Callable[[str], str]) -> None:
        """Gives versions and sonames other names of the same length; a function returns what it gets to keep a name."""
        for item in self.versions:
            name = version(item.text)
            if name != item.text:
                self._write(item.string, item.text, name)
                struct.pack_into("<I", self.data, item.hashed, elf_hash(name.encode()))
        for old, place in self._sonames:
            self._write(place, old, soname(old))

    def retell_release(self, release: str) -> None:
        """Lets a libc tell another release of itself, where that has the same length."""
        match = _RELEASE.search(self.data)
        if match is not None and len(match[1]) == len(release):
            for place in list(re.finditer(rb"(?<=[ \0])" + re.escape(match[1]) + rb"(?=\0|\.\n)", self.data)):
                self.data[place.start() : place.end()] = release.encode()

    def _write(self, place: int, old: str, new: str) -> None:
        if len(old) != len(new):
            raise ValueError(f"{old} and {new} differ in length")
        self.data[place : place + len(new)] = new.encode()


def elf_hash(name: bytes) -> int:
    """The hash by which version names are compared (gABI, "Hash Table")."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value & 0xFFFFFFFF


def _string(data: bytearray, start: int) -> str:
    return data[start : data.index(0, start)].decode()


def _dynamic(data: bytearray, start: int, size: int) -> Iterator[tuple[int, int]]:
    for place in range(start, start + size, 16):
        tag, value = struct.unpack_from("<QQ", data, place)
        if tag == 0:
            return
        yield tag, value


def _definitions(data: bytearray, place: int, count: int, strings: int) -> Iterator[VersionName]:
    for _ in range(count):
        first, following = struct.unpack_from("<II", data, place + 12)
        (name,) = struct.unpack_from("<I", data, place + first)
        # Further names of a definition are its parents', which are defined by themselves and share the string.
        yield VersionName(_string(data, strings + name), strings + name, place + 8, defined=True)
        place += following


def _needs(data: bytearray, place: int, count: int, strings: int) -> Iterator[VersionName]:
    for _ in range(count):
        (names,) = struct.unpack_from("<H", data, place + 2)
        first, following = struct.unpack_from("<II", data, place + 8)
        at = place + first
        for _ in range(names):
            name, further = struct.unpack_from("<II", data, at + 8)
            yield VersionName(_string(data, strings + name), strings + name, at, defined=False)
            at += further
        place += following
