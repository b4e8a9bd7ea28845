"""Writes the ZIP: the same pieces give the same bytes, whatever machine, file system, umask or clock.

Sorted by path, one fixed date, two file modes, no directories, no extra fields, one compression level. What is left
to the host is zlib: another version (or zlib-ng) may deflate the same content to other bytes; copying members that
the wheels bring already deflated will take that away. Knows nothing about wheels, projects or where the file goes.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from lambdapack.errors import UsageError

PLAIN = 0o644
EXECUTABLE = 0o755

_UNIX = 3
_CHUNK = 1 << 20
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a ZIP can hold no earlier date, and none after 2107
_NEWEST = (2107, 12, 31, 23, 59, 58)


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the artifact to be: its path there, its mode (`PLAIN` or `EXECUTABLE`), and how to read it.

    `size` is in bytes. `owner` is the input it comes from, for messages. `open` gives a stream of its bytes, and may
    be called more than once.
    """

    path: str
    mode: int
    size: int
    owner: str
    open: Callable[[], BinaryIO]


def write_archive(pieces: Iterable[Piece], stream: BinaryIO) -> None:
    """Writes all pieces as a ZIP. Raises what reading a piece or writing the stream raises."""
    date = entry_date()
    # Level 6 is zlib's own default, and what ZipFile.open uses for a ZipInfo whatever it is told otherwise.
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for piece in sorted(pieces, key=lambda piece: piece.path):
            entry = ZipInfo(piece.path, date)
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | piece.mode) << 16
            entry.compress_type = ZIP_DEFLATED
            entry.file_size = piece.size  # decides on ZIP64, which Lambda's sizes never need
            with piece.open() as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)


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
