"""Writes the ZIP: the same pieces give the same bytes, whatever machine, file system, umask or clock.

Sorted by path, one fixed date, two file modes, no directories, no extra fields, one compression level. What stands
deflated in another archive already is copied as it is, never inflated. Everything else is deflated by libdeflate, whose
output depends on its version alone: the host's zlib (or zlib-ng) would make other bytes elsewhere. Knows nothing about
wheels, projects or where the file goes.
"""

from __future__ import annotations

import os
import stat
import struct
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import deflate

from lambdapack.errors import BuildFailed, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Future

PLAIN = 0o644
EXECUTABLE = 0o755

STORED, DEFLATED = 0, 8  # the compression methods that Lambda takes
LOCAL_HEADER = 30  # bytes of a local header without its name

# libdeflate's levels, on which the artifact's bytes depend. Measured against zlib's 9 on pandas and scikit-learn:
# 6 makes 1.00 of its size in 0.12 of its time, 7 makes 0.99 in 0.15, 12 makes 0.96 in 2.2.
USUAL_LEVEL = 6
LEVELS = {"usual": USUAL_LEVEL, "best": 7, "smallest": 12}

_UNIX = 3
_CHUNK = 1 << 20
_WORTH_THREADS = 1 << 20  # bytes to deflate
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a ZIP can hold no earlier date, and none after 2107
_NEWEST = (2107, 12, 31, 23, 59, 58)

# APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16, in the versions that a ZIP without ZIP64 has.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20  # deflate; 10 would do for stored members
_UTF8 = 0x800
_LARGEST = 0xFFFFFFFF - 1  # bytes; ZIP64 begins above, and Lambda's quotas end far below


class Packed(NamedTuple):  # there are thousands, and these are made fastest
    """A file as it stands in another archive: its compressed bytes at `offset`, `size` of them.

    `headed`: right before them stands the local header that `write_archive` would write, name included, so that both
    can be copied in one piece.
    """

    archive: Path
    offset: int
    size: int
    crc: int
    method: int
    headed: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the artifact to be: its path there, its mode (`PLAIN` or `EXECUTABLE`), and how to read it.

    `size` is in bytes. `owner` is the input it comes from, for messages. `open` gives a stream of its bytes, and may
    be called more than once. `packed` tells where they stand compressed, if they do. `own`: it is the project's, and
    no distribution's.
    """

    path: str
    mode: int
    size: int
    owner: str
    open: Callable[[], BinaryIO]
    packed: Packed | None = None
    own: bool = False


class Member(NamedTuple):
    """What the directory of an archive says of one file; `offset` is that of its local header, sizes are in bytes."""

    path: str
    mode: int
    size: int
    compressed: int
    crc: int
    method: int
    offset: int


def write_archive(pieces: Iterable[Piece], stream: BinaryIO, *, level: int = USUAL_LEVEL) -> None:
    """Writes all pieces as a ZIP to an empty file; `level` is for those that do not stand compressed elsewhere.

    Raises what reading a piece or writing the stream raises.
    """
    date = _dos_date(entry_date())
    directory = []
    with ExitStack() as exit_stack:
        sources: dict[Path, BinaryIO] = {}
        copier = _Copier(stream)
        for piece, deflated in _deflated_ahead(sorted(pieces, key=lambda piece: piece.path), level):
            packed = piece.packed
            if packed is None:
                assert deflated is not None
                data = deflated.data
                member = Member(
                    piece.path, piece.mode, deflated.size, len(data), deflated.crc, DEFLATED, copier.position
                )
                copier.write(_local_header(member, date) + data)
                directory.append(member)
                continue
            if packed.archive not in sources:
                sources[packed.archive] = exit_stack.enter_context(packed.archive.open("rb"))
            member = Member(piece.path, piece.mode, piece.size, packed.size, packed.crc, packed.method, copier.position)
            before = 0
            if packed.headed:
                before = LOCAL_HEADER + len(piece.path if piece.path.isascii() else piece.path.encode())
            else:
                copier.write(_local_header(member, date))
            copier.copy(sources[packed.archive], packed.offset - before, before + packed.size)
            directory.append(member)
        copier.flush()
    _write_directory(directory, stream, date)


def read_directory(path: Path) -> Iterator[Member]:
    """Yields the members of an archive that `write_archive` has made, in the order of their paths.

    Raises `ValueError` for another or a damaged one.
    """
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _END.size))
        try:
            signature, *_, count, size, offset, _ = _END.unpack(stream.read(_END.size))
        except struct.error as error:
            raise ValueError(f"{path}: is cut short") from error
        stream.seek(offset)
        data = stream.read(size)
    if signature != b"PK\x05\x06" or len(data) != size:
        raise ValueError(f"{path}: has no directory at its end")
    position = 0
    for _ in range(count):
        fields = _CENTRAL.unpack_from(data, position)
        length = fields[12]
        name = data[position + _CENTRAL.size : position + _CENTRAL.size + length]
        yield Member(
            path=name.decode(),
            mode=stat.S_IMODE(fields[17] >> 16),
            size=fields[11],
            compressed=fields[10],
            crc=fields[9],
            method=fields[6],
            offset=fields[18],
        )
        position += _CENTRAL.size + length


def entry_date() -> tuple[int, int, int, int, int, int]:
    """Returns the date of every entry: 1980-01-01, or `SOURCE_DATE_EPOCH` (reproducible-builds.org) in UTC."""
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return _OLDEST
    try:
        date = time.gmtime(int(value))[:6]
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH={value} is not a number of seconds") from None
    return min(max(date, _OLDEST), _NEWEST)


class _Copier:
    """Copies ranges of files to a stream; ranges that follow each other in one file become one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._source: BinaryIO | None = None
        self._start = self._end = 0
        self._in_kernel = hasattr(os, "copy_file_range")

    @property
    def position(self) -> int:
        """Where the next byte will stand."""
        return self._stream.tell() + self._end - self._start

    def write(self, data: bytes) -> None:
        self.flush()
        self._stream.write(data)

    def copy(self, source: BinaryIO, offset: int, size: int) -> None:
        if source is not self._source or offset != self._end:
            self.flush()
            self._source, self._start, self._end = source, offset, offset
        self._end += size

    def flush(self) -> None:
        """Does what `copy` has gathered."""
        if self._source is None or self._start == self._end:
            return
        self._stream.flush()
        while self._start < self._end and self._in_kernel:
            self._copy_in_kernel()
        self._source.seek(self._start)
        while self._start < self._end:
            data = self._source.read(min(_CHUNK, self._end - self._start))
            if not data:
                raise BuildFailed(f"{self._source.name}: became shorter while it was copied")
            self._stream.write(data)
            self._start += len(data)

    def _copy_in_kernel(self) -> None:
        """One call of copy_file_range(2), which shares blocks where the file system can; or gives it up for good."""
        assert self._source is not None
        try:
            count = os.copy_file_range(
                self._source.fileno(), self._stream.fileno(), self._end - self._start, self._start
            )
        except OSError:  # other file systems, old kernels, no real file
            count = 0
        if count:
            self._start += count
            self._stream.seek(0, os.SEEK_END)  # the file object has not seen it
        else:
            self._in_kernel = False


@dataclass(frozen=True, slots=True)
class _Deflated:
    """The compressed bytes of a file; `size` and `crc` are of what they decompress to."""

    data: bytes
    size: int
    crc: int


def _deflated_ahead(pieces: Iterable[Piece], level: int) -> Iterator[tuple[Piece, _Deflated | None]]:
    """Yields the pieces in their order, with the bytes of those that have to be deflated: on all cores, a few ahead."""
    pieces = list(pieces)
    if sum(piece.size for piece in pieces if piece.packed is None) < _WORTH_THREADS:
        for piece in pieces:
            yield piece, _deflate(piece, level) if piece.packed is None else None
        return
    from concurrent.futures import ThreadPoolExecutor  # takes as long to load as a function's own files to deflate

    at_once = os.cpu_count() or 1
    waiting: deque[tuple[Piece, Future[_Deflated] | None]] = deque()
    running = 0
    with ThreadPoolExecutor(at_once, thread_name_prefix="deflate") as pool:
        try:
            for piece in pieces:
                future = None if piece.packed is not None else pool.submit(_deflate, piece, level)
                running += future is not None
                waiting.append((piece, future))
                while running > at_once or (waiting and waiting[0][1] is None):
                    first, done = waiting.popleft()
                    running -= done is not None
                    yield first, done.result() if done is not None else None
            for first, done in waiting:
                yield first, done.result() if done is not None else None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _deflate(piece: Piece, level: int) -> _Deflated:
    with piece.open() as source:
        content = source.read()
    return _Deflated(bytes(deflate.deflate_compress(content, level)), len(content), zlib.crc32(content))


def _flags(name: bytes) -> int:
    return 0 if name.isascii() else _UTF8


def _local_header(member: Member, date: tuple[int, int]) -> bytes:
    if max(member.size, member.compressed, member.offset) > _LARGEST:
        raise BuildFailed(f"{member.path}: does not fit a ZIP of 4 GiB, and Lambda takes 250 MB")
    name = member.path.encode()
    head = _LOCAL.pack(
        b"PK\x03\x04",
        _VERSION,
        _flags(name),
        member.method,
        *date,
        member.crc,
        member.compressed,
        member.size,
        len(name),
        0,
    )
    return head + name


def _write_directory(members: list[Member], stream: BinaryIO, date: tuple[int, int]) -> None:
    start = stream.tell()
    if len(members) > 0xFFFE or start > _LARGEST:
        raise BuildFailed(
            f"{len(members)} files of {start} bytes: more than 65,534 files or 4 GiB need ZIP64, which is not written",
            hint="leave out what the function does not need",
        )
    parts = []
    for member in members:
        name = member.path.encode()
        parts.append(
            _CENTRAL.pack(
                b"PK\x01\x02",
                _VERSION,
                _UNIX,
                _VERSION,
                0,
                _flags(name),
                member.method,
                *date,
                member.crc,
                member.compressed,
                member.size,
                len(name),
                0,
                0,
                0,
                0,
                (stat.S_IFREG | member.mode) << 16,
                member.offset,
            )
        )
        parts.append(name)
    data = b"".join(parts)
    stream.write(data)
    stream.write(_END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(data), start, 0))


def _dos_date(date: tuple[int, int, int, int, int, int]) -> tuple[int, int]:
    """Time and date as MS-DOS packs them, to two seconds."""
    year, month, day, hour, minute, second = date
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
