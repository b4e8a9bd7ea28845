"""Runs one command in a room: a file system of its own, no network, Lambda's user, limits; made by `confine.py`, or by
bubblewrap where that is allowed more, or as a plain chroot where the caller takes what that does not keep apart.

Says how the stay ended. Knows no interpreter and no handler. Linux only.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from lambdapack.importtest import confine
from lambdapack.importtest.backend import MEGABYTE, Unavailable
from lambdapack.importtest.bubblewrap import arguments, bubblewrap
from lambdapack.importtest.cgroups import make_control_group
from lambdapack.importtest.network_filter import network_filter
from lambdapack.importtest.plain_root import build_plain_root, user_alone
from lambdapack.importtest.process import Ended, run_limited
from lambdapack.importtest.room import GROUP, TEMPORARY_BYTES, USER, Room

_TRIAL_SECONDS = 10.0
_LATE_SECONDS = 1.0  # that the one who watches from outside is given beyond the time limit
_SIGNALLED = 128  # bwrap(1) ends with this and the signal's number
# AWS, "Lambda quotas": file descriptors, processes and threads.
_OPEN_FILES, _PROCESSES = 1024, 1024
_PLAIN_PROCESSES = 512  # they share the processors with the one that watches the time

_REMEDY = (
    "allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0; "
    "in a container: --security-opt seccomp=unconfined), install bubblewrap, or run as root"
)
_PLAIN_REMEDY = "set TMPDIR to a folder on a disk that takes device files"


@dataclass(frozen=True, slots=True)
class Plain:
    """What a room without namespaces, a plain chroot, is to have: `network` keeps that of this machine."""

    network: bool = False


def run_confined(
    room: Room,
    workspace: Path,
    *,
    descriptors: Sequence[int] = (),
    time_limit: float,
    memory_limit: int | None,
    keep_apart: bool = False,
    plain: Plain | None = None,
) -> Ended | Unavailable:
    """Runs the room's command; returns how it ended, or why nothing could be started.

    `workspace` is an existing folder in which one is made to build the room's root upon. `plain`: without namespaces.
    """
    if plain is not None:
        return _run_plainly(room, workspace, plain, descriptors, time_limit, memory_limit, keep_apart=keep_apart)
    (workspace / "room").mkdir(exist_ok=True)
    plan = {
        "root": str(workspace / "room"),
        "mounts": [("tmpfs", "/tmp", str(TEMPORARY_BYTES), "1777"), *room.steps],
        "command": list(room.command),
        "environment": dict(room.environment),
        "folder": room.folder,
        "user": [USER, GROUP],
    }

    def run(plan: dict[str, Any], *more: int) -> Ended | Unavailable:
        return _run(plan, (*descriptors, *more), time_limit, memory_limit, keep_apart=keep_apart)

    ended = run(plan)
    if not isinstance(ended, Unavailable) or not room.command:
        return ended
    program = bubblewrap()
    if program is None:
        return ended
    with tempfile.TemporaryFile(dir=workspace) as file:
        file.write(arguments(room))
        file.seek(0)
        instead = [program, "--args", str(file.fileno()), *room.command]
        ended = run({"instead": instead}, file.fileno())
    if isinstance(ended, Ended) and ended.status > _SIGNALLED:
        return replace(ended, status=_SIGNALLED - ended.status)
    return ended


def _run_plainly(
    room: Room,
    workspace: Path,
    plain: Plain,
    descriptors: Sequence[int],
    time_limit: float,
    memory_limit: int | None,
    *,
    keep_apart: bool,
) -> Ended | Unavailable:
    """Runs the room's command in a folder that root changes the root to."""
    root = workspace / "room"
    rules = None if plain.network else network_filter(platform.machine())
    if rules is None and not plain.network:
        return Unavailable(f"it is not known how to refuse network calls on {platform.machine()}", _REMEDY)
    try:
        build_plain_root(root, room.steps)
        plan: dict[str, Any] = {
            "root": str(root),
            "plain": True,
            "filter": rules,
            "command": list(room.command),
            "environment": dict(room.environment),
            "folder": room.folder,
            "seconds": time_limit + _LATE_SECONDS,
        }
        with user_alone() as user:
            plan["user"] = [user, GROUP]
            return _run(plan, descriptors, time_limit, memory_limit, keep_apart=keep_apart)
    except OSError as error:
        return Unavailable(f"{root}: no root can be made there ({error.strerror or error})", _PLAIN_REMEDY)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _run(
    plan: Mapping[str, Any],
    descriptors: Sequence[int],
    time_limit: float,
    memory_limit: int | None,
    *,
    keep_apart: bool,
) -> Ended | Unavailable:
    """Has `confine.py` carry out a plan, within a control group where there can be one."""
    group = make_control_group(memory_limit, _PROCESSES)
    limits = {"NOFILE": _OPEN_FILES, "CORE": 0}
    if plan.get("plain"):
        limits["FSIZE"] = TEMPORARY_BYTES  # of one file; here /tmp has no size of its own
        limits["NPROC"] = _PLAIN_PROCESSES
    elif group is None:
        limits["NPROC"] = _PROCESSES + _running()
    complete = {**plan, "limits": limits, "cgroups": group.members if group is not None else []}
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
                given=json.dumps(complete).encode("ascii"),
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
    """Reads what `confine.py` said: `cannot STEP: REASON`, `ended STATUS` or `late`."""
    if told.startswith("cannot "):
        return Unavailable(f"no sandbox can be made here ({told.partition(chr(10))[0]})", _REMEDY)
    word, _, status = told.strip().partition(" ")
    if word == "ended":
        ended = replace(ended, status=os.waitstatus_to_exitcode(int(status)))
    elif word == "late" and ended.stopped is None:
        ended = replace(ended, stopped="time")
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
        return None if bubblewrap() is not None else made
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
