"""Reads wheels as an installer does (PEP 427), for one flat folder that is purelib and platlib at once.

Members come out where they are to be installed, with where they stand compressed; hash-checked against RECORD while
they are read, never unpacked to disk. The metadata folder is kept whole: `importlib.metadata` reads it at run time,
and an inspection holds the artifact against it. Console scripts of `entry_points.txt` are not made: nothing on Lambda
calls them.

RECORD stays true for what this installer did: files of `.data` stand under their new path, rewritten scripts with
their new hash, headers not at all. Files that the project *excludes* stay listed, so that whoever opens the artifact
can tell that something was taken out.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from email.parser import BytesParser
from pathlib import Path
from typing import IO, BinaryIO, cast
from zipfile import BadZipFile, ZipInfo

from packaging.tags import parse_tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from wheel.wheelfile import WheelError, WheelFile  # type: ignore[import-untyped]  # ships no types

from lambdapack.artifact.wheel import DATA_FOLDERS
from lambdapack.builder.archive import DEFLATED, EXECUTABLE, LOCAL_HEADER, PLAIN, STORED, Packed, Piece
from lambdapack.builder.installed import InstalledWheel, check_tags
from lambdapack.builder.plan import BuildPlan, LeftOut, ResolvedWheel
from lambdapack.errors import BuildFailed

# Where Lambda's Python stands, in the managed runtimes and the base images alike.
_INTERPRETER = "#!/var/lang/bin/python{}.{}"

HEADERS_RULE = "headers of the .data folder"

_SIGNATURES = (".jws", ".p7s")
_SHEBANG = re.compile(rb"^#!pythonw?(?=[\s])[^\r\n]*")


def open_wheel(wheel: ResolvedWheel, path: Path, plan: BuildPlan, stack: ExitStack) -> InstalledWheel:
    """Opens a wheel and lays out its files; the pieces can be read until `stack` is closed.

    Raises `BuildFailed` when the wheel does not fit the plan's target, is damaged, or would write outside.
    """
    try:
        archive = stack.enter_context(WheelFile(path))
        tags = _tags(wheel, archive)
        check_tags(wheel, tags_of_name(wheel), tags, plan)
        return _Layout(wheel, path, archive, plan).install(tags)
    except (WheelError, BadZipFile, OSError, ValueError, KeyError, csv.Error, struct.error) as error:
        raise BuildFailed(f"{wheel.label}: {wheel.filename} cannot be read as a wheel: {error}") from error


def tags_of_name(wheel: ResolvedWheel) -> tuple[str, ...]:
    """Returns the tags of a wheel's file name."""
    try:
        return tuple(sorted(str(tag) for tag in parse_wheel_filename(wheel.filename)[3]))
    except InvalidWheelFilename as error:
        raise BuildFailed(f"{wheel.label}: {wheel.filename} is not the file name of a wheel") from error


def _tags(wheel: ResolvedWheel, archive: WheelFile) -> tuple[str, ...]:
    """The tags of the WHEEL file; raises `BuildFailed` for a version of the format that nobody knows."""
    metadata = BytesParser().parsebytes(_read(archive, f"{archive.dist_info_path}/WHEEL"))
    if not str(metadata.get("Wheel-Version", "1.0")).strip().startswith("1."):
        raise BuildFailed(f"{wheel.label}: is a wheel of version {metadata['Wheel-Version']}, only 1 is known")
    return tuple(sorted({str(tag) for line in metadata.get_all("Tag", []) for tag in parse_tag(str(line).strip())}))


class _Layout:
    """Where the members of one wheel go."""

    def __init__(self, wheel: ResolvedWheel, path: Path, archive: WheelFile, plan: BuildPlan) -> None:
        self.wheel = wheel
        self.path = path
        self.archive = archive
        self.interpreter = _INTERPRETER.format(*plan.python).encode()
        self.data_folder = f"{archive.dist_info_path.removesuffix('.dist-info')}.data/"
        self.record = archive.record_path
        self.rows = self._record_rows()
        self.left_out: list[LeftOut] = []
        self.moved: dict[str, str | None] = {}  # member → where it went, None: nowhere
        self.rewritten: dict[str, bytes] = {}  # member → its new content

    def install(self, tags: tuple[str, ...]) -> InstalledWheel:
        pieces = [piece for member in self._members() if (piece := self._place(member)) is not None]
        pieces.append(self._record_piece())
        return InstalledWheel(tuple(pieces), tuple(self.left_out), tags)

    def _members(self) -> Iterator[ZipInfo]:
        listed = {row[0] for row in self.rows if len(row) > 1 and row[1]}
        seen: set[str] = set()
        for member in self.archive.infolist():
            name = member.filename
            check_name(name, self.wheel)
            if member.is_dir() or name == self.record:
                continue
            if name in seen:
                raise BuildFailed(f"{self.wheel.label}: {self.wheel.filename} holds {name} twice")
            seen.add(name)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise BuildFailed(f"{self.wheel.label}: {name} is a symbolic link, which a wheel cannot hold")
            if member.flag_bits & 0x1:
                raise BuildFailed(f"{self.wheel.label}: {name} is encrypted")
            if name not in listed and name.removeprefix(self.record) not in _SIGNATURES:
                # PEP 427: installation fails if a file is not both mentioned and correctly hashed in RECORD.
                raise BuildFailed(f"{self.wheel.label}: {name} is not in the RECORD of {self.wheel.filename}")
            yield member

    def _place(self, member: ZipInfo) -> Piece | None:
        name = member.filename
        mode = EXECUTABLE if (member.external_attr >> 16) & 0o111 else PLAIN
        if not name.startswith(self.data_folder):
            return self._piece(name, mode, member)
        key, _, rest = name.removeprefix(self.data_folder).partition("/")
        if key not in DATA_FOLDERS or not rest:
            raise BuildFailed(f"{self.wheel.label}: {name}: no such kind of data is known (PEP 427)")
        folder = DATA_FOLDERS[key]
        if folder is None:
            self.moved[name] = None
            self.left_out.append(LeftOut(HEADERS_RULE, name, self.wheel.label, by_user=False))
            return None
        self.moved[name] = folder + rest
        if key == "scripts":
            content = _read(self.archive, name)
            changed = _SHEBANG.sub(self.interpreter, content, count=1)
            if changed != content:
                self.rewritten[name] = changed
                return Piece(folder + rest, EXECUTABLE, len(changed), self.wheel.label, lambda: io.BytesIO(changed))
            mode = EXECUTABLE
        return self._piece(folder + rest, mode, member)

    def _piece(self, path: str, mode: int, member: ZipInfo) -> Piece:
        return Piece(
            path,
            mode,
            member.file_size,
            self.wheel.label,
            lambda: cast(BinaryIO, _Checked(self.archive.open(member), self.wheel)),
            self._packed(member),
        )

    def _packed(self, member: ZipInfo) -> Packed | None:
        if member.compress_type not in (STORED, DEFLATED):
            return None
        file = self.archive.fp
        assert file is not None
        file.seek(member.header_offset)
        header = file.read(LOCAL_HEADER)
        # The lengths of name and extra field (APPNOTE.TXT 4.3.7) may differ from those of the central directory.
        name, extra = struct.unpack_from("<2H", header, LOCAL_HEADER - 4)
        offset = member.header_offset + LOCAL_HEADER + name + extra
        return Packed(self.path, offset, member.compress_size, member.CRC, member.compress_type)

    def _record_rows(self) -> list[list[str]]:
        text = _read(self.archive, self.record).decode("utf-8")
        return [row for row in csv.reader(text.splitlines()) if row]

    def _record_piece(self) -> Piece:
        if not self.moved:
            return self._piece(self.record, PLAIN, self.archive.getinfo(self.record))
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self._new_rows())
        content = out.getvalue().encode()
        return Piece(self.record, PLAIN, len(content), self.wheel.label, lambda: io.BytesIO(content))

    def _new_rows(self) -> Iterator[list[str]]:
        for row in self.rows:
            target = self.moved.get(row[0], row[0])
            if target is None:
                continue
            changed = self.rewritten.get(row[0])
            if changed is not None:
                digest = base64.urlsafe_b64encode(hashlib.sha256(changed).digest()).rstrip(b"=").decode()
                yield [target, f"sha256={digest}", str(len(changed))]
            else:
                yield [target, *row[1:]]


def check_name(name: str, wheel: ResolvedWheel) -> None:
    """Refuses a member name that would not stay inside the folder it is installed to, on any system."""
    parts = name.rstrip("/").split("/")
    escapes = name.startswith("/") or any(part in ("", ".", "..") for part in parts)
    if escapes or "\\" in name or "\0" in name or re.match(r"^[A-Za-z]:", name):
        raise BuildFailed(f"{wheel.label}: {wheel.filename} holds a member with the unsafe name {name!r}")


def _read(archive: WheelFile, name: str) -> bytes:
    with archive.open(name) as stream:
        return bytes(stream.read())


class _Checked(io.RawIOBase):
    """A member whose bytes are held against RECORD; the wheel is named when they differ."""

    def __init__(self, stream: IO[bytes], wheel: ResolvedWheel) -> None:
        self._stream = stream
        self._wheel = wheel

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except (WheelError, BadZipFile, OSError, EOFError, zlib.error) as error:
            raise BuildFailed(f"{self._wheel.label}: {self._wheel.filename} is damaged: {error}") from error

    def close(self) -> None:
        self._stream.close()
        super().close()
