"""The sandbox of the local backend: what a handler finds there, what it cannot do, and that the host stays unharmed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import confine
from lambdapack.importtest.sandbox import sandbox_trouble

Try = Callable[..., ImportAttempt]

GOOD = "def f(event, context): return event\n"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sandbox_trouble() is not None, reason=f"needs a sandbox: {sandbox_trouble()}"
)


def code(text: str) -> dict[str, str]:
    return {"handler.py": textwrap.dedent(text) + GOOD}


def test_the_handler_finds_lambda_s_places_and_user(attempt: Try, minor: int) -> None:
    seen = attempt(
        code(f"""
            import os, sys
            assert os.getuid() == 993 and os.getgid() == 990 and os.getgroups() in ([], [990], [65534])
            assert os.getcwd() == "/var/task" and __file__ == "/var/task/handler.py"
            assert sys.executable == "/var/lang/bin/python3.{minor}" and sys.prefix == "/var/lang"
            assert os.__file__ == "/var/lang/lib/python3.{minor}/os.py"
            import pwd
            assert pwd.getpwuid(os.getuid()).pw_name == "sbx_user1051"
            import ctypes, hashlib, sqlite3, ssl, zlib, bz2, lzma, uuid, decimal, socket, json, xml.parsers.expat
            ssl.create_default_context()
            open("/tmp/x", "w").close()
        """),
        minor=minor,
    )
    assert (seen.status, seen.error_message) == ("ok", None)


def test_nothing_else_of_this_machine_is_seen(attempt: Try) -> None:
    seen = attempt(
        code("""
            import os
            assert not os.path.exists("/root") and not os.path.exists("/home") and not os.path.exists("/bin")
            assert {name for name in os.listdir("/proc") if name.isdigit()} == {"1", str(os.getpid())}
            assert os.listdir("/tmp") == []
            assert not {"HOME", "USER", "PYTEST_CURRENT_TEST"} & set(os.environ)
        """)
    )
    assert (seen.status, seen.error_message) == ("ok", None)


@pytest.mark.parametrize("folder", ["", "/var/task", "/opt", "/var/lang/lib", "/etc", "/dev", "/.lambdapack"])
def test_only_tmp_takes_files(attempt: Try, folder: str) -> None:
    seen = attempt(code(f"open('{folder}/x', 'w')\n"))
    assert seen.error_type in {"OSError", "PermissionError"}


def test_tmp_is_bounded(attempt: Try) -> None:
    seen = attempt(
        code("""
            with open("/tmp/big", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(16 << 20))
        """)
    )
    assert (seen.error_type, "No space left" in (seen.error_message or "")) == ("OSError", True)


def test_there_is_no_network_but_the_loopback(attempt: Try) -> None:
    seen = attempt(
        code("""
            import socket
            with socket.create_server(("127.0.0.1", 0)) as server:
                socket.create_connection(server.getsockname()).close()
            socket.create_connection(("198.51.100.1", 80), timeout=5)
        """)
    )
    assert (seen.error_type, seen.error_message) == ("OSError", "[Errno 101] Network is unreachable")


def test_a_fork_bomb_ends_in_time_and_leaves_nothing(attempt: Try) -> None:
    before, started = _processes(), time.monotonic()
    seen = attempt(
        code("""
            import os
            while True:
                try:
                    os.fork()
                except OSError:
                    pass
        """),
        time_limit=3,
    )
    assert time.monotonic() - started < 15
    assert seen.error_type in {"Sandbox.Timedout", "Runtime.ExitError"}
    for _ in range(100):
        if _processes() <= before + 20:
            return
        time.sleep(0.1)
    pytest.fail("processes of the bomb are still there")


def test_threads_are_bounded(attempt: Try) -> None:
    seen = attempt(
        code("""
            import threading, time
            for _ in range(3000):
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        """),
        time_limit=30,
    )
    assert (seen.error_type, seen.error_message) == ("RuntimeError", "can't start new thread")


def test_unreadable_modes_show(attempt: Try, tmp_path: Path) -> None:
    files = {"handler.py": "import closed\n" + GOOD, "closed.py": "x = 1\n"}
    (tmp_path / "tree0").mkdir()
    (tmp_path / "tree0" / "closed.py").write_text("")
    (tmp_path / "tree0" / "closed.py").chmod(0o600)
    seen = attempt(files)
    assert (seen.error_type, seen.error_message) == (
        "PermissionError",
        "[Errno 13] Permission denied: '/var/task/closed.py'",
    )


def test_a_link_out_of_the_root_leads_nowhere(attempt: Try, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "tree0").mkdir()
    (tmp_path / "tree0" / "link").symlink_to(secret)
    seen = attempt(code("import os\nprint(os.path.lexists('link'), os.path.exists('link'))\n"))
    assert (seen.status, "secret" in seen.output) == ("ok", False)
    assert "True True" not in seen.output


@pytest.mark.parametrize("program", ["uname", "/bin/sh"])
def test_a_program_that_only_the_sandbox_lacks_is_no_failure(attempt: Try, program: str) -> None:
    seen = attempt(code(f"import subprocess\nsubprocess.run([{program!r}])\n"))
    assert (seen.status, seen.error_type) == ("not-run", "FileNotFoundError")
    assert program in (seen.reason or "")
    assert attempt(code(f"open({program!r})\n")).status == "failed"
    assert attempt(code("import subprocess\nsubprocess.run(['/var/task/tool'])\n")).status == "failed"


def test_privileges_cannot_be_had_back(attempt: Try) -> None:
    seen = attempt(
        code("""
            import ctypes, os
            status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
            assert status["CapEff"].strip("\\t0") == status["CapBnd"].strip("\\t0") == ""
            assert status["NoNewPrivs"].strip() == "1"
            for change in (lambda: os.setuid(0), lambda: os.chroot("/tmp"), lambda: os.mknod("/tmp/d", 0o60666, 0x800)):
                try:
                    change()
                except PermissionError:
                    continue
                raise SystemExit("it worked")
            assert ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) == -1
        """)
    )
    assert (seen.status, seen.error_message) == ("ok", None)


def _processes() -> int:
    return sum(path.name.isdigit() for path in Path("/proc").iterdir())


CONFINE = Path(confine.__file__)
IDENTITY = "id -u; id -g; grep CapEff /proc/self/status; ls /proc | grep -c '^[0-9]'; touch /x 2>&1"
SYSTEM = ("/usr", "/bin", "/lib", "/lib64")


@pytest.mark.parametrize(
    "become",
    [
        ("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"),
        ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"),
        (),
    ],
    ids=["a normal user", "root of a container", "root"],
)
def test_whoever_makes_the_sandbox_is_lambda_s_user_in_it(become: tuple[str, ...]) -> None:
    """The script alone: any Python of the system can run it, so other users can, too."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if os.geteuid() != 0 or python is None or not shutil.which("setpriv"):
        pytest.skip("needs root, a Python in /usr, and setpriv of util-linux")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        script = folder / CONFINE.name
        script.write_bytes(CONFINE.read_bytes())
        (folder / "room").mkdir()
        links = [("link", path, str(Path(path).readlink())) for path in SYSTEM if Path(path).is_symlink()]
        shown = [("read", path, path) for path in SYSTEM if Path(path).is_dir() and not Path(path).is_symlink()]
        plan = {
            "root": str(folder / "room"),
            "mounts": [*links, *shown],
            "command": ["/bin/sh", "-c", IDENTITY],
            "environment": {"PATH": "/usr/bin:/bin"},
            "folder": "/",
            "user": [993, 990],
            "limits": {},
            "cgroups": [],
        }
        command = [*become, python, "-I", "-S", str(script), "2"]
        done = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, check=False)
    if "make a user namespace" in done.stderr:
        pytest.skip(f"this kernel gives normal users no namespaces: {done.stderr}")
    lines = done.stdout.splitlines()
    assert lines[:3] == ["993", "990", "CapEff:\t0000000000000000"]
    assert int(lines[3]) <= 5
    assert "Read-only file system" in lines[4]
    assert done.stderr.strip() == "ended 256"
