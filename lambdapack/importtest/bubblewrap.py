"""A room as bubblewrap's arguments: for machines that give namespaces to bubblewrap and not to everybody.

Some distributions install it with set-user-ID, or allow it alone by AppArmor. Knows bwrap(1) and rooms; starts nothing
but the one trial.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache

from lambdapack.importtest.room import GROUP, TEMPORARY_BYTES, USER, Room

_TRIAL_SECONDS = 10.0


@cache
def bubblewrap() -> str | None:
    """Returns the program if it is installed and works here."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    trial = [program, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    try:
        done = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRIAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if done.returncode == 0 else None


def arguments(room: Room) -> bytes:
    """Returns what `--args FD` reads: variables may be secret, and other users see a command line."""
    return b"".join(argument.encode("utf-8", "surrogateescape") + b"\0" for argument in _arguments(room))


def _arguments(room: Room) -> Iterator[str]:
    yield from ("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL")
    yield from ("--uid", str(USER), "--gid", str(GROUP), "--hostname", "localhost")
    for kind, place, *rest in room.steps:
        match kind:
            case "read":
                yield from ("--ro-bind", rest[0], place)
            case "write":
                yield from ("--bind", rest[0], place)
            case "link":
                yield from ("--symlink", rest[0], place)
            case _:
                yield from ("--dir", place)
    yield from ("--perms", "1777", "--size", str(TEMPORARY_BYTES), "--tmpfs", "/tmp")
    yield from ("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/")
    yield from ("--chdir", room.folder)
    for name, value in room.environment.items():
        yield from ("--setenv", name, value)
