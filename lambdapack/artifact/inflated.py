"""Bytes that can be read at any place: a file, a part of one, or what a gzip stream inflates to.

A gzip stream is passed through once; snapshots of the decompressor, taken on the way, then make every place of it
cheap to reach again. Nothing is written to disk. Knows nothing of archives and images.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import zlib
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

_CHUNK = 1 << 16
_HASHED = 1 << 20
_FIRST_BLOCK = 1 << 20
_BLOCKS_BEFORE_GROWTH = 256  # a snapshot has about 40 KB: a stream of gigabytes gets fewer of them per megabyte
_KEPT = 16 << 20  # bytes of inflated blocks that are kept, newest first
_GZIP_WRAPPED = 31  # zlib.h, inflateInit2: a window of 32 KB, with a gzip header and its checksum

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class BrokenData(ValueError):
    """Bytes that are not what they should be; `str()` says in what way."""


class CannotDecompress(RuntimeError):
    """A compression that this Python does not know."""


class Source(Protocol):
    """Bytes at any place. A read beyond the end returns what there is."""

    def read_at(self, offset: int, size: int) -> bytes: ...


class Stored(Source, Protocol):
    """Bytes as they are stored, whose number is known."""

    @property
    def size(self) -> int: ...


class FileSource:
    """A file on disk, kept open until `close`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()


class MemorySource:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read_at(self, offset: int, size: int) -> bytes:
        return bytes(self._data[offset : offset + size])


class PartSource:
    """A stretch of another source."""

    def __init__(self, whole: Source, offset: int, size: int) -> None:
        self._whole, self._offset, self.size = whole, offset, size

    def read_at(self, offset: int, size: int) -> bytes:
        return self._whole.read_at(self._offset + offset, max(0, min(size, self.size - offset)))


class Inflated:
    """What a gzip stream, of one member or several, inflates to. Raises `BrokenData` where it is damaged or cut."""

    def __init__(self, packed: Source) -> None:
        self._packed = packed
        # The start of every block and the state there; the last pair is how far the first pass has come.
        self._starts = [0]
        self._states: list[tuple[int, Any]] = [(0, zlib.decompressobj(_GZIP_WRAPPED))]
        self._ended = False
        self._digest = hashlib.sha256()
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._recent_size = 0

    def read_at(self, offset: int, size: int) -> bytes:
        parts = []
        while size > 0:
            while not self._ended and offset >= self._starts[-1]:
                self._advance()
            if offset >= self._starts[-1]:
                break
            index = bisect_right(self._starts, offset) - 1
            begin = offset - self._starts[index]
            piece = self._block(index)[begin : begin + size]
            parts.append(piece)
            offset += len(piece)
            size -= len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def sha256(self) -> str:
        """Goes to the end, where it is not known yet, and returns the SHA-256 of all that comes out."""
        while not self._ended:
            self._advance()
        return self._digest.hexdigest()

    def _advance(self) -> None:
        at, engine = self._states[-1]
        wanted = _FIRST_BLOCK << (len(self._starts) // _BLOCKS_BEFORE_GROWTH)
        data, at, engine = self._inflate(at, engine.copy(), wanted)
        if data:
            self._digest.update(data)
            self._keep(len(self._starts) - 1, data)
            self._starts.append(self._starts[-1] + len(data))
            self._states.append((at, engine))
        self._ended = len(data) < wanted

    def _block(self, index: int) -> bytes:
        data = self._recent.get(index)
        if data is None:
            at, engine = self._states[index]
            data = self._inflate(at, engine.copy(), self._starts[index + 1] - self._starts[index])[0]
            self._keep(index, data)
        else:
            self._recent.move_to_end(index)
        return data

    def _keep(self, index: int, data: bytes) -> None:
        self._recent[index] = data
        self._recent_size += len(data)
        while self._recent_size > _KEPT and len(self._recent) > 1:
            self._recent_size -= len(self._recent.popitem(last=False)[1])

    def _inflate(self, at: int, engine: Any, wanted: int) -> tuple[bytes, int, Any]:
        """Inflates `wanted` bytes, fewer only at the end, and returns them with the place and state reached."""
        parts = []
        while wanted > 0:
            if engine.eof:
                if self._packed.read_at(at, 2) != GZIP_MAGIC:
                    self._only_zeros_follow(at)
                    break
                engine = zlib.decompressobj(_GZIP_WRAPPED)
            chunk = self._packed.read_at(at, _CHUNK)
            try:
                data = engine.decompress(chunk, wanted)
            except zlib.error as error:
                raise BrokenData(f"its gzip stream is damaged ({error})") from error
            # At the end of a member, the tail that an earlier call has left is set to what is unused, too.
            at += len(chunk) - len(engine.unused_data if engine.eof else engine.unconsumed_tail)
            if not chunk and not data and not engine.eof:
                raise BrokenData("its gzip stream is cut short")
            parts.append(data)
            wanted -= len(data)
        return b"".join(parts), at, engine

    def _only_zeros_follow(self, at: int) -> None:
        while chunk := self._packed.read_at(at, _CHUNK):
            if chunk.strip(b"\0"):
                raise BrokenData("something else follows its gzip stream")
            at += len(chunk)


def decompressed(source: Source) -> Source:
    """Returns the source itself, or what it decompresses to, told by its first bytes.

    Raises `CannotDecompress` for zstd where Python has no decoder of it (before 3.14).
    """
    head = source.read_at(0, 4)
    if head[:2] == GZIP_MAGIC:
        return Inflated(source)
    if head == ZSTD_MAGIC:
        return Inflated(MemorySource(_as_gzip(source)))
    return source


def _as_gzip(source: Source) -> bytes:
    """zstd has no states that can be copied; its content, packed anew, has."""
    try:
        zstd = importlib.import_module("compression.zstd")
    except ImportError as error:
        raise CannotDecompress("it is compressed with zstd, which Python can read from version 3.14 on") from error
    engine = zlib.compressobj(1, wbits=_GZIP_WRAPPED)
    packed = []
    try:
        with zstd.ZstdFile(Cursor(source)) as stream:
            while data := stream.read(_HASHED):
                packed.append(engine.compress(data))
    except (zstd.ZstdError, EOFError, OSError) as error:
        raise BrokenData(f"its zstd stream is damaged ({error})") from error
    return b"".join((*packed, engine.flush()))


def sha256_of(source: Source) -> str:
    """Reads a source to its end and returns its SHA-256 in hexadecimal."""
    if isinstance(source, Inflated):
        return source.sha256()
    digest = hashlib.sha256()
    at = 0
    while data := source.read_at(at, _HASHED):
        digest.update(data)
        at += len(data)
    return digest.hexdigest()


class Cursor(io.RawIOBase):
    """A source as the file object that the standard library wants."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end is not known before all was read")
        self._at = offset if whence == io.SEEK_SET else self._at + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        data = self._source.read_at(self._at, (1 << 62) if size is None or size < 0 else size)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
