"""Where a container image goes after it was built: into this machine's engine, and into its registry."""

from __future__ import annotations

from lambdapack.builder import BuildResult
from lambdapack.containers import connect_engine
from lambdapack.containers.images import load_image
from lambdapack.containers.push import push_image
from lambdapack.containers.reference import parse_reference
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.progress import Progress


def deliver(result: BuildResult, *, push: bool, progress: Progress) -> str:
    """Loads a built image into the engine, where one answers, and pushes it when that is asked for.

    Returns in words where it is now. Raises `MissingRequirement` when it cannot be pushed.
    """
    image = result.image
    assert image is not None
    words = [f"image {image.name} on {image.base}@{image.base_digest}"]
    try:
        with connect_engine() as engine:
            progress(f"loading {image.name} into the container engine")
            load_image(engine, result.output, image.name)
        words.append("loaded into the container engine")
    except MissingRequirement as error:
        words.append(f"not in a container engine ({error})")
    if push:
        digest = push_image(result.output, image.name, image.base, progress)
        words.append(f"pushed as {image.name.rpartition(':')[0]}@{digest}")
    return "; ".join(words)


def check_pushable(name: str) -> None:
    """Raises `UsageError` for a name that leads to no registry of the user's."""
    reference = parse_reference(name)
    if reference.registry == "docker.io" and not name.startswith("docker.io/"):
        raise UsageError(
            f"image: {name} names no registry to push to",
            hint='write image = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG"',
        )
