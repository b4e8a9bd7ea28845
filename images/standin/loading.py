"""Brings stand-ins into the container engine. Knows which recipe one was built from."""

from __future__ import annotations

from pathlib import Path

from images.standin.build import RECIPE_LABEL, image_name, recipe_digest
from lambdapack.containers.engine import connect_engine
from lambdapack.containers.images import find_image
from lambdapack.profiles import RuntimeProfile


def is_loaded(profile: RuntimeProfile) -> bool:
    """True when the engine has the stand-in of this profile as it would be built now. Raises `MissingRequirement`."""
    with connect_engine() as engine:
        found = find_image(engine, image_name(profile), profile.architecture)
        return found is not None and found.labels.get(RECIPE_LABEL) == recipe_digest(profile)


def load(archive: Path) -> None:
    """Loads an archive into the engine."""
    with connect_engine() as engine, archive.open("rb") as file:
        engine.client.images.load(file)
