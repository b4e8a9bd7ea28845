"""Runs one process within limits of time and memory, keeps what it prints, and leaves none of its group behind.

Knows nothing of Lambda or Python. POSIX only when it runs; importable everywhere.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

KEPT_OUTPUT = 256 * 1024
_STEP_SECONDS = 0.02
_LAST_WORDS_SECONDS = 0.5

Stopped = Literal["time", "memory"]

INTERRUPTED = threading.Event()
"""Ends every process that is running here: for those that other threads wait for."""

# What Go calls the signals (syscall package): the emulator and Lambda print these words.
_SIGNAL_WORDS = {
    "SIGHUP": "hangup",
    "SIGINT": "interrupt",
    "SIGQUIT": "quit",
    "SIGILL": "illegal instruction",
    "SIGTRAP": "trace/breakpoint trap",
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGFPE": "floating point exception",
    "SIGKILL": "killed",
    "SIGSEGV": "segmentation fault",
    "SIGPIPE": "broken pipe",
    "SIGALRM": "alarm clock",
    "SIGTERM": "terminated",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. `status` is as `subprocess` gives it: negative for a signal. `stopped`: the limit that
    was reached. `peak` is the highest resident size seen, in bytes; None where that cannot be watched. `errors` is what
    came on standard error where that was kept apart, or else it is in `output`."""

    status: int
    output: str
    seconds: float
    stopped: Stopped | None
    peak: int | None
    errors: str = ""


def run_limited(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    descriptors: Sequence[int],
    time_limit: float,
    memory_limit: int | None,
    given: bytes | None = None,
    depth: int = 0,
    keep_apart: bool = False,
) -> Ended:
    """Runs a command in a session of its own with the inherited descriptors, and kills its group afterwards.

    `given` is its standard input. `depth`: how many processes stand between the command and the one that matters. That
    one's memory is watched; on reaching the time limit it gets SIGABRT, and faulthandler tells where it hangs.
    `keep_apart`: do not mix standard error into standard output.
    """
    started = time.monotonic()
    stopped: Stopped | None = None
    peak: int | None = None
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if keep_apart else subprocess.STDOUT,
        cwd=folder,
        env=dict(environment),
        pass_fds=tuple(descriptors),
        start_new_session=True,
    )
    output = _collect(process.stdout)
    errors = _collect(process.stderr) if keep_apart else str
    try:
        _forbid_core_file(process.pid)
        if process.stdin is not None and given is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(given)
        while True:
            try:
                process.wait(_STEP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                inner = descendant(process.pid, depth)
                resident = resident_bytes(inner) if inner is not None else None
                if resident is not None:
                    peak = max(peak or 0, resident)
                    if memory_limit is not None and resident > memory_limit:
                        stopped = "memory"
                        break
                if INTERRUPTED.is_set():
                    break
                if time.monotonic() - started > time_limit:
                    stopped = "time"
                    _last_words(process, inner)
                    break
        seconds = time.monotonic() - started
    finally:
        # Also on Ctrl-C, which does not reach the process by itself: it has no terminal.
        _kill_group(process.pid)
        process.kill()
        process.wait()
    return Ended(process.returncode, output(), seconds, stopped, peak, errors())


def exit_words(status: int) -> str:
    """Says how a process ended in the words of Lambda's emulator; a status as `subprocess` gives it."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = ""
    return f"Runtime exited with error: signal: {_SIGNAL_WORDS.get(name, f'signal {-status}')}"


def watches_memory() -> bool:
    """True where the resident size of a process can be read."""
    return sys.platform == "linux"


def descendant(pid: int, depth: int) -> int | None:
    """The process that many generations below, by the first child of each; None while it is not there."""
    for _ in range(depth):
        try:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()[0])
        except (OSError, IndexError):
            return None
    return pid


def resident_bytes(pid: int) -> int | None:
    """The resident memory of a process and its descendants in bytes, or None.

    Not an address-space limit: numpy and its like reserve gigabytes that they never touch.
    """
    if not watches_memory():
        return None
    total = 0
    pending = [pid]
    while pending:
        one = pending.pop()
        try:
            # proc(5): the second field of statm is the resident size in pages.
            pages = Path(f"/proc/{one}/statm").read_text("ascii").split()
            total += int(pages[1]) * mmap.PAGESIZE
            pending += map(int, Path(f"/proc/{one}/task/{one}/children").read_text("ascii").split())
        except (OSError, IndexError, ValueError):
            continue  # it has ended meanwhile, or the kernel lists no children
    return total or None


def _collect(stream: IO[bytes] | None) -> Callable[[], str]:
    """Reads what a process prints; keeps the first part and the last, whatever the amount."""
    head, tail = bytearray(), bytearray()
    assert stream is not None

    def read() -> None:
        with stream:
            while piece := os.read(stream.fileno(), 65536):
                if len(head) < KEPT_OUTPUT // 2:
                    head.extend(piece)
                else:
                    tail.extend(piece)
                    del tail[: -KEPT_OUTPUT // 2]

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def collected() -> str:
        # A process that left the group may hold the pipe open for ever; what it says later is not waited for.
        reader.join(_LAST_WORDS_SECONDS)
        return bytes(head + tail).decode("utf-8", "replace")

    return collected


def _forbid_core_file(pid: int) -> None:
    if sys.platform == "linux":
        import resource

        try:
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        except (OSError, ValueError):
            return  # it has ended already


def _last_words(process: subprocess.Popen[bytes], inner: int | None) -> None:
    if inner is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(inner, signal.SIGABRT)
    try:
        process.wait(_LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        return


def _kill_group(group: int) -> None:
    if sys.platform != "win32":
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nobody left; macOS says so by EPERM
            return
