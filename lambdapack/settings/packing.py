"""How a function's artifact is put together, beyond what goes in: keys of one function's table.

Does not know what the choices do (that is `builder` and `workflows`): only which there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from lambdapack.settings.table import Table

PACKING_KEYS = ("base", "image")
_IMAGE_EXAMPLE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/api:latest"
_BASE_EXAMPLE = "public.ecr.aws/lambda/python:3.13"


@dataclass(frozen=True, slots=True)
class Packing:
    """`image`: the name of a container image that is built, `REGISTRY/NAME:TAG`; the function's own name by default.
    `base`: the image it is built on, None for the runtime's official one.
    """

    image: str | None = None
    base: str | None = None


def read_packing(table: Table, package: str) -> Packing:
    """Reads the keys that say how an artifact is put together. Raises `UsageError`."""
    image, base = table.string("image", _IMAGE_EXAMPLE), table.string("base", _BASE_EXAMPLE)
    if package != "image":
        for key, value in (("image", image), ("base", base)):
            if value is not None:
                raise table.error(key, 'is for container images only; write package = "image", or leave it out')
    return Packing(image, base)
