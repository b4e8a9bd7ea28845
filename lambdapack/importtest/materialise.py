"""Writes trees to a folder as Lambda would mount them, and unpacks wheels. Nothing is ever written outside the folder.

Knows names, modes and links. Knows no interpreter and does not judge what it leaves out: it lists it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from lambdapack.artifact import Entry, Tree
from lambdapack.errors import MissingRequirement, UnreadableArtifact, UnreadableMember
from lambdapack.eviction import note_use
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT

_READ_BY_OTHERS = stat.S_IROTH
# A file and a folder of one name, a name that is too long, or one that this file system does not take.
_NAME_TROUBLES = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class Copy:
    """What of an artifact stands where the attempt is. By Lambda's paths: `sizes` of the regular files in bytes;
    `left_out` says of what is missing why; `unreadable` are files that Lambda's user may not read."""

    sizes: Mapping[str, int]
    left_out: tuple[str, ...]
    unreadable: tuple[str, ...]

    def foreign_files(self) -> list[str]:
        """Returns the files that appeared since, as Lambda's paths; none where nothing can be written."""
        return []


@dataclass(frozen=True, slots=True)
class Materialised(Copy):
    """A copy below the folder `root`; `files` are its files and links, as Lambda's paths."""

    root: Path
    files: frozenset[str]

    def foreign_files(self) -> list[str]:
        """Returns the files that appeared since, as Lambda's paths: there, the file system is read-only."""
        found: list[str] = []
        for mount in (TASK_ROOT, LAYER_ROOT):
            for folder, _, names in os.walk(_inside(self.root, mount)):
                shown = "/" + PurePosixPath(Path(folder).relative_to(self.root)).as_posix()
                found += [path for name in names if (path := f"{shown}/{name}") not in self.files]
        return sorted(found)


def materialise(mounts: Mapping[str, Sequence[Tree]], root: Path) -> Materialised:
    """Writes the trees below `root`, which must be empty. Later trees of one mount point win, as layers do.

    Of a tree mounted at `/` (an image) only `/var/task` and `/opt` are written. Files keep their permissions, with one
    exception: a file that others may not read is made unreadable for us, too, because Lambda's user owns nothing.
    (Root reads it all the same.) Links are made when what they lead to is inside `root`.
    """
    wanted, left_out = merge(mounts)
    for mount in (TASK_ROOT, LAYER_ROOT):
        _inside(root, mount).mkdir(parents=True, exist_ok=True)
        _inside(root, mount).chmod(0o755)
    _make_folders(root, wanted, left_out)
    written = _write_files(root, wanted, left_out)
    written |= _make_links(root, wanted, left_out)
    unreadable: list[str] = []
    for path in sorted(written):
        _, entry = wanted[path]
        if entry.is_file:
            readable = entry.permissions & _READ_BY_OTHERS
            if not readable:
                unreadable.append(path)
            # Owner bits follow the others' bits: here the owner is who runs the test.
            others = entry.permissions & 0o7
            _inside(root, path).chmod(others << 6 | others << 3 | others | 0o200 if readable else 0)
    sizes = {path: wanted[path][1].size for path in written if wanted[path][1].is_file}
    return Materialised(sizes, tuple(left_out), tuple(unreadable), root, frozenset(written))


def merge(mounts: Mapping[str, Sequence[Tree]]) -> tuple[dict[str, tuple[Tree, Entry]], list[str]]:
    """Returns which entry stands at which of Lambda's paths, and what is left out for an unsafe name."""
    left_out: list[str] = []
    wanted: dict[str, tuple[Tree, Entry]] = {}
    for mount, trees in mounts.items():
        for tree in trees:
            for entry in tree.entries():
                path = safe_path(entry.path)
                if path is None:
                    left_out.append(f"{entry.path}: unsafe name")
                    continue
                full = (mount.rstrip("/") + "/" + path) if path else mount
                if mount == "/" and not full.startswith((TASK_ROOT + "/", LAYER_ROOT + "/")):
                    continue
                wanted[full] = (tree, entry)
    return wanted, left_out


def safe_path(path: str) -> str | None:
    """Returns a member's path without leading and trailing slashes, or None when it could lead outside."""
    if path.startswith("/") or "\0" in path or "\\" in path or PurePosixPath(path).is_absolute():
        return None
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts or (os.name == "nt" and any(":" in part for part in parts)):
        return None
    return "/".join(parts)


def _inside(root: Path, path: str) -> Path:
    return root.joinpath(*path.strip("/").split("/"))


def _make_folders(root: Path, wanted: Mapping[str, tuple[Tree, Entry]], left_out: list[str]) -> None:
    folders = {path for path, (_, entry) in wanted.items() if entry.is_directory}
    folders |= {path.rpartition("/")[0] for path in wanted}
    for path in sorted(folders):
        try:
            folder = _inside(root, path)
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # whatever the umask: Lambda's user passes, too
        except OSError as error:
            left_out.append(_impossible(path, error))


def _impossible(path: str, error: OSError) -> str:
    """Says why a name cannot stand in a folder; a full or read-only disk is our trouble, not the artifact's."""
    if error.errno not in _NAME_TROUBLES:
        raise MissingRequirement(
            f"cannot copy the artifact to a temporary folder: {error.strerror}: {path}",
            hint="set TMPDIR to a folder with enough space",
        ) from error
    return f"{path}: {error.strerror}"


def _write_files(root: Path, wanted: Mapping[str, tuple[Tree, Entry]], left_out: list[str]) -> set[str]:
    """Writes regular files, one pass over each tree. No link exists yet, so no name can lead elsewhere."""
    by_tree: dict[int, tuple[Tree, dict[str, str]]] = {}
    for path, (tree, entry) in wanted.items():
        if entry.is_file:
            by_tree.setdefault(id(tree), (tree, {}))[1][entry.path] = path
    written: set[str] = set()

    def write(entry: Entry, stream: BinaryIO, path: str) -> None:
        target = _inside(root, path)
        try:
            with target.open("xb") as file:
                shutil.copyfileobj(stream, file, 1024 * 1024)
        except OSError as error:
            left_out.append(_impossible(path, error))
        else:
            written.add(path)

    for tree, paths in by_tree.values():
        entries = [entry for entry in tree.entries() if entry.path in paths and entry.is_file]
        try:
            for entry, stream in tree.read(entries):
                write(entry, stream, paths[entry.path])
        except UnreadableMember:
            # One bad member ends the pass; the others are read one by one.
            for entry in entries:
                path = paths[entry.path]
                if path not in written:
                    _inside(root, path).unlink(missing_ok=True)
                    try:
                        for _, stream in tree.read((entry,)):
                            write(entry, stream, path)
                    except UnreadableMember as error:
                        _inside(root, path).unlink(missing_ok=True)
                        left_out.append(f"{path}: {error}")
    return written


def _make_links(root: Path, wanted: Mapping[str, tuple[Tree, Entry]], left_out: list[str]) -> set[str]:
    made: dict[str, Path] = {}
    real_root = os.path.realpath(root)
    for path, (_, entry) in wanted.items():
        if not entry.is_symlink or entry.link is None:
            continue
        link = _inside(root, path)
        # An absolute target means the same place in Lambda's file system.
        target = str(_inside(root, entry.link)) if entry.link.startswith("/") else entry.link
        try:
            link.symlink_to(target)
        except OSError as error:
            left_out.append(_impossible(path, error))
        except ValueError as error:  # a NUL in the target
            left_out.append(f"{path}: {error}")
        else:
            made[path] = link
    for path, link in list(made.items()):
        # Only now, with every link in place, can be seen where a chain of links really ends.
        if os.path.commonpath([real_root, os.path.realpath(link)]) != real_root:
            link.unlink()
            del made[path]
            left_out.append(f"{path}: links to a place outside the artifact")
    return set(made)


def unpack_wheels(paths: Sequence[Path], cache: Path) -> Path:
    """Unpacks wheels over each other into one folder, as an installer would without scripts; returns the folder.

    It stands below `cache`, named after the wheels, and is made once: wheels never change. What a wheel keeps in
    `NAME.data/purelib` or `platlib` goes to the top as well (PEP 427). Raises `UnreadableArtifact` when a file is no
    wheel or a member's name leads outside.
    """
    listing = "\n".join(f"{path} {path.stat().st_size}" for path in paths)
    folder = cache / hashlib.sha256(listing.encode()).hexdigest()[:32]
    if folder.is_dir():
        note_use(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=cache) as name:
        into = Path(name, "packages")
        into.mkdir(mode=0o755)
        for path in paths:
            _unpack(path, into)
        with contextlib.suppress(OSError):  # another process was faster
            into.rename(folder)
    return folder


def _unpack(path: Path, into: Path) -> None:
    try:
        with zipfile.ZipFile(path) as wheel:
            for member, place in _wheel_members(wheel.namelist(), path):
                target = _inside(into, place)
                target.parent.mkdir(parents=True, exist_ok=True)
                with wheel.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
                target.chmod(0o644)
        for folder, _, _ in os.walk(into):
            Path(folder).chmod(0o755)  # whatever the umask: Lambda's user reads it, too
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UnreadableArtifact(f"{path}: cannot be unpacked: {error}") from error


def _wheel_members(names: Iterable[str], wheel: Path) -> list[tuple[str, str]]:
    members: list[tuple[str, str]] = []
    for name in names:
        if name.endswith("/"):
            continue
        place = safe_path(name)
        if place is None:
            raise UnreadableArtifact(f"{wheel}: unsafe name in the wheel: {name}")
        first, _, rest = place.partition("/")
        if first.endswith(".data"):
            scheme, _, rest = rest.partition("/")
            if scheme not in {"purelib", "platlib"}:
                continue
            place = rest
        members.append((name, place))
    return members
