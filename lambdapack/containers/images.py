"""Images in the engine: finds the one that a name stands for, on one architecture; pulls it when it is not there."""

from __future__ import annotations

from dataclasses import dataclass

from lambdapack.containers.engine import Engine
from lambdapack.containers.reference import parse_reference
from lambdapack.errors import MissingRequirement
from lambdapack.progress import Progress

# Lambda's spelling to that of Go, which images have.
_MACHINES = {"x86_64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image that the engine has. `identifier` is its own (`sha256:…`), `digest` the registry's, if it is from one.
    `environment` and `folder` are what its processes start with."""

    name: str
    identifier: str
    digest: str | None
    architecture: str
    environment: dict[str, str]
    folder: str


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
    if found.get("Architecture") != _MACHINES[architecture]:
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
    )


def pull_into_engine(engine: Engine, name: str, architecture: str, progress: Progress) -> EngineImage:
    """Lets the engine pull an image. Raises `MissingRequirement`, with the engine's words, when it cannot be had."""
    import docker.errors
    import requests

    reference = parse_reference(name)
    repository = f"{reference.registry}/{reference.repository}"
    wanted = reference.digest or reference.tag or "latest"
    progress(f"pulling {name} for {architecture}")
    try:
        platform = f"linux/{_MACHINES[architecture]}"
        for step in engine.client.api.pull(repository, tag=wanted, platform=platform, stream=True, decode=True):
            if "error" in step:
                raise MissingRequirement(f"{name}: the container engine cannot pull it: {step['error']}")
            if step.get("id") and step.get("progress"):
                progress(f"pulling {name}: {step['id']} {step['progress']}")
    except docker.errors.DockerException as error:
        words = getattr(error, "explanation", None) or str(error)
        raise MissingRequirement(f"{name}: the container engine cannot pull it: {words}") from error
    except requests.RequestException as error:
        raise MissingRequirement(f"{name}: the container engine broke off: {error}") from error
    found = find_image(engine, name, architecture)
    if found is None:
        raise MissingRequirement(f"{name}: has no image for {architecture}")
    return found
