"""One layer of a container image: files as a tar in gzip, the same bytes whatever machine, umask or clock.

Compressed in stretches, each a gzip member of its own (RFC 1952, 2.2), on all cores; by libdeflate, whose output
depends on its version alone and not on the host's zlib. Knows nothing of images.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

import deflate

from lambdapack.builder.archive import Piece

_STRETCH = 4 << 20  # bytes; the layer's digest depends on it


@dataclass(frozen=True, slots=True)
class WrittenLayer:
    """`digest` and `size` are of the compressed bytes, `content` is the digest of the tar (both `sha256:…`)."""

    digest: str
    size: int
    content: str


def write_layer(pieces: Iterable[Piece], folder: str, seconds: int, stream: BinaryIO, *, level: int) -> WrittenLayer:
    """Writes files, below `folder` of the image (`var/task`), with one date (seconds since 1970) for all.

    Raises what reading a piece or writing the stream raises.
    """
    packed, content = hashlib.sha256(), hashlib.sha256()
    size = 0
    at_once = os.cpu_count() or 1
    waiting: deque[Future[bytearray]] = deque()

    def put() -> None:
        nonlocal size
        data = waiting.popleft().result()
        packed.update(data)
        stream.write(data)
        size += len(data)

    with ThreadPoolExecutor(at_once, thread_name_prefix="layer") as pool:
        for stretch in _stretches(_tar(pieces, folder, seconds)):
            content.update(stretch)
            waiting.append(pool.submit(deflate.gzip_compress, stretch, level))
            if len(waiting) > at_once:
                put()
        while waiting:
            put()
    return WrittenLayer(f"sha256:{packed.hexdigest()}", size, f"sha256:{content.hexdigest()}")


def _tar(pieces: Iterable[Piece], folder: str, seconds: int) -> Iterator[bytes]:
    """Yields the tar: every folder before what is in it, all of it root's, as Lambda's user may read it."""
    made: set[str] = set()
    for piece in sorted(pieces, key=lambda piece: piece.path):
        for parent in _parents(piece.path):
            if parent not in made:
                made.add(parent)
                yield _header(f"{folder}/{parent}", seconds, mode=0o755, kind=tarfile.DIRTYPE)
        yield _header(f"{folder}/{piece.path}", seconds, mode=piece.mode, size=piece.size)
        with piece.open() as content:
            while data := content.read(_STRETCH):
                yield data
        yield bytes(-piece.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _header(name: str, seconds: int, *, mode: int, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.size, member.mtime = kind, mode, size, seconds
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _stretches(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Cuts the same bytes at the same places, however they come."""
    buffer = bytearray()
    for part in parts:
        buffer += part
        while len(buffer) >= _STRETCH:
            yield bytes(buffer[:_STRETCH])
            del buffer[:_STRETCH]
    if buffer:
        yield bytes(buffer)
