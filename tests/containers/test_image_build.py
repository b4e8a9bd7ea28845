"""Images that are built here: on the runtime's image out of a registry, run by the engine, pushed, pulled, tested."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lambdapack.containers.engine import Engine
from lambdapack.containers.images import find_image
from tests.containers.conftest import lambdapack

CONFIGURATION = """
[functions.api]
handler = "app.handler"
runtime = "python3.13"
source = ["src"]
requirements = ["six"]
package = "image"
base = "{base}"
image = "{image}"
"""


@pytest.fixture
def project(
    tmp_path: Path, registry: str, served: Callable[[str], str], image_of: Callable[[str], str], engine: Engine
) -> Iterator[tuple[Path, str]]:
    """A function, and the name of its image in the registry."""
    name = f"{registry}/team/api:1"
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("import six\n\n\ndef handler(event, context):\n    return six.__name__\n")
    (tmp_path / "lambdapack.toml").write_text(CONFIGURATION.format(base=served(image_of("python3.13")), image=name))
    yield tmp_path, name
    if find_image(engine, name, "x86_64") is not None:
        engine.client.api.remove_image(name, force=True)


def test_built_pushed_and_run(project: tuple[Path, str], engine: Engine) -> None:
    folder, name = project
    run = lambdapack("build", "--config", folder / "lambdapack.toml", "--push", "--format", "json")
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    loaded = find_image(engine, name, "x86_64")
    assert loaded is not None
    assert loaded.identifier == f"sha256:{report['artifact']['sha256']}"
    (told,) = report["told"]
    assert "pushed as" in told
    for artifact in (folder / "dist" / "api.tar", f"docker://{name}", name):
        read = lambdapack("inspect", artifact, "--format", "json")
        assert read.returncode == 0, read.stdout + read.stderr
        assert json.loads(read.stdout)["artifact"]["sha256"] == report["artifact"]["sha256"]
    tested = lambdapack("test", name, "--backend", "docker", "--format", "json")
    assert json.loads(tested.stdout)["import_test"]["status"] == "ok", tested.stdout
    (event := folder / "event.json").write_text("{}")
    invoked = lambdapack("invoke", f"docker://{name}", "--backend", "docker", "--event", event)
    assert invoked.returncode == 0, invoked.stdout + invoked.stderr
    assert '"six"' in invoked.stdout


def test_an_engine_is_not_needed(project: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, name = project
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/no.sock")
    run = lambdapack("build", "--config", folder / "lambdapack.toml", "--push", "--format", "json")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "not in a container engine" in json.loads(run.stdout)["told"][0]
    assert lambdapack("inspect", f"docker://{name}").returncode == 0


def test_nothing_is_built_that_could_not_be_pushed(project: tuple[Path, str]) -> None:
    folder, name = project
    settings = folder / "lambdapack.toml"
    settings.write_text(settings.read_text().replace(name, "api:1"))
    run = lambdapack("build", "--config", settings, "--push")
    assert run.returncode == 2
    assert "names no registry" in run.stderr
    assert not (folder / "dist").exists()
