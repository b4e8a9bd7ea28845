"""Nothing is left in the engine, however the program ends; and the engine may be anywhere."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lambdapack.artifact import open_tree
from lambdapack.containers.engine import Engine
from lambdapack.importtest import AttemptRequest
from lambdapack.importtest.docker import DockerBackend
from lambdapack.profiles import load_profile
from tests.containers.conftest import Try

ROOT = Path(__file__).parents[2]

# What `lambdapack test` does, without the rest.
SCRIPT = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
from pathlib import Path
from lambdapack.artifact import open_tree
from lambdapack.importtest import AttemptRequest
from lambdapack.importtest.docker import DockerBackend
from lambdapack.profiles import load_profile
profile = load_profile("python3.13", "x86_64")
request = AttemptRequest({"/var/task": (open_tree(Path(sys.argv[2])),)}, profile, "handler.h")
DockerBackend(sys.argv[1]).attempt(request)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_interrupted_test_leaves_no_container(
    number: signal.Signals,
    image_of: Callable[[str], str],
    left_behind: Callable[[], list[str]],
    engine: Engine,
    tmp_path: Path,
) -> None:
    (tmp_path / "handler.py").write_text("import time\ntime.sleep(60)\n", encoding="ascii")
    volumes = len(engine.client.api.volumes()["Volumes"] or ())
    before = set(left_behind())
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, image_of("python3.13"), tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert _within(20, lambda: bool(set(left_behind()) - before))
        time.sleep(0.3)
    finally:
        process.send_signal(number)
        process.wait(20)
    assert _within(10, lambda: not set(left_behind()) - before)
    assert _within(10, lambda: len(engine.client.api.volumes()["Volumes"] or ()) <= volumes)


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def tcp_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The engine as a remote one: over TCP, where nothing of this machine's file system can be named."""
    path = engine.address.removeprefix("unix://")
    if not engine.address.startswith("unix://"):
        pytest.skip("the engine is a remote one already")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    near, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_relay, args=(near, path), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", address)
        yield address


def _relay(near: socket.socket, path: str) -> None:
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(path)
        back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
        back.start()
        _pass_on(near, far)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("backend", ["docker"], indirect=True)
def test_the_engine_may_be_on_another_machine(tcp_engine: str, attempt: Try) -> None:
    found = attempt({"handler.py": "import helper\ndef lambda_handler(event, context): pass\n", "helper.py": ""})
    assert found.status == "ok"
    assert found.facts["image"]
    assert tcp_engine == os.environ["DOCKER_HOST"]


def test_without_an_engine_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    (tmp_path / "handler.py").write_text("", encoding="ascii")
    profile = load_profile("python3.13", "x86_64")
    with open_tree(tmp_path) as tree, warnings.catch_warnings():
        # The SDK forgets to close the socket that could not be connected.
        warnings.simplefilter("ignore", ResourceWarning)
        found = DockerBackend().attempt(AttemptRequest({"/var/task": (tree,)}, profile, "handler.h"))
        gc.collect()
    assert found.status == "not-run"
    assert found.reason is not None
    assert "none.sock" in found.reason
    assert found.remedy
