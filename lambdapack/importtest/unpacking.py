"""Root file systems on disk, made out of container images, once each.

The layers are merged and checked against their digests while the image is opened (`artifact.ImageTree`), so what comes
here has whiteouts applied, hard links resolved and names that stay below the root. Folders come first, files second and
links last: while anything is written, no link is there to lead elsewhere. Devices and pipes are left out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from lambdapack.artifact import Entry, ImageTree
from lambdapack.errors import LambdapackError, MissingRequirement
from lambdapack.eviction import bound, note_use
from lambdapack.progress import Progress
from lambdapack.settings import CACHE_VARIABLE

_MOST_ENTRIES = 2_000_000


def unpack_image(tree: ImageTree, cache: Path, progress: Progress, *, largest: int) -> Path:
    """Returns the folder with an image's files, below `cache` and named after the image's ID; makes it if need be.

    Several processes may do so at once. `largest` is the bytes that the files may have together. Raises
    `MissingRequirement` when the image is too large, does not match its digests, or cannot be written.
    """
    folder = cache / tree.config.digest
    if folder.is_dir():
        note_use(folder)
        return folder
    entries = tree.entries()
    size = sum(entry.size for entry in entries)
    if size > largest or len(entries) > _MOST_ENTRIES:
        raise MissingRequirement(
            f"{tree.origin}: {len(entries)} files with {size >> 20} MB are more than an image on Lambda may have"
        )
    wrong = next((problem for problem in tree.problems if problem.kind == "wrong-digest"), None)
    if wrong is not None:
        raise MissingRequirement(f"{tree.origin}: {wrong.path}: {wrong.detail}", hint="get the image again")
    progress(f"unpacking {tree.origin} ({size >> 20} MB)")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=cache))
        try:
            _write(tree, scratch)
            scratch.chmod(0o755)
            with contextlib.suppress(OSError):  # another process was faster
                scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise MissingRequirement(
            f"{cache}: the image cannot be unpacked: {error.strerror or error}",
            hint=f"set {CACHE_VARIABLE} to a folder that can be written and has room",
        ) from error
    if not folder.is_dir():
        raise MissingRequirement(f"{folder}: cannot be made", hint=f"set {CACHE_VARIABLE} to another folder")
    note_use(folder)
    bound(cache)
    return folder


def _write(tree: ImageTree, root: Path) -> None:
    entries = tree.entries()
    for entry in entries:
        if entry.is_directory:
            _make(root, entry.path)
    files = [entry for entry in entries if entry.is_file]
    try:
        for entry, stream in tree.read(files):
            path = root / entry.path
            _make(root, entry.path.rpartition("/")[0])
            with path.open("xb") as file:
                shutil.copyfileobj(stream, file, 1 << 20)
            path.chmod(_for_others(entry))
            modified = tree.modified(entry)
            os.utime(path, (modified, modified))
    except LambdapackError as error:
        raise MissingRequirement(str(error), hint="get the image again") from error
    for entry in entries:
        if entry.is_symlink and entry.link:
            _make(root, entry.path.rpartition("/")[0])
            (root / entry.path).symlink_to(entry.link)


def _make(root: Path, path: str) -> None:
    folder = root / path
    if not folder.is_dir():
        folder.mkdir(parents=True)
    # Whatever the umask; whoever unpacks owns it, and has to be able to remove it again.
    folder.chmod(0o755)


def _for_others(entry: Entry) -> int:
    """A file's mode where Lambda's user is not its owner, whoever owns it here; without set-user-ID and its like."""
    others = stat.S_IMODE(entry.mode) & 0o7
    return others << 6 | others << 3 | others if others & stat.S_IROTH else 0
