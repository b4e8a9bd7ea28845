"""A ZIP archive as a tree: function and layer ZIPs, wheels.

Knows the ZIP format's names, modes and damages. Reads names from the central directory, as Lambda's own unpacking
and every common tool do; an earlier copy of a name that comes twice is reported, and the last one counts.
"""

from __future__ import annotations

import calendar
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO

from lambdapack.artifact.stored_digests import StoredDigests
from lambdapack.artifact.tree import DIRECTORY_0755, REGULAR_0644, Entry, Problem, Tree
from lambdapack.artifact.zip_members import ZipMembers
from lambdapack.artifact.zip_problems import is_folder, is_tidy, member_problems, unpacked_name, unsafe
from lambdapack.errors import UnreadableArtifact, UnreadableMember

_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_LONGEST_LINK = 4096  # PATH_MAX of Linux

_MOST_THREADS = 4
_WORTH_A_THREAD = 500  # members
# RuntimeError: encrypted; NotImplementedError: a compression method that zipfile does not know.
_DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError)

_FOREIGN_MAGIC = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"version https://git-lfs", "a Git LFS pointer (the real file was not checked out)"),
    (b"<", "an HTML or XML document (a failed download?)"),
)


class ZipTree(Tree):
    """The members of one ZIP file, to be read by any number of threads.

    Raises `UnreadableArtifact` when it has no usable central directory.
    """

    def __init__(self, path: Path) -> None:
        self.origin = str(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except UnicodeDecodeError as error:
            raise UnreadableArtifact(
                f"{path}: a member's name is marked as UTF-8 and is not: {error.object!r}",
                hint="create the archive again with names in UTF-8",
            ) from error
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise UnreadableArtifact(
                f"{path}: not a readable ZIP archive: {_what_it_is(path) or error}",
                hint="create the archive again; Lambda answers 'Could not unzip uploaded file' to this one",
            ) from error
        except OSError as error:
            raise UnreadableArtifact(f"{path}: cannot be read: {error.strerror or error}") from error
        self._members = ZipMembers(path, self._zip)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._whole: set[str] = set()  # read to the end, with the right CRC
        self._problems: list[Problem] = []
        self._entries = self._index()
        self._digests = StoredDigests(path)

    @property
    def problems(self) -> Sequence[Problem]:
        return tuple(self._problems)

    def entries(self) -> Sequence[Entry]:
        return self._entries

    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        infos = [(self._infos[entry.path], entry) for entry in wanted]
        for info, entry in sorted(infos, key=lambda pair: pair[0].header_offset):
            yield entry, io.BytesIO(self._inflate(info, entry.path))

    def read_bytes(self, entry: Entry) -> bytes:
        return self._inflate(self._infos[entry.path], entry.path)

    def prepare_keys(self) -> None:
        groups = {name: [self._infos[entry.path] for entry in members] for name, members in self.groups.items()}
        self._digests.begin(groups, self._zip.start_dir)

    def group_key(self, group: str) -> bytes | None:
        return self._digests.of_group(group)

    def key(self, entry: Entry) -> bytes | None:
        return self._members.digest(self._infos[entry.path])

    def sha256(self) -> str:
        return self._digests.of_file()

    def checksum(self, entry: Entry) -> int | None:
        return self._infos[entry.path].CRC

    def trust(self, entries: Iterable[Entry]) -> None:
        self._whole.update(entry.path for entry in entries)

    def damaged(self) -> Iterator[tuple[Entry, str]]:
        unread = [entry for entry in self._entries if entry.is_file and entry.path not in self._whole]
        unread.sort(key=lambda item: self._infos[item.path].header_offset)
        shares = min(os.cpu_count() or 1, _MOST_THREADS, 1 + len(unread) // _WORTH_A_THREAD)
        if shares < 2:
            yield from self._damaged(unread)
            return
        from concurrent.futures import ThreadPoolExecutor  # what is whole already needs none

        with ThreadPoolExecutor(max_workers=shares) as pool:
            found = pool.map(self._damaged, (unread[first::shares] for first in range(shares)))
            places = {entry.path: place for place, entry in enumerate(unread)}
            yield from sorted((pair for share in found for pair in share), key=lambda pair: places[pair[0].path])

    def _damaged(self, entries: Iterable[Entry]) -> list[tuple[Entry, str]]:
        found = []
        for entry in entries:
            try:
                self._members.verify(self._infos[entry.path])
            except _DAMAGES as error:
                found.append((entry, str(error)))
        return found

    def reopen(self) -> bool:
        return self._members.reopen()

    def close(self) -> None:
        self._digests.close()
        self._members.close()
        self._zip.close()

    def _index(self) -> tuple[Entry, ...]:
        entries: dict[str, Entry] = {}
        members = []
        for info in self._zip.infolist():
            stored = info.orig_filename
            path = stored if is_tidy(stored) else self._safe_path(info)
            if not info.flag_bits & _UTF8_NAME and not stored.isascii() and path is not None:
                self._problems.append(
                    Problem(
                        "non-utf8-name", stored, "the name is not marked as UTF-8, so tools disagree on its letters"
                    )
                )
            if not path:
                continue
            members.append((path, info))
            if path in entries and not entries[path].is_directory:
                self._problems.append(
                    Problem("duplicate-name", path, "the archive has this name twice; the last one counts")
                )
            if info.flag_bits & _ENCRYPTED:
                self._problems.append(Problem("encrypted", path, "the member is encrypted"))
            self._infos[path] = info
            mode = _mode(info.external_attr >> 16, is_folder(info))
            link = self._link(info, path) if stat.S_ISLNK(mode) else None
            entries[path] = Entry(path, info.file_size, mode, link, self.origin, _modified(info.date_time))
        self._problems += member_problems(members)
        return tuple(entries[path] for path in sorted(entries))

    def _safe_path(self, info: zipfile.ZipInfo) -> str | None:
        """Returns the path that a member is unpacked to, empty for the root; None for one that may not be unpacked."""
        reason = unsafe(info.orig_filename)
        if reason is not None:
            self._problems.append(Problem("unsafe-path", info.orig_filename, reason))
            return None
        return unpacked_name(info)

    def _link(self, info: zipfile.ZipInfo, path: str) -> str | None:
        if info.file_size > _LONGEST_LINK:
            return None
        try:
            return self._inflate(info, path).decode("utf-8", "surrogateescape")
        except UnreadableMember as error:
            self._problems.append(Problem("unreadable", path, str(error)))
            return None

    def _inflate(self, info: zipfile.ZipInfo, path: str) -> bytes:
        try:
            data = self._members.read(info)
        except _DAMAGES as error:
            raise UnreadableMember(f"{path}: {error}") from error
        self._whole.add(path)
        return data


@cache
def _modified(date_time: tuple[int, int, int, int, int, int]) -> int | None:
    """Returns the time in seconds; None for one that is no time."""
    try:
        return calendar.timegm((*date_time, 0, 0, 0))
    except ValueError:
        return None


@cache
def _mode(mode: int, is_directory: bool) -> int:
    """Returns type and permission bits; 0644 or 0755 where the archive does not say."""
    if not mode & 0o777 and not stat.S_ISLNK(mode):
        return DIRECTORY_0755 if is_directory else REGULAR_0644
    if not stat.S_IFMT(mode):
        mode |= stat.S_IFDIR if is_directory else stat.S_IFREG
    return mode


def _what_it_is(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return "the file is empty"
    for magic, name in _FOREIGN_MAGIC:
        if head.startswith(magic):
            return f"it is {name}"
    if head.startswith(b"PK\x03\x04"):
        return "the end of the archive is missing (cut short?)"
    return None
