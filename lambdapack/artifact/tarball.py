"""The members of a tar archive, in storage order, with the places of their bytes.

Knows the format through `tarfile`, and unlike it ends silently only at the end: `TarFile.next` takes a damaged header
for the end of the archive.
"""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from lambdapack.artifact.inflated import BrokenData, Cursor, Source

_TYPES = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `name` is as stored, `mode` has type and permission bits. `link` is the target of a symbolic link,
    `twin` that of a hard link, as stored. `modified` is in seconds since 1970. `stretches` are pairs (where it belongs
    in the file, bytes) that lie one after the other from `offset` on: one for an ordinary file, several for a sparse
    one."""

    name: str
    mode: int
    size: int
    link: str | None
    twin: str | None
    offset: int
    stretches: tuple[tuple[int, int], ...]
    modified: float = 0

    @property
    def stored(self) -> int:
        """The bytes that the archive holds of it."""
        return sum(size for _, size in self.stretches)

    def read(self, source: Source) -> bytes:
        """Returns the content. Raises `BrokenData` when the archive has less."""
        data = source.read_at(self.offset, self.stored)
        if len(data) < self.stored:
            raise BrokenData("the archive is cut short")
        if self.stretches == ((0, self.size),):
            return data
        content = bytearray(self.size)
        at = 0
        for place, size in self.stretches:
            content[place : place + size] = data[at : at + size]
            at += size
        return bytes(content)


def members(source: Source) -> Iterator[Member]:
    """Yields every member. Raises `BrokenData` where the archive is none, is damaged or cut short."""
    cursor = Cursor(source)
    try:
        # Surrogates stand for bytes that are no UTF-8, so that nothing is lost.
        tar = tarfile.TarFile(fileobj=cursor, encoding="utf-8", errors="surrogateescape")
        tar.offset = 0
        while True:
            cursor.seek(tar.offset)
            try:
                member = _member(tarfile.TarInfo.fromtarfile(tar))
            except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined,unused-ignore]
                return
            if member.stored and not source.read_at(member.offset + member.stored - 1, 1):
                raise BrokenData(f"the tar archive is cut short in {member.name}")
            yield member
    except BrokenData:
        raise
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise BrokenData(f"the tar archive is damaged ({error})") from error


def _member(info: tarfile.TarInfo) -> Member:
    kind = _TYPES.get(info.type, stat.S_IFREG)
    is_file = kind == stat.S_IFREG and not info.islnk()
    size = info.size if is_file else 0
    stretches: tuple[tuple[int, int], ...] = ((0, size),) if size else ()
    if is_file and info.issparse():
        stretches = tuple((place, count) for place, count in getattr(info, "sparse", ()) if count)
    return Member(
        name=info.name,
        mode=kind | stat.S_IMODE(info.mode),
        size=size,
        link=info.linkname if info.issym() else None,
        twin=info.linkname if info.islnk() else None,
        offset=info.offset_data,
        stretches=stretches,
        modified=info.mtime,
    )
