"""What a handler can do to the test itself: print, close, hang, grow, fork, leave something behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import Unavailable
from lambdapack.importtest.answers import read_answers
from lambdapack.importtest.process import KEPT_OUTPUT, exit_words

Try = Callable[..., ImportAttempt]

GOOD = "def f(event, context): return event\n"
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="resident memory is watched on Linux only")


def test_an_answer_needs_the_nonce() -> None:
    real = '\0abc\0{"event": "failed"}\0abc\0'
    forged = '{"event": "loaded"}\0xyz\0{"event": "loaded"}\0xyz\0'
    assert read_answers(forged + real + forged, "abc") == [{"event": "failed"}]


def test_garbage_on_every_descriptor_is_no_answer(attempt: Try) -> None:
    code = """
        import os
        for number in range(1, 64):
            try:
                os.write(number, b'\\0garbage\\0{"event": "loaded"}\\0garbage\\0' * 99)
            except OSError:
                pass
        raise ValueError("seen")
    """
    seen = attempt({"handler.py": textwrap.dedent(code)})
    assert (seen.status, seen.error_type, seen.error_message) == ("failed", "ValueError", "seen")


def test_an_answer_of_the_handler_s_own_does_not_count(attempt: Try) -> None:
    code = """
        import os
        print('{"event": "loaded"}')
        for number in range(3, 64):
            try:
                os.write(number, b'{"event": "loaded"}')
            except OSError:
                pass
        os._exit(0)
    """
    seen = attempt({"handler.py": textwrap.dedent(code)})
    assert (seen.status, seen.error_message) == ("failed", "Runtime exited without providing a reason")


@pytest.mark.parametrize("reopen", [False, True])
def test_closed_descriptors_do_not_silence_the_probe(attempt: Try, reopen: bool) -> None:
    code = "import os\nprint('before', flush=True)\nos.closerange(0, 256)\n"
    if reopen:
        code += "files = [open('/dev/null', 'r+') for _ in range(64)]\n"
    seen = attempt({"handler.py": code + GOOD})
    assert seen.status == "ok"
    assert seen.output == "before\n"
    seen = attempt({"handler.py": code + "import nothing_here\n"})
    assert seen.error_type == "Runtime.ImportModuleError"


def test_an_endless_import_is_stopped_and_tells_where_it_hangs(attempt: Try) -> None:
    started = time.monotonic()
    seen = attempt({"handler.py": "import slow\n", "slow.py": "while True:\n    pass\n"}, time_limit=2)
    assert time.monotonic() - started < 10
    assert (seen.status, seen.error_type) == ("failed", "Sandbox.Timedout")
    assert seen.error_message == "Task timed out after 2.00 seconds"
    assert '"/var/task/slow.py", line' in (seen.traceback or "")


def test_signals_cannot_hold_off_the_end(attempt: Try) -> None:
    code = "import signal, time\nfor n in (6, 15, 2):\n    signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)\n"
    started = time.monotonic()
    seen = attempt({"handler.py": code}, time_limit=1)
    assert time.monotonic() - started < 10
    assert seen.error_type == "Sandbox.Timedout"


@ON_LINUX
def test_a_memory_hog_is_killed_in_lambda_s_words(attempt: Try) -> None:
    code = "kept = []\nwhile True:\n    kept.append(bytearray(4 * 1024 * 1024))\n"
    seen = attempt({"handler.py": code}, memory_limit=200 * 1024 * 1024)
    assert (seen.error_type, seen.error_message) == (
        "Runtime.ExitError",
        "Runtime exited with error: signal: killed",
    )
    assert "200 MB" in seen.facts["memory_limit"]


@ON_LINUX
def test_memory_of_child_processes_counts(attempt: Try) -> None:
    code = """
        import subprocess, sys
        subprocess.run([sys.executable, "-c", "import time; kept = bytearray(b'x' * 300_000_000); time.sleep(60)"])
    """
    seen = attempt({"handler.py": textwrap.dedent(code)}, memory_limit=200 * 1024 * 1024, time_limit=30)
    assert seen.error_message == "Runtime exited with error: signal: killed"


@ON_LINUX
def test_reserving_address_space_is_not_using_memory(attempt: Try) -> None:
    code = "import mmap\nreserved = mmap.mmap(-1, 8 * 1024**3)\n" + GOOD
    assert attempt({"handler.py": code}, memory_limit=200 * 1024 * 1024).status == "ok"


def test_children_end_with_the_attempt(attempt: Try, tmp_path: Path, no_sandbox: Unavailable) -> None:
    note = tmp_path / "pid"
    code = f"""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(note)!r}, "w").write(str(child.pid))
    """
    started = time.monotonic()
    assert attempt({"handler.py": textwrap.dedent(code) + GOOD}).status == "ok"
    assert time.monotonic() - started < 20
    pid = int(note.read_text())
    for _ in range(100):
        if not _runs(pid):
            return
        time.sleep(0.05)
    pytest.fail("the child is still there")


def test_a_forked_copy_says_nothing(attempt: Try) -> None:
    code = "import os\nif os.fork() == 0:\n    raise ValueError('the child')\nos.wait()\n" + GOOD
    assert attempt({"handler.py": code}).status == "ok"


def test_threads_and_exit_hooks_do_not_hold_the_test_up(attempt: Try) -> None:
    code = "import atexit, threading, time\natexit.register(time.sleep, 60)\n"
    code += "threading.Thread(target=time.sleep, args=(60,)).start()\n" + GOOD
    started = time.monotonic()
    assert attempt({"handler.py": code}).status == "ok"
    assert time.monotonic() - started < 20


def test_output_is_kept_within_limits_with_lambda_s_paths(attempt: Try) -> None:
    code = "import sys\nprint(__file__)\nsys.stderr.write('to stderr\\n')\nprint('x' * 3_000_000)\nprint('the end')\n"
    seen = attempt({"handler.py": code + GOOD})
    assert seen.output.startswith("/var/task/handler.py\nto stderr\n")
    assert seen.output.endswith("the end\n")
    assert len(seen.output) <= KEPT_OUTPUT + 65536


def test_nothing_is_left_in_the_temporary_folder(
    attempt: Try, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_sandbox: Unavailable
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    code = "import os, tempfile\nos.makedirs('new/deep')\nopen('new/deep/file', 'w').close()\nos.chmod('new', 0)\n"
    seen = attempt({"handler.py": code + "tempfile.mkstemp()\n" + GOOD})
    assert seen.status == "ok"
    assert list(place.iterdir()) == []


def test_files_written_beside_the_code_are_told(attempt: Try, no_sandbox: Unavailable) -> None:
    seen = attempt({"handler.py": "open('cache.db', 'w').close()\n" + GOOD})
    assert seen.facts["written"] == "/var/task/cache.db"
    assert "written" not in attempt({"handler.py": GOOD}).facts


@ON_LINUX
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
@pytest.mark.parametrize("module", ["handler", "other"])
def test_nothing_runs_on_when_lambdapack_ends(
    tmp_path: Path, newest_minor: int, end: signal.Signals, module: str
) -> None:
    place, source, token = tmp_path / "temporary", tmp_path / "source", f"token-{secrets.token_hex(8)}"
    place.mkdir()
    source.mkdir()
    (source / "handler.py").write_text(GOOD)
    (source / f"{module}.py").write_text(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)', {token!r}])\n"
    )
    script = f"""
        import platform
        from lambdapack.artifact import open_tree
        from lambdapack.importtest import AttemptRequest, LocalBackend
        from lambdapack.profiles import load_profile
        from pathlib import Path
        arch = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
        profile = load_profile("python3.{newest_minor}", arch)
        tree = open_tree(Path({str(source)!r}))
        request = AttemptRequest({{"/var/task": [tree]}}, profile, "handler.f", modules=("other",))
        LocalBackend().attempt(request)
    """
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert _eventually(lambda: bool(_processes(token)))
        process.send_signal(end)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert _eventually(lambda: not _processes(token))
    if end == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
        assert list(place.iterdir()) == []


def test_exit_words_are_those_of_the_emulator() -> None:
    assert exit_words(0) == "Runtime exited without providing a reason"
    assert exit_words(137) == "Runtime exited with error: exit status 137"
    assert exit_words(-11) == "Runtime exited with error: signal: segmentation fault"
    assert exit_words(-60) == "Runtime exited with error: signal: signal 60"


def _runs(pid: int) -> bool:
    """True while a process exists and is no zombie."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state = done.stdout.strip()
    return bool(state) and not state.startswith("Z")


def _processes(token: str) -> list[int]:
    """The running processes that have a word on their command line, also those in namespaces of their own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if token.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(400):
        if holds():
            return True
        time.sleep(0.05)
    return False
