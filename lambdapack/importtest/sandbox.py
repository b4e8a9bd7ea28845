"""A room for one command: a file system of its own, no network, Lambda's user, limits; made by `confine.py`.

Says what is in the room and how its stay ended. Knows no interpreter and no handler. Linux only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lambdapack.importtest import confine
from lambdapack.importtest.backend import MEGABYTE, Unavailable
from lambdapack.importtest.cgroups import make_control_group
from lambdapack.importtest.process import Ended, run_limited

USER, GROUP = 993, 990
"""Who runs a function, by the `passwd` of the base images (`sbx_user1051`)."""

PRIVATE = "/.lambdapack"
"""A folder in every room for what is ours: the probe and its channel."""

_TRIAL_SECONDS = 10.0
# AWS, "Lambda quotas": file descriptors, processes and threads, /tmp.
_OPEN_FILES, _PROCESSES, _TEMPORARY = 1024, 1024, "512m"

_REMEDY = (
    "allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0; "
    "in a container: --security-opt seccomp=unconfined) or run as root"
)

Step = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What a command finds. `steps`, from the top down: `("read", PLACE, SOURCE)` and `("write", ...)` show a file or
    folder of this machine, `("link", PLACE, TARGET)` and `("folder", PLACE)` make one; /dev, /proc and /tmp come by
    themselves. Everything is read-only but /tmp and what is shown by `write`."""

    steps: tuple[Step, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str


def run_confined(
    room: Room,
    workspace: Path,
    *,
    descriptors: Sequence[int] = (),
    time_limit: float,
    memory_limit: int | None,
    keep_apart: bool = False,
) -> Ended | Unavailable:
    """Runs the room's command; returns how it ended, or why nothing could be started.

    `workspace` is an existing folder in which one is made to build the room's root upon.
    """
    root = workspace / "room"
    root.mkdir(exist_ok=True)
    group = make_control_group(memory_limit, _PROCESSES)
    plan = {
        "root": str(root),
        "mounts": [("tmpfs", "/tmp", _TEMPORARY, "1777"), *room.steps],
        "command": list(room.command),
        "environment": dict(room.environment),
        "folder": room.folder,
        "user": [USER, GROUP],
        "limits": {"NOFILE": _OPEN_FILES, "CORE": 0}
        | ({} if group is not None else {"NPROC": _PROCESSES + _running()}),
        "cgroups": group.members if group is not None else [],
    }
    reader, writer = os.pipe()
    try:
        try:
            ended = run_limited(
                [sys.executable, "-I", "-S", confine.__file__, str(writer)],
                environment={},
                folder=Path("/"),
                descriptors=(writer, *descriptors),
                time_limit=time_limit,
                memory_limit=memory_limit if group is None else None,
                given=json.dumps(plan).encode("ascii"),
                depth=2,
                keep_apart=keep_apart,
            )
        finally:
            os.close(writer)
        told = os.read(reader, 65536).decode("utf-8", "replace")
        return _understood(ended, told, memory_killed=group is not None and group.killed_for_memory())
    finally:
        os.close(reader)
        if group is not None:
            group.remove()


def _understood(ended: Ended, told: str, *, memory_killed: bool) -> Ended | Unavailable:
    """Reads what `confine.py` said: `cannot STEP: REASON` or `ended STATUS`."""
    if told.startswith("cannot "):
        return Unavailable(f"no sandbox can be made here ({told.partition(chr(10))[0]})", _REMEDY)
    word, _, status = told.strip().partition(" ")
    if word == "ended":
        ended = replace(ended, status=os.waitstatus_to_exitcode(int(status)))
    if memory_killed and ended.stopped is None:
        # Whichever process the kernel chose: the memory is that of all together.
        ended = replace(ended, stopped="memory", status=-signal.SIGKILL)
    return ended


@cache
def sandbox_trouble() -> Unavailable | None:
    """Returns why no sandbox can be made on this machine, or None; tries it, once."""
    if sys.platform != "linux":
        return Unavailable("a sandbox needs Linux", "run the import test there, or in a container")
    with tempfile.TemporaryDirectory(prefix="lambdapack-") as name:
        try:
            made = run_confined(
                Room((), (), {}, "/"), Path(name), time_limit=_TRIAL_SECONDS, memory_limit=512 * MEGABYTE
            )
        except OSError as error:
            return Unavailable(f"no sandbox can be made here ({error})", _REMEDY)
    if isinstance(made, Unavailable):
        return made
    return None if made.status == 0 and made.stopped is None else Unavailable("no sandbox can be made here", _REMEDY)


def _running() -> int:
    """How many threads the sandbox's user has already, in other sandboxes or outside: RLIMIT_NPROC counts them, too."""
    user = os.geteuid() or USER
    count = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == user:
                count += sum(1 for _ in (entry / "task").iterdir())
        except OSError:
            continue
    return count
