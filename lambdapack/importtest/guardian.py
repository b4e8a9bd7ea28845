"""The first process of a container: runs commands as it is asked to, holds them to their time, and cleans up.

Its source is given to the image's own interpreter with `-c`; Python 3.8 to 3.15, standard library only. Orders come on
standard input, each as a line with its length and then JSON; answers go to standard output between copies of the
order's nonce, which the command never sees. What the command has to say it writes to a file in the work folder, so that
nothing it prints, closes or ends with can be taken for an answer. When standard input ends, so does everything: then
the one who asked is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import signal
import subprocess
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAST_WORDS_SECONDS = 0.5
# Where the kernel counts what it killed for want of memory: control groups, version 2 and 1.
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


class Input:
    """Standard input, unbuffered, so that its end can be waited for together with other things."""

    def __init__(self) -> None:
        self.pending = b""

    def read(self) -> None:
        piece = os.read(0, 65536)
        if not piece:
            end_all()
            os._exit(0)
        self.pending += piece

    def order(self) -> dict[str, Any]:
        """Waits for the next order."""
        while b"\n" not in self.pending:
            self.read()
        length, _, self.pending = self.pending.partition(b"\n")
        while len(self.pending) < int(length):
            self.read()
        text, self.pending = self.pending[: int(length)], self.pending[int(length) :]
        found: dict[str, Any] = json.loads(text.decode("ascii"))
        return found


def end_all() -> None:
    """Kills whatever runs and reaps it: as the first process this one cannot be killed from inside."""
    while True:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def killed_for_memory() -> int:
    """How many processes of this container the kernel has killed because its memory was used up."""
    for path in OOM_COUNTERS:
        try:
            with open(path, encoding="ascii") as file:
                for line in file:
                    name, _, value = line.partition(" ")
                    if name == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0


def run(order: dict[str, Any], source: Input, wake: int) -> dict[str, Any]:
    """Carries out one order: the command within its time, then everything it has left running is ended."""
    for name in ("channel", "crash"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(order[name])
    descriptor = os.open(order["channel"], os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    crash = os.open(order["crash"], os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, json.dumps({**order["question"], "crash": crash}).encode("ascii"))
    os.lseek(descriptor, 0, os.SEEK_SET)
    before, started, stopped = killed_for_memory(), time.monotonic(), None
    process = subprocess.Popen(
        [*order["command"], str(descriptor)],
        stdin=subprocess.DEVNULL,
        cwd=order["folder"],
        env=order["environment"],
        pass_fds=(descriptor, crash),
        start_new_session=True,
    )
    # If memory runs out, it is not this process that has to go.
    with contextlib.suppress(OSError), open(f"/proc/{process.pid}/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    deadline = started + order["seconds"]
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        left = deadline - time.monotonic()
        if left <= 0 and stopped is None:
            stopped, left = "time", LAST_WORDS_SECONDS
            deadline = time.monotonic() + left
            process.send_signal(signal.SIGABRT)  # Python's faulthandler tells where it hangs
        elif left <= 0:
            process.kill()
            pid, status, usage = os.wait4(process.pid, 0)
            break
        ready = select.select([0, wake], [], [], left)[0]
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready:
            source.read()
    seconds = time.monotonic() - started
    end_all()
    if stopped is None and killed_for_memory() > before:
        stopped = "memory"
    return {
        "status": -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status),
        "seconds": seconds,
        "stopped": stopped,
        "peak": usage.ru_maxrss * 1024,
        "channel": content(descriptor),
        "crash": content(crash),
    }


def content(descriptor: int) -> str:
    """All of an open file, which is closed."""
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def main() -> None:
    """Answers orders until there are no more."""
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken)
    # Handlers that do nothing, and are not passed on: the end of a child wakes `select`, an interrupt changes nothing.
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    source = Input()
    while True:
        order = source.order()
        for path, text in order.get("files", {}).items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        if "command" in order:
            answer = run(order, source, wake)
        else:
            answer = {"python": platform.python_version(), "machine": platform.machine(), "executable": sys.executable}
        marker = b"\0" + order["nonce"].encode("ascii") + b"\0"
        message = marker + json.dumps(answer).encode("ascii") + marker
        while message:
            message = message[os.write(1, message) :]


if __name__ == "__main__":
    main()
