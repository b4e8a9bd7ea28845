"""Archives that are kept in the store to be copied from, and the files in them.

Each has its SHA-256 beside it and is hashed again before it is used, so that a damaged one is never packed.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from lambdapack.builder.archive import DEFLATED, LOCAL_HEADER, USUAL_LEVEL, Packed, Piece, read_directory, write_archive
from lambdapack.builder.store import WheelStore


def keep_pieces(store: WheelStore, place: Path, pieces: Sequence[Piece], *, level: int = USUAL_LEVEL) -> None:
    """Keeps files as an archive. Raises `BuildFailed` when the store cannot be written to."""
    store.put(place, lambda stream: write_archive(pieces, stream, level=level))
    digest = digest_of(place)
    store.put(_digest_beside(place), lambda stream: stream.write(digest.encode()))


def kept_pieces(place: Path, owner: str, *, own: bool = False) -> tuple[Piece, ...] | None:
    """Returns the files of a kept archive, None when there is none that is whole."""
    try:
        if _digest_beside(place).read_bytes().decode("ascii") != digest_of(place):
            return None
        return tuple(pieces_of(place, owner, own=own))
    except (OSError, ValueError):
        return None


def pieces_of(place: Path, owner: str, *, own: bool = False) -> Iterator[Piece]:
    """Yields the files of an archive that `write_archive` has made."""
    for member in read_directory(place):
        # Between the header and the bytes stands the name alone: `write_archive` writes no extra fields.
        offset = member.offset + LOCAL_HEADER + len(member.path.encode())
        packed = Packed(place, offset, member.compressed, member.crc, member.method, headed=True)
        yield Piece(member.path, member.mode, member.size, owner, partial(_open_packed, packed), packed, own)


def digest_of(place: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest_beside(place: Path) -> Path:
    return place.with_suffix(".sha256")


def _open_packed(packed: Packed) -> BinaryIO:
    """Opens a packed file: for the few that are compared or read, not for those that are copied."""
    with packed.archive.open("rb") as stream:
        stream.seek(packed.offset)
        data = stream.read(packed.size)
    return io.BytesIO(zlib.decompress(data, -zlib.MAX_WBITS) if packed.method == DEFLATED else data)
