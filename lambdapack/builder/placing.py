"""Files that are written beside their place and moved there at once, when they are whole.

A build that is killed leaves the old file, and its unfinished one, hidden, which the next build of the same output
removes: nobody holds its lock any more. Knows nothing of what is written.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lambdapack.errors import BuildFailed
from lambdapack.memo import State, signature_of


@contextmanager
def written_beside(output: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Gives a new file in the output's folder, with its suffix; what is still there in the end is removed."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildFailed(f"{output.parent}: cannot be made: {error.strerror or error}") from error
    _remove_left_behind(output)
    try:
        temporary, stream = _new_file(output)
    except OSError as error:
        raise BuildFailed(f"{output.parent}: cannot be written to: {error.strerror or error}") from error
    try:
        yield temporary, stream
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        with suppress(OSError):
            stream.close()


def move(temporary: Path, output: Path, digest: str) -> State | None:
    """Puts a file in place. Its state is known without reading it again, unless another build was quicker."""
    before = signature_of(str(temporary))
    try:
        temporary.replace(output)
    except OSError as error:
        raise BuildFailed(f"{output}: cannot be replaced: {error.strerror or error}") from error
    taken = time.time_ns()
    after = signature_of(str(output))
    # Moving a file changes its time of change, the last of them.
    return (digest, after, taken) if after is not None and before is not None and after[:4] == before[:4] else None


def _new_file(output: Path) -> tuple[Path, BinaryIO]:
    while True:
        temporary = output.with_name(f".{output.stem}.{os.urandom(16).hex()}{output.suffix}")
        # Not `tempfile`: its files are private to the user (0600), and so would be the artifact.
        stream = temporary.open("xb")
        if _lock(stream) and not _is_at(stream, temporary):  # another build took it for one that was left behind
            stream.close()
            continue
        return temporary, stream


def _remove_left_behind(output: Path) -> None:
    own = re.compile(rf"\.{re.escape(output.stem)}\.[0-9a-f]{{32}}{re.escape(output.suffix)}")
    with suppress(OSError):
        for path in [path for path in output.parent.iterdir() if own.fullmatch(path.name)]:
            with suppress(OSError), path.open("rb") as stream:
                if _lock(stream):
                    path.unlink()


def _lock(stream: BinaryIO) -> bool:
    """Takes the lock of a file as long as it is open; False where another process has it, or there is no locking."""
    if sys.platform == "win32":  # what a killed build has left stays there until somebody removes it
        return False
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except OSError:
        return False
