"""The content of a ZIP's members: inflated by libdeflate, with the checksum compared in the same step, from any thread.

What is unusual in any way (methods, lies, damages, sizes) is left to zipfile, which also words what is wrong.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import deflate

Buffer = bytes | bytearray | memoryview
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")  # APPNOTE.TXT 4.3.7
_USUAL_EXTRA = 64  # bytes of extra fields that are read with the header
_LARGEST = 64 << 20  # bytes that are inflated in one piece; a lying directory may ask for any number
_CHUNK = 1 << 20
# RFC 1952: a header that says nothing. A deflated member between it and its CRC and size is a gzip file.
_DEFLATED_NOTHING = b"\x03\0"
_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"


class ZipMembers:
    """Reads members of one open archive. Errors are zipfile's."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self._path = path
        self._file = path.open("rb")
        self._lock = threading.Lock()

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Returns a member's whole content; its checksum is right."""
        usual = self._read_usual(info)
        if usual is not None:
            return bytes(usual)
        data = self._zip.read(info)
        _check_size(len(data), info.file_size)
        return data

    def verify(self, info: zipfile.ZipInfo) -> None:
        """Reads a member to its end and keeps nothing."""
        if self._read_usual(info) is not None:
            return
        size = 0
        with self._zip.open(info) as stream:
            for chunk in iter(partial(stream.read, _CHUNK), b""):
                size += len(chunk)
        _check_size(size, info.file_size)

    def digest(self, info: zipfile.ZipInfo) -> bytes | None:
        """Returns the SHA-256 of a member as it is stored, with its name and all that the directory says of it; None
        when it is unusual, so that zipfile has to judge it."""
        stored = self._stored(info) if is_usual(info) else None
        if stored is None:
            return None
        digest = hashlib.sha256(described(info))
        digest.update(stored)
        return digest.digest()

    def reopen(self) -> bool:
        """Opens the file anew, as `Tree.reopen` says; False when another one has its name by now."""
        files = self._path.open("rb"), self._path.open("rb")
        if not os.path.samestat(os.fstat(files[0].fileno()), os.fstat(self._file.fileno())):
            return False
        self._file, self._zip.fp = files
        self._lock = threading.Lock()  # another thread may have held the old one
        return True

    def close(self) -> None:
        """Closes the file; the archive is somebody else's."""
        self._file.close()

    def _read_usual(self, info: zipfile.ZipInfo) -> Buffer | None:
        content = _CONTENTS.get(info.compress_type)
        if content is None or not is_usual(info) or info.file_size > _LARGEST:
            return None
        stored = self._stored(info)
        return None if stored is None else content(stored, info)

    def _stored(self, info: zipfile.ZipInfo) -> memoryview | None:
        """Returns a member's bytes as they are stored; None where its local header is not what the directory says."""
        name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")
        begin = _LOCAL_HEADER.size + len(name)
        with self._lock:
            self._file.seek(info.header_offset)
            data = self._file.read(begin + _USUAL_EXTRA + info.compress_size)
            if len(data) < begin:
                return None
            magic, *_, name_size, extra_size = _LOCAL_HEADER.unpack_from(data)
            if extra_size > _USUAL_EXTRA:
                data += self._file.read(extra_size - _USUAL_EXTRA)
        if magic != b"PK\3\4" or name_size != len(name) or data[_LOCAL_HEADER.size : begin] != name:
            return None
        begin += extra_size
        stored = memoryview(data)[begin : begin + info.compress_size]
        return stored if len(stored) == info.compress_size else None


def _inflated(stored: memoryview, info: zipfile.ZipInfo) -> Buffer | None:
    if not info.file_size:  # libdeflate would not look at what is to become nothing
        return b"" if stored == _DEFLATED_NOTHING and not info.CRC else None
    packed = b"".join((_GZIP_HEADER, stored, struct.pack("<2I", info.CRC, info.file_size)))
    try:
        data = deflate.gzip_decompress(packed)
    except deflate.DeflateError:
        return None
    return data if len(data) == info.file_size else None


def _as_is(stored: memoryview, info: zipfile.ZipInfo) -> Buffer | None:
    return stored if len(stored) == info.file_size and zlib.crc32(stored) == info.CRC else None


_CONTENTS: dict[int, Callable[[memoryview, zipfile.ZipInfo], Buffer | None]] = {
    zipfile.ZIP_STORED: _as_is,
    zipfile.ZIP_DEFLATED: _inflated,
}


def _check_size(size: int, declared: int) -> None:
    """zipfile is content with less than was declared, as long as the checksum is right."""
    if size != declared:
        raise zipfile.BadZipFile(f"has {size} bytes, and the archive's directory says {declared}")


def is_usual(info: zipfile.ZipInfo) -> bool:
    """True for a member that zipfile is not needed for: stored or deflated, and not encrypted."""
    return info.compress_type in _CONTENTS and not info.flag_bits & 0x1


def described(info: zipfile.ZipInfo) -> bytes:
    """Returns a member's name and all that the directory says of its content, as bytes to be hashed."""
    name = info.orig_filename.encode("utf-8", "surrogatepass")
    numbers = (len(name), info.compress_type, info.CRC, info.compress_size, info.file_size)
    return b"%d %d %d %d %d " % numbers + name
