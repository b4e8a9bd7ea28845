"""Runs one command in a container that files are put into before and fetched from afterwards, and makes images for it.

The container has no network and no privileges. Files go in and out through the engine's own connection: the engine may
be on another machine. Knows nothing of what is built.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from lambdapack.containers.engine import Engine
from lambdapack.containers.images import MACHINES, EngineImage
from lambdapack.containers.running import CannotRun, explanation
from lambdapack.errors import MissingRequirement
from lambdapack.progress import Progress

LABEL = "lambdapack.build"

_ABANDONED_SECONDS = 2 * 3600


class Workshop:
    """A container that has been made and not started."""

    def __init__(self, engine: Engine, identifier: str) -> None:
        self._api = engine.client.api
        self._identifier = identifier

    def put(self, archive: BinaryIO) -> None:
        """Unpacks a tar archive at the root."""
        with _told("the files cannot be put into the container"):
            self._api.put_archive(self._identifier, "/", archive)

    def run(self, seconds: float) -> int:
        """Starts the command and waits for its end; returns its exit status. Raises `CannotRun` after `seconds`."""
        import requests

        with _told("the container does not start"):
            self._api.start(self._identifier)
        try:
            return int(self._api.wait(self._identifier, timeout=seconds)["StatusCode"])
        except requests.exceptions.Timeout as error:
            raise CannotRun(f"not done after {seconds:.0f} s") from error
        except requests.RequestException as error:
            # A wait that times out while it reads comes as a broken connection.
            raise CannotRun(f"the container engine broke off: {explanation(error)}") from error

    def words(self) -> str:
        """What the command has printed."""
        with _told("the container's output cannot be read"):
            return bytes(self._api.logs(self._identifier)).decode("utf-8", "replace")

    def fetch(self, path: str) -> dict[str, bytes] | None:
        """Returns the files at a path by their names, without folders; None when there is nothing at it."""
        import docker.errors

        try:
            with _told("the files cannot be fetched from the container"):
                stream, _ = self._api.get_archive(self._identifier, path)
                archive = io.BytesIO(b"".join(stream))
        except CannotRun as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise
        found: dict[str, bytes] = {}
        with tarfile.open(fileobj=archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    found[member.name.rpartition("/")[2]] = file.read()
        return found


@contextmanager
def workshop(
    engine: Engine, image: EngineImage, command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Workshop]:
    """Makes a container and takes it away afterwards, whatever it does. Raises `CannotRun` with the engine's words."""
    import docker.errors
    import requests

    trouble = (docker.errors.DockerException, requests.RequestException)
    _remove_abandoned(engine)
    api = engine.client.api
    with _told(f"{image.name}: no container can be made"):
        host = api.create_host_config(network_mode="none", cap_drop=["ALL"], security_opt=["no-new-privileges"])
        identifier = api.create_container(
            image.identifier,
            entrypoint=list(command),
            command=[],
            user="0:0",
            environment=dict(environment),
            network_disabled=True,
            host_config=host,
            labels={LABEL: "1"},
        )["Id"]
    try:
        yield Workshop(engine, identifier)
    finally:
        with contextlib.suppress(*trouble):
            api.remove_container(identifier, v=True, force=True)


def make_image(
    engine: Engine, dockerfile: str, tag: str, architecture: str, arguments: Mapping[str, str], progress: Progress
) -> None:
    """Builds an image from the text of a Dockerfile. Raises `MissingRequirement` with the engine's words."""
    import docker.errors
    import requests

    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile.encode())
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
    context.seek(0)
    last = ""
    try:
        for step in engine.client.api.build(
            fileobj=context,
            custom_context=True,
            tag=tag,
            platform=f"linux/{MACHINES[architecture]}",
            buildargs=dict(arguments),
            rm=True,
            forcerm=True,
            decode=True,
        ):
            if "error" in step:
                words = " ".join(str(step["error"]).split())
                raise MissingRequirement(f"{tag}: cannot be made: {words}{f' ({last})' if last else ''}")
            if line := str(step.get("stream", "")).strip():
                last = line.splitlines()[-1]
                progress(f"making {tag}: {last}")
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise MissingRequirement(f"{tag}: cannot be made: {explanation(error)}") from error


def _remove_abandoned(engine: Engine) -> None:
    """Removes the containers that killed builds have left; no build takes as long."""
    import docker.errors
    import requests

    trouble = (docker.errors.DockerException, requests.RequestException)
    with contextlib.suppress(*trouble):
        for found in engine.client.api.containers(all=True, filters={"label": LABEL}):
            if time.time() - found["Created"] > _ABANDONED_SECONDS:
                with contextlib.suppress(*trouble):
                    engine.client.api.remove_container(found["Id"], v=True, force=True)


@contextmanager
def _told(what: str) -> Iterator[None]:
    import docker.errors
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise CannotRun(f"{what}: {explanation(error)}") from error
