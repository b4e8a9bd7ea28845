"""How a ZIP is written, apart from the files in it: order, dates, compression, extra fields. None of it is content, and
all of it changes the bytes that are uploaded. Reads the directory only."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from lambdapack.errors import UnreadableArtifact


@dataclass(frozen=True, slots=True)
class MemberForm:
    """How one member is stored: `method` and `compressed` (bytes), its date, the system that wrote it (3: Unix), flags,
    extra field and comment."""

    method: int
    compressed: int
    date: tuple[int, int, int, int, int, int]
    system: int
    flags: int
    extra: bytes
    comment: bytes


@dataclass(frozen=True, slots=True)
class ZipForm:
    """The members in their order, by name; of two with one name, the last. `repeated`: how many names come twice."""

    members: dict[str, MemberForm]
    repeated: int
    comment: bytes


def read_form(path: Path) -> ZipForm:
    """Reads the directory of a ZIP. Raises `UnreadableArtifact`."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos, comment = archive.infolist(), archive.comment
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise UnreadableArtifact(f"{path}: cannot be read: {error}") from error
    members = {
        info.filename: MemberForm(
            info.compress_type,
            info.compress_size,
            info.date_time,
            info.create_system,
            info.flag_bits,
            info.extra,
            info.comment,
        )
        for info in infos
    }
    return ZipForm(members, len(infos) - len(members), comment)
