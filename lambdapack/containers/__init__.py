"""Container engines and registries: how an image is got, as a file or folder that `artifact` opens.

Does not know what an image holds, nor what runs in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdapack.lazy import lazy_names

if TYPE_CHECKING:
    from lambdapack.containers.engine import Engine, connect_engine
    from lambdapack.containers.pull import image_store, pull_image
    from lambdapack.containers.reference import ImageReference, looks_like_reference, parse_reference

__all__ = [
    "Engine",
    "ImageReference",
    "connect_engine",
    "image_store",
    "looks_like_reference",
    "parse_reference",
    "pull_image",
]

__getattr__ = lazy_names(
    __name__,
    {
        "engine": (
            "Engine",
            "connect_engine",
        ),
        "pull": (
            "image_store",
            "pull_image",
        ),
        "reference": (
            "ImageReference",
            "looks_like_reference",
            "parse_reference",
        ),
    },
)
