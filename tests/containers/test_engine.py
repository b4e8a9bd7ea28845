"""Images in the container engine of this machine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdapack.artifact import ImageTree, open_tree
from lambdapack.containers import Engine, connect_engine
from lambdapack.errors import MissingRequirement, UnreadableArtifact
from tests.recipes.archive import Member
from tests.recipes.image import Image, tar, write_image

HANDLER = b"def lambda_handler(event, context):\n    return {}\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        with connect_engine() as engine:
            yield engine
    except MissingRequirement as error:
        pytest.skip(f"needs a container engine: {error}; {error.hint}")


@pytest.fixture
def image(engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The name of a small image that the engine has for the time of a test."""
    name = f"lambdapack-test-{uuid.uuid4().hex}:1"
    layers = [tar([Member("var/task/handler.py", HANDLER)])]
    write_image(tmp_path / "image.tar", Image(layers, command=("handler.lambda_handler",), name=name), "docker-archive")
    with (tmp_path / "image.tar").open("rb") as archive:
        engine.client.images.load(archive)
    yield name
    engine.client.images.remove(name, force=True)


@pytest.mark.parametrize("prefix", ["docker-daemon:", ""])
def test_an_image_is_read_by_its_name(image: str, prefix: str) -> None:
    with open_tree(f"{prefix}{image}") as tree:
        assert isinstance(tree, ImageTree)
        assert tree.read_bytes(tree.by_path["var/task/handler.py"]) == HANDLER
        assert tree.config.command == ("handler.lambda_handler",)
        assert tree.origin == f"docker-daemon:{image}"


def test_the_saved_file_is_removed(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    with open_tree(f"docker-daemon:{image}"):
        assert len(list((tmp_path / "t").rglob("image.tar"))) == 1
    assert list((tmp_path / "t").iterdir()) == []


def test_a_path_wins_over_an_image(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / image).mkdir()
    (tmp_path / image / "a.txt").write_bytes(b"1")
    with open_tree(image) as tree:
        assert [entry.path for entry in tree.entries()] == ["a.txt"]


@pytest.mark.usefixtures("engine")
def test_an_image_that_is_not_there() -> None:
    name = f"lambdapack-test-{uuid.uuid4().hex}"
    with pytest.raises(MissingRequirement) as asked:
        open_tree(f"docker-daemon:{name}")
    assert f"docker://{name}" in str(asked.value.hint)
    with pytest.raises(UnreadableArtifact, match="no such file or folder") as bare:
        open_tree(name)
    assert f"docker://{name}" in str(bare.value.hint)


class TestWhichEngine:
    """Docker's own settings say which engine is meant; none of these answers."""

    @pytest.fixture(autouse=True)
    def settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (tmp_path / "config.json").write_text("{}")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
            monkeypatch.delenv(variable, raising=False)
        return tmp_path

    def make_context(self, name: str, host: str) -> None:
        from docker.context import ContextAPI

        ContextAPI.create_context(name, host=host)

    def test_docker_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
        with pytest.raises(MissingRequirement, match=r"tcp://127\.0\.0\.1:9"), connect_engine():
            pass

    def test_a_named_context(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.make_context("far", "tcp://127.0.0.1:8")
        monkeypatch.setenv("DOCKER_CONTEXT", "far")
        with pytest.raises(MissingRequirement, match=r"127\.0\.0\.1:8 \(docker context far\)"), connect_engine():
            pass

    def test_the_current_context(self, settings: Path) -> None:
        self.make_context("used", "tcp://127.0.0.1:7")
        (settings / "config.json").write_text('{"currentContext": "used"}')
        with pytest.raises(MissingRequirement, match=r"127\.0\.0\.1:7 "), connect_engine():
            pass

    def test_docker_host_wins_over_a_context(self, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.make_context("used", "tcp://127.0.0.1:7")
        monkeypatch.setenv("DOCKER_CONTEXT", "used")
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
        with pytest.raises(MissingRequirement, match=r"tcp://127\.0\.0\.1:9"), connect_engine():
            pass

    def test_a_context_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
        with pytest.raises(MissingRequirement, match="nowhere"), connect_engine():
            pass

    def test_a_bare_name_without_an_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
        with pytest.raises(UnreadableArtifact, match="no such file or folder"):
            open_tree("team/app:1")
