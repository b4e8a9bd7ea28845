"""A room as a plain folder to change the root to, where nothing can be mounted: root in a container, for the most part.

Files of the root file system are linked into it, not copied, where both are on one disk. Nothing in it can be written
but /tmp and what the room says: a file that others may write to is copied, and loses that. Starts nothing.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lambdapack.importtest.backend import Unavailable
from lambdapack.importtest.room import USER, Step

# linux/capability.h
_NEEDED = {"CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SYS_CHROOT": 18, "CAP_MKNOD": 27}
# Linux's Documentation/admin-guide/devices.txt
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
_SPARE_USERS = range(60_000, 60_100)
_FEW = 8  # processes
_NO_LINK = {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP}


def plain_root_trouble() -> Unavailable | None:
    """Returns why this process cannot change the root and become another user, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return Unavailable("only root may change the root", "run as root, or in a container")
    held = 0
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
    lacking = [name for name, bit in _NEEDED.items() if not held >> bit & 1]
    return Unavailable(f"root has no {lacking[0]} here", f"give it: --cap-add {lacking[0]}") if lacking else None


@contextmanager
def user_alone() -> Iterator[int]:
    """Gives the number of a user under whom nothing runs, Lambda's if it can be, and keeps it from other attempts.

    Without namespaces the processes of one user can end each other, and all of them are ended together.
    """
    for user in (USER, *_SPARE_USERS):
        # Its name is held as long as the socket is open, and let go by the kernel even when this process is killed.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
            try:
                claim.bind(f"\0lambdapack-user-{user}")
            except OSError:
                continue
            if not _runs_anything(user) and _may_run(user):
                yield user
                return
    raise OSError(errno.EBUSY, "every user for attempts is taken")


def _runs_anything(user: int) -> bool:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # what has ended and was not waited for counts, too: for RLIMIT_NPROC it runs
            if entry.name.isdigit() and entry.stat().st_uid == user:
                return True
    return False


def _may_run(user: int) -> bool:
    """False where the kernel counts processes of that user elsewhere: those of other containers are not seen here, and
    count for RLIMIT_NPROC all the same."""
    import resource

    child = os.fork()
    if child == 0:
        with suppress(OSError):
            resource.setrlimit(resource.RLIMIT_NPROC, (_FEW, _FEW))
            os.setresuid(user, user, user)
            inner = os.fork()
            if inner:
                os.waitpid(inner, 0)
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def build_plain_root(root: Path, steps: Sequence[Step]) -> None:
    """Makes what the steps of a room show below the folder `root`, with /dev and /tmp. Raises `OSError`."""
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    for kind, place, *rest in steps:
        target = root / place.lstrip("/")
        _make_folder(root, target.parent)
        match kind:
            case "link":
                target.symlink_to(rest[0])
            case "folder":
                _make_folder(root, target)
            case "write":
                os.link(rest[0], target)
            case _:
                _show(Path(rest[0]), target)
    _make_folder(root, root / "tmp")
    (root / "tmp").chmod(0o1777)
    _make_folder(root, root / "dev")
    for name, (major, minor) in _DEVICES.items():
        device = root / "dev" / name
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        device.chmod(0o666)
    with (root / "dev/null").open("rb"):
        return  # the file system knows devices


def _make_folder(root: Path, folder: Path) -> None:
    """Makes a folder and those above it, for others to pass, whatever the umask."""
    if folder != root and not folder.is_dir():
        _make_folder(root, folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _show(source: Path, target: Path) -> None:
    if not source.is_dir():
        _show_file(source, target)
        return
    if not target.is_dir():
        target.mkdir()
    target.chmod(0o755)
    with os.scandir(source) as entries:
        for entry in entries:
            inside, place = source / entry.name, target / entry.name
            if entry.is_symlink():
                place.symlink_to(inside.readlink())
            elif entry.is_dir():
                _show(inside, place)
            else:
                _show_file(inside, place)


def _show_file(source: Path, target: Path) -> None:
    mode = source.stat().st_mode
    if not mode & stat.S_IWOTH:
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(stat.S_IMODE(mode) & ~stat.S_IWOTH)
