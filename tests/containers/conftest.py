"""What tests with containers need: an engine and an image of each runtime, the official one or the stand-in.

Where they are missing, tests are skipped and say how to get them; with LAMBDAPACK_REQUIRE_CONTAINERS set, as in CI,
they fail instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from images.standin.build import RECIPE_LABEL, SUITES, image_name, recipe_digest
from lambdapack.artifact import open_tree
from lambdapack.containers.engine import Engine, connect_engine
from lambdapack.containers.images import find_image
from lambdapack.containers.running import LABEL
from lambdapack.errors import MissingRequirement
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import AttemptRequest
from lambdapack.importtest.docker import DockerBackend
from lambdapack.profiles import load_profile

REQUIRED = bool(os.environ.get("LAMBDAPACK_REQUIRE_CONTAINERS"))
RUNTIMES = tuple(SUITES)
MEGABYTE = 1 << 20

Try = Callable[..., ImportAttempt]

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it where containers are required."""
    if REQUIRED:
        pytest.fail(f"containers are required here, but {what}")
    pytest.skip(what)


def lambdapack(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program, as a user runs it."""
    command = [sys.executable, "-m", "lambdapack", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails what any test or fixture here skips, where containers are required."""
    report = yield
    if REQUIRED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where containers are required: {report.longrepr}"
    return report


@pytest.fixture
def engine() -> Iterator[Engine]:
    try:
        with connect_engine() as connected:
            yield connected
    except MissingRequirement as error:
        missing(f"{error}: {error.hint}")


@pytest.fixture
def image_of(engine: Engine) -> Callable[[str], str]:
    """Gives the name of the image of a runtime: the official one where the engine has it, or else the stand-in."""

    def get(runtime: str, architecture: str = "x86_64") -> str:
        profile = load_profile(runtime, architecture)
        if find_image(engine, profile.image, architecture) is not None:
            return profile.image
        name = image_name(profile)
        version = runtime.removeprefix("python")
        build = f"python -m images.standin {version} --load"
        found = find_image(engine, name, architecture)
        if found is None:
            missing(f"the engine has neither {profile.image} nor {name}: {build}")
        if found.labels.get(RECIPE_LABEL) != recipe_digest(profile):
            missing(f"{name} was built from another recipe: {build}")
        return name

    return get


@pytest.fixture
def attempt(image_of: Callable[[str], str], tmp_path: Path) -> Try:
    """Imports `handler.lambda_handler` from the given files in a container, under small limits."""

    def run(files: dict[str, str | bytes], runtime: str = "python3.13", *, seconds: float = 20.0) -> ImportAttempt:
        for name, content in files.items():
            path = tmp_path / "function" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            path.chmod(0o644)
        with open_tree(tmp_path / "function") as tree:
            request = AttemptRequest(
                mounts={"/var/task": (tree,)},
                profile=load_profile(runtime, "x86_64"),
                handler="handler.lambda_handler",
                time_limit=seconds,
                memory_limit=256 * MEGABYTE,
            )
            return DockerBackend(image_of(runtime)).attempt(request)

    return run


@pytest.fixture
def left_behind(engine: Engine) -> Callable[[], list[str]]:
    """Gives the containers of import tests that are there, whatever their state."""

    def find() -> list[str]:
        found = engine.client.api.containers(all=True, filters={"label": LABEL})
        return [f"{item['Id'][:12]} {item['State']}" for item in found]

    return find


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Host and port of an empty registry."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        missing("there is no registry of CNCF distribution: apt-get install docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(CONFIG.format(folder=tmp_path / "registry", port=port))
    process = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
