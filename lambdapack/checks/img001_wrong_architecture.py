"""A container image is built for another processor architecture than the function has.

What it finds
    An image whose configuration names another architecture than the function's (`--arch`, x86_64 or arm64): mostly one
    built on an Apple or Graviton machine for an x86_64 function, or the reverse.

Why it fails on Lambda
    The first program of the image cannot be started: "IMAGE Launch error: fork/exec /lambda-entrypoint.sh: exec format
    error", Runtime.InvalidEntrypoint.

How to fix it
    Build the image with `--platform linux/amd64` (or `linux/arm64`), or give the function the image's architecture.

When to ignore it
    When only the configuration is wrong and the files are for the right machine; it is better to mend it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}


@check("IMG001", "is built for another architecture", needs=("image",))
def wrong_architecture(subject: Subject) -> Iterator[Hit]:
    image, wanted = subject.image, subject.profile.architecture
    if image is None or image.architecture in (None, wanted):
        return
    other = f", or give the function the architecture {image.architecture}" if image.architecture in _PLATFORMS else ""
    yield Hit(
        path=None,
        message=f"the image is built for {image.architecture}; the function runs on {wanted}",
        fix=f"build it with docker buildx build --platform {_PLATFORMS[wanted]}{other}",
        evidence={"architecture": image.architecture, "wanted": wanted},
    )
