"""What tests with containers need: an engine and an image of each runtime, the official one or the stand-in.

Where they are missing, tests are skipped and say how to get them; with LAMBDAPACK_REQUIRE_CONTAINERS set, as in CI,
they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it where containers are required."""
    if REQUIRED:
        pytest.fail(f"containers are required here, but {what}")
    pytest.skip(what)


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
        build = f"python -m images.standin {version} --output standin.tar && docker load --input standin.tar"
        if find_image(engine, name, architecture) is None:
            missing(f"the engine has neither {profile.image} nor {name}: {build}")
        labels = engine.client.api.inspect_image(name)["Config"].get("Labels") or {}
        if labels.get(RECIPE_LABEL) != recipe_digest(profile):
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
