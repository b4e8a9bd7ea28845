"""Bubblewrap in the place of our own script, where the kernel gives namespaces to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import Unavailable, sandbox
from lambdapack.importtest.bubblewrap import arguments, bubblewrap
from lambdapack.importtest.room import Room

Try = Callable[..., ImportAttempt]

GOOD = "def f(event, context): return event\n"


@pytest.fixture
def bubblewrap_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses every plan but the one that starts bubblewrap."""
    if bubblewrap() is None:
        pytest.skip("needs bubblewrap: apt-get install bubblewrap")
    run = sandbox._run

    def refusing(plan: dict[str, Any], *rest: Any, **named: Any) -> Any:
        return run(plan, *rest, **named) if "instead" in plan else Unavailable("forbidden", "")

    monkeypatch.setattr(sandbox, "_run", refusing)


@pytest.mark.usefixtures("bubblewrap_alone")
def test_the_room_is_the_same(attempt: Try) -> None:
    code = (
        "import os, socket\n"
        "assert os.getuid() == 993 and os.getcwd() == '/var/task' and not os.path.exists('/root')\n"
        "open('/tmp/x', 'w').close()\n"
        "assert os.environ['LAMBDA_TASK_ROOT'] == '/var/task' and os.environ['SECRET'] == 'kept'\n"
        "for place in ('/x', '/var/task/x', '/dev/x', '/opt/x'):\n"
        "    try: open(place, 'w')\n"
        "    except OSError: continue\n"
        "    raise SystemExit(place)\n"
        "socket.create_connection(('198.51.100.1', 80), timeout=5)\n"
    )
    seen = attempt({"handler.py": code + GOOD}, extra_env={"SECRET": "kept"})
    assert (seen.error_type, seen.error_message) == ("OSError", "[Errno 101] Network is unreachable")


ENDS = {
    "import sys; sys.exit(3)": ("Runtime.ExitError", "Runtime exited with error: exit status 3"),
    "import os; os.kill(os.getpid(), 11)": (
        "Runtime.ExitError",
        "Runtime exited with error: signal: segmentation fault",
    ),
    "while True: pass": ("Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    "kept = []\nwhile True: kept.append(bytearray(10_000_000))": (
        "Runtime.ExitError",
        "Runtime exited with error: signal: killed",
    ),
}


@pytest.mark.usefixtures("bubblewrap_alone")
@pytest.mark.parametrize("code", ENDS)
def test_ends_are_told_alike(attempt: Try, code: str) -> None:
    seen = attempt({"handler.py": code}, time_limit=1 if code.startswith("while") else 20, memory_limit=200 << 20)
    assert (seen.error_type, seen.error_message) == ENDS[code]


def test_variables_stay_off_the_command_line() -> None:
    room = Room((("read", "/a", "/b"), ("link", "/c", "a")), ("/a",), {"SECRET": "x y"}, "/a")
    given = arguments(room).split(b"\0")
    assert given[given.index(b"--setenv") :] == [b"--setenv", b"SECRET", b"x y", b""]
    assert given[given.index(b"--symlink") :][:3] == [b"--symlink", b"a", b"/c"]
