"""Whether a file or folder still is what it was: by its content, with a short cut that cannot be fooled.

The short cut is git's ("racy git", Documentation/technical/racy-git.txt): when device, inode, size, time of
modification and time of change are the same to the nanosecond, a file is not read again, but only if it was hashed so
long after its last change that a later one must have got another time. The time of change is the kernel's: no program
can set it back, unlike that of modification. Where it means something else (Windows), every file is hashed each time.
"""

from __future__ import annotations

import os
import stat
import time

Signature = tuple[int, int, int, int, int]
State = tuple[str, Signature, int]
"""SHA-256 in hex, signature, and when the content was read, in nanoseconds since 1970."""

# A kernel tick is at most 10 ms; file systems that keep coarser times (FAT: 2 s) are told by their round numbers.
_FINE, _COARSE = 50_000_000, 2_100_000_000
_CHUNK = 1 << 20


def state_of_file(path: str) -> State | None:
    """Hashes a file; None when it cannot be read or changes meanwhile."""
    import hashlib

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        taken = time.time_ns()
        with open(path, "rb") as stream:
            before = _signature(os.fstat(stream.fileno()))
            digest = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
            after = _signature(os.fstat(stream.fileno()))
    except OSError:
        return None
    return (digest.hexdigest(), before, taken) if before == after else None


def state_of_folder(path: str) -> State | None:
    """Hashes the names in a folder, with what is a folder and what a link; None when it cannot be read."""
    import hashlib

    try:
        taken = time.time_ns()
        before = signature_of(path)
        with os.scandir(path) as listing:
            names = sorted(f"{entry.name}\0{entry.is_dir()}\0{entry.is_symlink()}" for entry in listing)
    except OSError:
        return None
    text = "\n".join(names)
    return (hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest(), before, taken) if before else None


def signature_of(path: str) -> Signature | None:
    """Returns what changes with a file's content, links followed; None when there is none."""
    try:
        return _signature(os.stat(path))
    except (OSError, ValueError):
        return None


def is_settled(state: State) -> bool:
    """True when whatever changed the file after it was hashed would have changed its signature."""
    _, (_, _, _, modified, changed), taken = state
    if os.name == "nt":  # st_ctime is the time of creation there
        return False
    margin = _FINE if changed % 1_000_000 else _COARSE
    return max(modified, changed) + margin < taken


def _signature(status: os.stat_result) -> Signature:
    # Of a folder, the size says nothing, and may be another after the same names were written again.
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return (status.st_dev, status.st_ino, size, status.st_mtime_ns, status.st_ctime_ns)
