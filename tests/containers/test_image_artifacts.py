"""An image as the artifact, in every form that it comes in, through the backends that run it as it is."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.containers import parse_reference, pull_image
from lambdapack.containers.engine import Engine
from lambdapack.progress import silent
from tests.containers.conftest import lambdapack

MESSAGE = "Unable to import module 'app': No module named 'helper'"


@pytest.fixture
def forms(engine: Engine, image_of: Callable[[str], str], registry: str, tmp_path: Path) -> dict[str, str]:
    """A broken image, built by the engine and only in the registry and in files: the name of each form."""
    api = engine.client.api
    context = tmp_path / "context"
    context.mkdir()
    (context / "app.py").write_text("import helper\ndef handle(event, context): pass\n", encoding="ascii")
    (context / "Dockerfile").write_text(
        f'FROM {image_of("python3.13")}\nCOPY app.py /var/task/\nCMD ["app.handle"]\n', encoding="ascii"
    )
    name = f"{registry}/team/{tmp_path.name.lower()}"
    steps = list(api.build(path=str(context), tag=f"{name}:1", decode=True, rm=True, forcerm=True))
    assert any("Successfully" in str(step.get("stream")) for step in steps), steps
    try:
        engine.save_image(f"{name}:1", tmp_path / "saved.tar")
        pushed = list(api.push(f"{name}:1", stream=True, decode=True))
        assert not any("error" in step for step in pushed), pushed
    finally:
        api.remove_image(f"{name}:1")
    layout = pull_image(parse_reference(f"{name}:1"), "x86_64", silent, tmp_path / "store")
    with tarfile.open(tmp_path / "layout.tar", "w") as archive:
        for path in layout.iterdir():
            archive.add(path, path.name)
    return {
        "registry": f"docker://{name}:1",
        "docker-archive": f"docker-archive:{tmp_path / 'saved.tar'}",
        "oci": f"oci:{layout}",
        "oci-archive": f"oci-archive:{tmp_path / 'layout.tar'}",
    }


@pytest.mark.parametrize("backend", ["docker", "rootfs"])
@pytest.mark.parametrize("form", ["registry", "docker-archive", "oci", "oci-archive"])
def test_every_form_of_an_image_is_tested(form: str, backend: str, forms: dict[str, str], engine: Engine) -> None:
    api = engine.client.api
    before = {image["Id"] for image in api.images(all=True)}
    done = lambdapack("test", forms[form], "--backend", backend, "--format", "json")
    assert done.returncode == 1, done.stderr
    tested = json.loads(done.stdout)["import_test"]
    assert (tested["backend"], tested["error_message"]) == (backend, MESSAGE)
    left = {image["Id"] for image in api.images(all=True)} - before
    if form == "registry":  # a pulled image stays, as everywhere
        for identifier in left:
            api.remove_image(identifier, force=True)
    else:
        assert left == set()


def test_a_loaded_copy_takes_no_name_from_the_engine(
    forms: dict[str, str], engine: Engine, image_of: Callable[[str], str]
) -> None:
    api = engine.client.api
    name = forms["registry"].removeprefix("docker://")
    api.tag(image_of("python3.13"), name.rpartition(":")[0], "1")
    try:
        meant = api.inspect_image(name)["Id"]
        assert lambdapack("test", forms["docker-archive"], "--backend", "docker").returncode == 1
        assert api.inspect_image(name)["Id"] == meant
    finally:
        api.remove_image(name)
