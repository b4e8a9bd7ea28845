"""Confines one command: a script that makes namespaces, mounts a file system of its own, drops the user, and starts it.

Run as `python -I -S confine.py STATUS_FD` with the plan as JSON on standard input; Linux only, standard library only.
It does by the system calls what `unshare`, `mount`, `pivot_root` and `setpriv` do by their programs, which differ from
system to system and cannot mount first and drop the user afterwards without a shell in between.

As root (with CAP_SYS_ADMIN) the namespaces are made by root and the command really runs as another user; otherwise a
user namespace is made, in which one is that user by name only. STATUS_FD gets one line: `ended STATUS` as from wait(2),
or `cannot STEP: REASON` when the confinement could not be made, and then nothing was started. A plan with `instead` is
not carried out here: the program named there becomes the process, within the plan's limits, and confines by itself.

Where root may make no namespaces, `plain` has it change the root to a folder that is there already, become the user and
install the plan's `filter` of system calls. Then processes are not kept apart by the kernel, and are ended from here,
also when the plan's `seconds` are over: then the line is `late`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# linux/sched.h, sys/mount.h, linux/mount.h, linux/prctl.h; the number of mount_setattr(2) is the same everywhere.
NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 36, 38
SECCOMP_MODE_FILTER = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
LAST_CAPABILITY = 63
SWEEP_SECONDS = 0.005
DEVICES = ("null", "zero", "full", "random", "urandom")

libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


class CannotConfine(Exception):
    """A step that the kernel refused."""


def done(step: str, result: int) -> None:
    """Raises when a system call did not succeed."""
    if result < 0:
        raise CannotConfine(f"{step}: {os.strerror(ctypes.get_errno())}")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """As mount(2); raises `CannotConfine`."""

    def spelled(text: str | None) -> bytes | None:
        return None if text is None else os.fsencode(text)

    arguments = (spelled(source), os.fsencode(target), spelled(kind), flags, spelled(data))
    done(f"mount {kind or source or ''} on {target}", libc.mount(*arguments))


def restrict(target: str, flags: int) -> None:
    """Makes a mount and those below it read-only or the like; mount_setattr(2) is there since Linux 5.12."""
    attributes = struct.pack("QQQQ", flags, 0, 0, 0)  # MOUNT_ATTR_RDONLY, _NOSUID, _NODEV equal the MS_ flags
    path = os.fsencode(target)
    if libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, attributes, len(attributes)) == 0:
        return
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        rows = [line.split() for line in table]
    names = {"ro": MS_RDONLY, "nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC}
    for row in rows:
        place = row[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
        if place == target or place.startswith(target + "/"):
            kept = sum(names.get(option, 0) for option in row[5].split(","))
            mount(None, place, None, MS_REMOUNT | MS_BIND | flags | kept)


def unshare(plan: dict[str, Any]) -> bool:
    """Makes the namespaces; returns whether the process still is a root that can become another user."""
    spaces = NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET
    user, group = plan["user"]
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and libc.unshare(spaces) == 0:
        return True
    ready, go = os.pipe()
    mapper = os.fork() if uid == 0 else 0
    if mapper == 0 and uid == 0:
        # Root without CAP_SYS_ADMIN, as in most containers: from outside the new namespace it may map two users, and
        # then the drop from one to the other is a real one.
        os.read(ready, 1)
        try:
            set_map(os.getppid(), f"0 0 1\n{user} {user} 1", f"0 0 1\n{group} {group} 1")
        except OSError:
            os._exit(1)
        os._exit(0)
    result = libc.unshare(NEWUSER | spaces)
    os.write(go, b"x")
    os.close(go)
    os.close(ready)
    if mapper and os.waitpid(mapper, 0)[1] == 0 and result == 0:
        return True
    done("make a user namespace", result)
    with open("/proc/self/setgroups", "w", encoding="ascii") as file:
        file.write("deny")
    set_map(os.getpid(), f"{user} {uid} 1", f"{group} {gid} 1")
    return False


def set_map(process: int, users: str, groups: str) -> None:
    """Says who is who in a user namespace (user_namespaces(7))."""
    for name, content in (("gid_map", groups), ("uid_map", users)):
        with open(f"/proc/{process}/{name}", "w", encoding="ascii") as file:
            file.write(content)


def build(plan: dict[str, Any]) -> None:
    """Mounts the new file system at `plan["root"]`, all of it but /proc, from the top down."""
    root = plan["root"]
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("sandbox", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m")
    for step in plan["mounts"]:
        kind, target = step[0], root + step[1]
        if kind == "link":
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            os.symlink(step[2], target)
        elif kind == "tmpfs":
            os.makedirs(target, mode=0o755, exist_ok=True)
            mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={step[3]},size={step[2]}")
        elif kind == "folder":
            os.makedirs(target, mode=0o755, exist_ok=True)
        else:
            place(step[2], target)
            mount(step[2], target, None, MS_BIND | MS_REC)
            restrict(target, MS_NOSUID | MS_NODEV | (MS_RDONLY if kind == "read" else 0))
    os.makedirs(f"{root}/dev", mode=0o755, exist_ok=True)
    for name in DEVICES:
        place(f"/dev/{name}", f"{root}/dev/{name}")
        mount(f"/dev/{name}", f"{root}/dev/{name}", None, MS_BIND)
    for name, link in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{link}", f"{root}/dev/{name}")
    os.makedirs(f"{root}/proc", mode=0o755, exist_ok=True)


def place(source: str, target: str) -> None:
    """Makes what a mount stands on: a folder or an empty file."""
    if os.path.isdir(source):
        os.makedirs(target, mode=0o755, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def enter(plan: dict[str, Any]) -> None:
    """Inside the new process namespace: mounts /proc, makes the new root the root, wakes the loopback device."""
    root = plan["root"]
    # In a container whose own /proc has covered parts the kernel gives no fresh one: then there is none.
    with contextlib.suppress(CannotConfine):
        mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir(root)
    number = SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise CannotConfine(f"change the root: not known how on {os.uname().machine}")
    # pivot_root(2), "pivot_root(".", ".")": the old root comes to lie on top of the new one, and is taken off.
    done("change the root", libc.syscall(number, b".", b"."))
    done("leave the old root", libc.umount2(b".", MNT_DETACH))
    os.chdir("/")
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    socket.sethostname("localhost")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # netdevice(7): IFF_UP
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1).ljust(40, b"\0"))


def start(plan: dict[str, Any], *, drop: bool) -> NoReturn:
    """Gives up every privilege and becomes the command."""
    set_limits(plan)
    for capability in range(LAST_CAPABILITY + 1):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # the kernel knows no more
    if drop:
        become(plan)
    done("forbid new privileges", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if plan.get("filter"):
        install(plan["filter"])
    os.umask(0o022)
    os.chdir(plan["folder"])
    # The new root's own environment; a process that leaves user 0 by exec loses what it may do in its namespace.
    os.execve(plan["command"][0], plan["command"], plan["environment"])


def install(instructions: list[list[int]]) -> None:
    """Filters the system calls of this process and its children from now on (seccomp(2))."""
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    held = ctypes.create_string_buffer(program, len(program))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(held)))
    done("filter system calls", libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0))


def set_limits(plan: dict[str, Any]) -> None:
    """As setrlimit(2), for good, and never above what this process itself may have."""
    for name, limit in plan["limits"].items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(number, (limit, limit))


def become(plan: dict[str, Any]) -> None:
    """Gives up being root for good."""
    user, group = plan["user"]
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def tell(status: int, line: str) -> None:
    """Says one thing to who started this."""
    os.write(status, line.encode("utf-8", "replace"))


def supervise(plan: dict[str, Any], status: int, *, drop: bool) -> None:
    """The first process of the namespace: starts the command, waits for it and reaps what it leaves behind."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # A first process gets only those signals from inside that it handles, and Python handles this one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        enter(plan)
        child = os.fork() if plan["command"] else 0
        if child == 0 and plan["command"]:
            try:
                start(plan, drop=drop)
            except (OSError, ValueError, CannotConfine) as error:
                tell(status, f"cannot start {plan['command'][0]}: {error}")
                os._exit(127)
        if drop:
            become(plan)
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of user has taken that back
    except (OSError, CannotConfine) as error:
        tell(status, f"cannot {error}")
        os._exit(127)
    ended = -1
    while child:
        pid, ended = os.wait()
        if pid == child:
            break
    tell(status, f"\nended {max(ended, 0)}")
    os._exit(0)  # and with this process the kernel ends all others of the namespace


def supervise_plainly(plan: dict[str, Any], status: int, parent: int) -> None:
    """As `supervise`, without a namespace: whatever the command leaves running comes to this process, and is ended."""
    os.setsid()  # who started this kills its own group at the end, and this has to outlive that for a moment
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Of a thousand busy processes the one that watches the time from outside hardly gets to run; this one sleeps.
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("late"))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    try:
        if os.getppid() != parent:
            sys.exit(1)
        child = os.fork()
        if child == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                os.chroot(plan["root"])
                start(plan, drop=True)
            except (OSError, ValueError, CannotConfine) as error:
                tell(status, f"cannot start {plan['command'][0]}: {error}")
            os._exit(127)
        signal.setitimer(signal.ITIMER_REAL, plan["seconds"])
        said = f"ended {os.waitpid(child, 0)[1]}"
    except OSError as error:
        tell(status, f"cannot {error}")
        os._exit(127)
    except SystemExit as end:
        said = str(end)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_all(plan)
    tell(status, f"\n{said}")
    os._exit(0)


def end_all(plan: dict[str, Any]) -> None:
    """Ends every process of the plan's user, which is this attempt's alone, and reaps it.

    As that user, all at once: to look for a thousand busy processes takes longer than they take to make others.
    """
    while True:
        ending = os.fork()
        if ending == 0:
            with contextlib.suppress(OSError):
                become(plan)
                os.kill(-1, signal.SIGKILL)
            os._exit(0)
        time.sleep(SWEEP_SECONDS)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return


def main(status: int) -> None:
    """Carries out the plan on standard input."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.set_inheritable(status, False)
    plan = json.load(sys.stdin.buffer)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.umask(0)
    try:
        for tasks in plan["cgroups"]:
            with open(tasks, "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
        if "instead" in plan:
            set_limits(plan)
            os.execve(plan["instead"][0], plan["instead"], {})
        plain, parent, drop = plan.get("plain", False), os.getpid(), True
        if not plain:
            drop = unshare(plan)
            build(plan)
        first = os.fork()
    except (OSError, CannotConfine) as error:
        tell(status, f"cannot {error}")
        sys.exit(127)
    if first == 0 and plain:
        supervise_plainly(plan, status, parent)
    elif first == 0:
        supervise(plan, status, drop=drop)
    os.close(status)
    os.waitpid(first, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
