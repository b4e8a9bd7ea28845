"""Writes ZIP archives by hand, also ones no honest tool would write: encrypted, damaged, with names that climb out.

Knows the ZIP format (APPNOTE 4.3) and nothing of recipes. The same members give the same bytes.
"""

from __future__ import annotations

import bz2
import stat
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_DATE_1980 = 0x0021
_VERSION_2_0 = 20
_ENCRYPTED, _UTF8_NAME = 0x1, 0x800
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `path` is stored as it stands; `mode` are permission bits (0: none stored); `link` makes it a link.

    The lies: `encrypted` sets the flag alone, `damaged` stores a wrong checksum, `local_name` is what stands before the
    data instead of the directory's name, `encoding` (not UTF-8) leaves the UTF-8 flag out, `declared` is a wrong size
    in bytes, `overlaps` puts the member's header where the one before has its own. `deflated=False` stores the bytes as
    they are, `method="bzip2"` compresses them so. `system` is where it says it was made: 3 is Unix, 0 is Windows.
    """

    path: str
    content: bytes
    mode: int = 0o644
    link: str | None = None
    encrypted: bool = False
    damaged: bool = False
    local_name: str | None = None
    encoding: str = "utf-8"
    deflated: bool = True
    method: str | None = None
    declared: int | None = None
    overlaps: bool = False
    system: int = 3


def write_archive(target: Path, members: Iterable[Member]) -> None:
    """Writes the members in the order given."""
    directory = bytearray()
    count = offset = 0
    with target.open("wb") as file:
        for member in members:
            offset = offset if member.overlaps else file.tell()
            content = member.content if member.link is None else member.link.encode()
            method, packed = _packed(member, content)
            name = member.path.encode(member.encoding)
            flags = (_UTF8_NAME if member.encoding == "utf-8" else 0) | (_ENCRYPTED if member.encrypted else 0)
            common = struct.pack(
                "<HHHHIII",
                flags,
                method,
                0,
                _DATE_1980,
                zlib.crc32(content) ^ member.damaged,
                len(packed),
                len(content) if member.declared is None else member.declared,
            )
            local = name if member.local_name is None else member.local_name.encode()
            if not member.overlaps:
                file.write(b"PK\x03\x04" + struct.pack("<H", 20) + common + struct.pack("<HH", len(local), 0) + local)
                file.write(packed)
            kind = stat.S_IFDIR if member.path.endswith("/") else stat.S_IFREG if member.link is None else stat.S_IFLNK
            mode = member.mode and member.mode | kind
            directory += b"PK\x01\x02" + struct.pack("<HH", (member.system << 8) | _VERSION_2_0, 20) + common
            directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, mode << 16, offset) + name
            count += 1
        start = file.tell()
        file.write(directory)
        file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), start, 0))


def _packed(member: Member, content: bytes) -> tuple[int, bytes]:
    if member.method == "bzip2":
        return _BZIP2, bz2.compress(content)
    return (_DEFLATED, _deflate(content)) if member.deflated else (_STORED, content)


def _deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()
