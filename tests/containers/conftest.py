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
from lambdapack.builder import WheelStore, fetch_runtime_packages
from lambdapack.containers.engine import Engine, connect_engine
from lambdapack.containers.images import find_image
from lambdapack.containers.running import LABEL
from lambdapack.errors import MissingRequirement
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import AttemptRequest, Backend, LocalBackend, Unavailable, unpack_wheels
from lambdapack.importtest.docker import DockerBackend
from lambdapack.importtest.rootfs import RootfsBackend
from lambdapack.importtest.sandbox import sandbox_trouble
from lambdapack.profiles import RuntimeProfile, load_profile
from lambdapack.settings import cache_folder

REQUIRED = bool(os.environ.get("LAMBDAPACK_REQUIRE_CONTAINERS"))
RUNTIMES = tuple(SUITES)
MEGABYTE = 1 << 20

REGISTRY_CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""

Try = Callable[..., ImportAttempt]


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what the local backend would do with an interpreter that this machine has not."""
    left_out = []
    for item in items:
        chosen = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        runtime = chosen.get("runtime")
        if chosen.get("backend") == "local" and runtime is not None:
            local = LocalBackend().interpreter(load_profile(str(runtime), "x86_64"), downloads=False)
            left_out += [item] if isinstance(local, Unavailable) else []
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


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


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of an empty registry on loopback, as it is run everywhere (CNCF distribution)."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        missing("there is no registry of CNCF distribution: apt-get install docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "registry.yml"
    config.write_text(REGISTRY_CONFIG.format(folder=folder / "data", port=port))
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


@pytest.fixture(scope="session")
def served(registry: str) -> Callable[[str], str]:
    """Pushes an image of the engine into the registry, once, and returns its name there."""
    names: dict[str, str] = {}

    def get(image: str) -> str:
        if image not in names:
            name = f"{registry}/served/{len(names)}"
            with connect_engine() as connected:
                api = connected.client.api
                api.tag(image, name, "1")
                try:
                    answers = list(api.push(f"{name}:1", stream=True, decode=True))
                finally:
                    api.remove_image(f"{name}:1")
            assert not [answer for answer in answers if "error" in answer], answers
            names[image] = f"{name}:1"
        return names[image]

    return get


@pytest.fixture(scope="session")
def runtime_packages() -> Callable[[RuntimeProfile], Path]:
    """What the runtime has beside the standard library, for the local backend: unpacked below the user's cache."""

    def get(profile: RuntimeProfile) -> Path:
        names = sorted(item.name for item in profile.preinstalled if item.certain)
        wheels = fetch_runtime_packages(names, profile, WheelStore())
        if wheels is None:
            missing("awslambdaric and boto3 cannot be had from the package index")
        return unpack_wheels(wheels, cache_folder() / "runtime-packages")

    return get


@pytest.fixture(params=["docker", "rootfs", "local"])
def backend(request: pytest.FixtureRequest) -> str:
    """Every backend: what a test asserts holds for each."""
    name: str = request.param
    if name != "docker" and sandbox_trouble() is not None:
        missing(f"no sandbox can be made: {sandbox_trouble()}")
    return name


@pytest.fixture
def attempt(
    backend: str,
    image_of: Callable[[str], str],
    runtime_packages: Callable[[RuntimeProfile], Path],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Try:
    """Imports `handler.lambda_handler` from the given files in a backend, under small limits."""

    def ready(runtime: str) -> tuple[Backend, Path | None]:
        profile = load_profile(runtime, "x86_64")
        if backend == "docker":
            return DockerBackend(image_of(runtime)), None
        if backend == "rootfs":
            return RootfsBackend(request.getfixturevalue("served")(image_of(runtime))), None
        return LocalBackend(require_sandbox=True), runtime_packages(profile)

    def run(files: dict[str, str | bytes], runtime: str = "python3.13", *, seconds: float = 20.0) -> ImportAttempt:
        for name, content in files.items():
            path = tmp_path / "function" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            path.chmod(0o644)
        chosen, packages = ready(runtime)
        with open_tree(tmp_path / "function") as tree:
            asked = AttemptRequest(
                mounts={"/var/task": (tree,)},
                profile=load_profile(runtime, "x86_64"),
                handler="handler.lambda_handler",
                runtime_packages=packages,
                time_limit=seconds,
                memory_limit=256 * MEGABYTE,
                no_python_downloads=True,
            )
            return chosen.attempt(asked)

    return run


@pytest.fixture
def left_behind(engine: Engine) -> Callable[[], list[str]]:
    """Gives the containers of import tests that are there, whatever their state."""

    def find() -> list[str]:
        found = engine.client.api.containers(all=True, filters={"label": LABEL})
        return [f"{item['Id'][:12]} {item['State']}" for item in found]

    return find
