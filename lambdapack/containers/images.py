"""Images in the engine: finds the one that a name stands for, on one architecture; pulls it when it is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lambdapack.containers.engine import Engine
from lambdapack.containers.reference import parse_reference
from lambdapack.errors import MissingRequirement
from lambdapack.progress import Progress

MACHINES = {"x86_64": "amd64", "arm64": "arm64"}
"""Lambda's spelling to that of Go, which images have."""

_DAEMON = "docker-daemon:"
_ELSEWHERE = re.compile(r"(oci|oci-archive|docker-archive):|docker:[/\\]{1,2}")
_REGISTRY = re.compile(r"docker:[/\\]{1,2}")  # pathlib makes one slash of the two


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image that the engine has. `identifier` is its own (`sha256:…`), `digest` the registry's, if it is from one.
    `environment` and `folder` are what its processes start with; `labels` are its builder's."""

    name: str
    identifier: str
    digest: str | None
    architecture: str
    environment: dict[str, str]
    folder: str
    labels: dict[str, str]


def find_image(engine: Engine, name: str, architecture: str) -> EngineImage | None:
    """Returns the engine's image of this name or ID for `architecture` (`x86_64`, `arm64`), None when it has none."""
    import docker.errors

    try:
        found = engine.client.api.inspect_image(name)
    except docker.errors.ImageNotFound:
        return None
    except docker.errors.APIError as error:
        raise MissingRequirement(f"{name}: the container engine refuses: {error.explanation or error}") from error
    # Engines before 23 answer a request for another platform with the one they have.
    if found.get("Architecture") != MACHINES[architecture]:
        return None
    config = found.get("Config") or {}
    digests = [digest.rpartition("@")[2] for digest in found.get("RepoDigests") or ()]
    return EngineImage(
        name=name,
        identifier=found["Id"],
        digest=digests[0] if digests else None,
        architecture=architecture,
        environment=dict(item.split("=", 1) for item in config.get("Env") or () if "=" in item),
        folder=config.get("WorkingDir") or "/",
        labels=dict(config.get("Labels") or {}),
    )


@contextmanager
def artifact_image(
    engine: Engine,
    origin: str,
    identifier: str,
    architecture: str,
    progress: Progress,
    archive: Callable[[], Iterable[bytes]],
) -> Iterator[EngineImage]:
    """Gives the engine's copy of an image that was opened elsewhere: `docker-daemon:NAME`, `docker://NAME`, or a file
    or folder. `identifier` is its ID (`sha256:…`), `archive` gives it as `docker load` takes it. A copy that was loaded
    for this goes afterwards.

    Raises `MissingRequirement` where the engine cannot have it.
    """
    registry = _REGISTRY.match(origin)
    # An engine with the newer store knows images by another ID than that of their configuration.
    for known in (identifier, *_names_in_engine(origin)):
        found = find_image(engine, known, architecture)
        if found is not None:
            yield found
            return
    if registry is not None:
        yield pull_into_engine(engine, origin[registry.end() :], architecture, progress)
        return
    progress(f"loading {origin} into the container engine")
    loaded = _load(engine, origin, archive())
    try:
        found = find_image(engine, loaded, architecture)
        if found is None:
            raise MissingRequirement(f"{origin}: has no image for {architecture}")
        yield found
    finally:
        _remove(engine, loaded)


def _names_in_engine(origin: str) -> tuple[str, ...]:
    """The name that an engine knows an image by, if it is from there: said, or told by there being no such file."""
    if origin.startswith(_DAEMON):
        return (origin.removeprefix(_DAEMON),)
    return () if _ELSEWHERE.match(origin) or Path(origin).exists() else (origin,)


def load_image(engine: Engine, archive: Path, name: str) -> None:
    """Gives the engine an image that was built here, under its name. Raises `MissingRequirement`."""
    import docker.errors

    with archive.open("rb") as file:
        identifier = _load(engine, str(archive), file)
    repository, _, tag = name.rpartition(":")
    try:
        engine.client.api.tag(identifier, repository, tag)
    except docker.errors.DockerException as error:
        raise MissingRequirement(f"{name}: the container engine gives it no name: {error}") from error


def _load(engine: Engine, origin: str, archive: Iterable[bytes]) -> str:
    import docker.errors
    import requests

    try:
        return str(engine.client.images.load(archive)[0].id)
    except (docker.errors.DockerException, requests.RequestException, IndexError) as error:
        raise MissingRequirement(f"{origin}: the container engine cannot load it: {error}") from error


def _remove(engine: Engine, identifier: str) -> None:
    import docker.errors
    import requests

    with suppress(docker.errors.DockerException, requests.RequestException):
        engine.client.api.remove_image(identifier, force=True)


def pull_into_engine(engine: Engine, name: str, architecture: str, progress: Progress) -> EngineImage:
    """Lets the engine pull an image. Raises `MissingRequirement`, with the engine's words, when it cannot be had."""
    import docker.errors
    import requests

    reference = parse_reference(name)
    repository = f"{reference.registry}/{reference.repository}"
    wanted = reference.digest or reference.tag or "latest"
    progress(f"pulling {name} for {architecture}")
    try:
        platform = f"linux/{MACHINES[architecture]}"
        for step in engine.client.api.pull(repository, tag=wanted, platform=platform, stream=True, decode=True):
            if "error" in step:
                raise _not_pulled(name, step["error"])
            if step.get("id") and step.get("progress"):
                progress(f"pulling {name}: {step['id']} {step['progress']}")
    except docker.errors.DockerException as error:
        raise _not_pulled(name, getattr(error, "explanation", None) or str(error)) from error
    except requests.RequestException as error:
        raise MissingRequirement(f"{name}: the container engine broke off: {error}") from error
    found = find_image(engine, name, architecture)
    if found is None:
        raise MissingRequirement(f"{name}: has no image for {architecture}")
    return found


def _not_pulled(name: str, words: str) -> MissingRequirement:
    return MissingRequirement(
        f"{name}: the container engine cannot pull it: {words}",
        hint="see the network and `docker login`, or name an image that the engine has",
    )
