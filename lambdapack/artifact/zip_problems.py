"""What is wrong with the members of a ZIP archive, as its central directory shows it: names, methods, places.

Knows the ZIP format (APPNOTE 4.4) and what unpacking on Linux makes of a name; reads no member.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from lambdapack.artifact.tree import Problem

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
# A NUL, a backslash, a drive, an absolute path, a part that is empty or made of one or two dots.
_UNTIDY = re.compile(r"[\0\\]|^[A-Za-z]:|(?:^|/)\.{0,2}(?:/|$)")
_LONGEST_NAME = 255  # NAME_MAX of Linux, in bytes
_LONGEST_PATH = 4095  # PATH_MAX of Linux without its NUL
_LOCAL_HEADER = 30  # bytes, without name and extra field
_FAT = 0  # "version made by": MS-DOS and Windows
_COMMON_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_METHODS = {6: "imploded", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}


def is_tidy(name: str) -> bool:
    """True for a stored name that is a file's path as it is: it needs no second look."""
    return _UNTIDY.search(name) is None


def unsafe(name: str) -> str | None:
    """Says why a stored name may not be unpacked, or None."""
    if "\0" in name:
        return "the name has a NUL byte in it"
    if _DRIVE.match(name):
        return "the name begins with a Windows drive"
    if name.startswith(("/", "\\")):
        return "the name is an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "the name climbs out of the archive with '..'"
    return None


def is_folder(info: zipfile.ZipInfo) -> bool:
    """True for a member that is a folder and nothing else: its name ends with the separator."""
    return _separated(info).endswith("/")


def unpacked_name(info: zipfile.ZipInfo) -> str:
    """Returns a member's path as it is unpacked, without `.` and doubled `/`.

    Backslashes are letters on Linux, but Info-ZIP's unzip takes them for separators in a name without `/` that was
    stored on Windows. Reports from Lambda show both: serverless-python-requirements issue 263 and aws-cli issue 8501
    names with backslashes, others folders.
    """
    return "/".join(part for part in _separated(info).split("/") if part not in ("", "."))


def member_problems(members: Sequence[tuple[str, zipfile.ZipInfo]]) -> Iterator[Problem]:
    """Yields what is wrong with members, given with the path that each is unpacked to. A problem that many share is
    told once, with the first of them."""
    yield from _backslashes(members)
    yield from _long_names(members)
    yield from _methods(members)
    yield from _overlaps(members)
    # A path longer than Linux takes is told above; taking it apart would cost its length squared.
    paths = dict.fromkeys(path for path, _ in members if len(path) <= _LONGEST_PATH)
    files = {path for path, info in members if not is_folder(info)}
    yield from _files_in_the_way(paths, files)
    yield from _case_clashes(paths)


def _separated(info: zipfile.ZipInfo) -> str:
    # `filename` is cut at a NUL and, on Windows, has its backslashes replaced: not the same on every host.
    name = info.orig_filename
    return name.replace("\\", "/") if info.create_system == _FAT and "/" not in name else name


def _backslashes(members: Sequence[tuple[str, zipfile.ZipInfo]]) -> Iterator[Problem]:
    names = [info.orig_filename for _, info in members if "\\" in info.orig_filename]
    if names:
        yield Problem(
            "backslash-name",
            names[0],
            f"{_counted(len(names), 'name has', 'names have')} backslashes, which separate folders on Windows only: "
            "on Lambda they can become files with backslashes in their names",
        )


def _long_names(members: Sequence[tuple[str, zipfile.ZipInfo]]) -> Iterator[Problem]:
    for path, _ in members:
        if len(path) <= _LONGEST_NAME and path.isascii():
            continue
        longest = max((len(part.encode("utf-8", "surrogatepass")) for part in path.split("/")), default=0)
        if longest > _LONGEST_NAME:
            yield Problem("long-name", path, f"the name has {longest} bytes; Linux takes {_LONGEST_NAME}")
        elif len(path.encode("utf-8", "surrogatepass")) > _LONGEST_PATH:
            yield Problem("long-name", path, f"the path has more bytes than Linux takes ({_LONGEST_PATH})")


def _methods(members: Sequence[tuple[str, zipfile.ZipInfo]]) -> Iterator[Problem]:
    counts = Counter(info.compress_type for _, info in members if info.compress_type not in _COMMON_METHODS)
    for method, count in sorted(counts.items()):
        first = next(path for path, info in members if info.compress_type == method)
        name = _METHODS.get(method, "an unusual method")
        yield Problem("compression", first, f"{_counted(count, 'member is', 'members are')} compressed with {name}")


def _overlaps(members: Sequence[tuple[str, zipfile.ZipInfo]]) -> Iterator[Problem]:
    """Two members that share bytes: how a small archive is made to unpack to petabytes."""
    end, count, first = -1, 0, ""
    for path, info in sorted(members, key=lambda member: member[1].header_offset):
        if info.header_offset < end:
            count, first = count + 1, first or path
        # The local header may be longer: its extra field is its own. A lower bound shows no overlap that is none.
        name = info.orig_filename
        size = len(name.encode("utf-8", "surrogatepass") if info.flag_bits & 0x800 and not name.isascii() else name)
        end = max(end, info.header_offset + _LOCAL_HEADER + size + info.compress_size)
    if count:
        yield Problem(
            "overlap", first, f"{_counted(count, 'member begins', 'members begin')} inside another member's data"
        )


def _files_in_the_way(paths: Iterable[str], files: set[str]) -> Iterator[Problem]:
    known: set[str] = set()
    for path in paths:
        found = []
        folder = path.rpartition("/")[0]
        while folder and folder not in known:
            known.add(folder)
            if folder in files:
                found.append(folder)
            folder = folder.rpartition("/")[0]
        for file in reversed(found):
            yield Problem("file-and-folder", file, f"is a file, and the folder of {path}: there can only be one")


def _case_clashes(paths: Iterable[str]) -> Iterator[Problem]:
    """Names of one folder that differ in upper and lower case only."""
    spellings: dict[str, set[str]] = {}
    known: set[str] = set()
    for path in paths:
        while path and path not in known:
            known.add(path)
            folder, _, name = path.rpartition("/")
            spellings.setdefault(f"{folder}/{name.casefold()}", set()).add(path)
            path = folder
    for clashing in spellings.values():
        if len(clashing) > 1:
            one, *others = sorted(clashing)
            names = ", ".join(other.rpartition("/")[2] for other in others)
            yield Problem("case-clash", one, f"differs from {names} in upper and lower case only")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
