"""`--backend auto` where neither an engine nor a registry answers: it waits for them once, not each time."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdapack.importtest.sandbox import sandbox_trouble
from lambdapack.workflows.refusals import FOLDER

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sandbox_trouble() is not None, reason=f"needs a sandbox: {sandbox_trouble()}"
)


class DeafRegistry:
    """Takes connections on loopback, counts them, and hangs up."""

    def __init__(self) -> None:
        self.asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            client.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def registry() -> Iterator[DeafRegistry]:
    made = DeafRegistry()
    yield made
    made.close()


def test_what_was_out_of_reach_is_not_asked_again_soon(
    lambdapack: Callable[..., Any], registry: DeafRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "function").mkdir()
    (tmp_path / "function/handler.py").write_text("def handle(event, context): pass\n", "ascii")

    def run(*options: str) -> Any:
        image = f"{registry.host}/lambda/python:3.13"
        given = ("--runtime", "python3.13", "--handler", "handler.handle", "--image", image, *options)
        return lambdapack("test", tmp_path / "function", *given)

    first = run()
    assert first.status == 4
    asked = registry.asked
    assert asked > 0
    again = run()
    assert (again.status, registry.asked) == (4, asked)
    assert "cannot be reached" in again.err
    assert run("--backend", "rootfs").status == 4
    assert registry.asked > asked  # who names the backend is not told of earlier
    asked = registry.asked
    for kept in (tmp_path / "cache" / FOLDER).iterdir():
        os.utime(kept, (time.time() - 3600, time.time() - 3600))
    run()
    assert registry.asked > asked
