"""How a function's artifact is put together, beyond what goes in: keys of one function's table.

Does not know what the choices do (that is `builder` and `workflows`): only which there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from lambdapack.settings.table import Table
from lambdapack.settings.wording import did_you_mean

PycChoice = Literal["off", "reached"]
PYC_CHOICES: tuple[PycChoice, ...] = get_args(PycChoice)
C = TypeVar("C", bound=str)

PACKING_KEYS = ("base", "image", "pyc")
_IMAGE_EXAMPLE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/api:latest"
_BASE_EXAMPLE = "public.ecr.aws/lambda/python:3.13"


@dataclass(frozen=True, slots=True)
class Packing:
    """`image`: the name of a container image that is built, `REGISTRY/NAME:TAG`; the function's own name by default.
    `base`: the image it is built on, None for the runtime's official one. `pyc`: which modules get byte code: none, or
    those that the handler's import reaches.
    """

    image: str | None = None
    base: str | None = None
    pyc: PycChoice = "off"

    @property
    def refines(self) -> bool:
        """True when what goes in hangs on more than the inputs: on what the handler reaches, or on a trial."""
        return self.pyc != "off"


def read_packing(table: Table, package: str) -> Packing:
    """Reads the keys that say how an artifact is put together. Raises `UsageError`."""
    image, base = table.string("image", _IMAGE_EXAMPLE), table.string("base", _BASE_EXAMPLE)
    if package != "image":
        for key, value in (("image", image), ("base", base)):
            if value is not None:
                raise table.error(key, 'is for container images only; write package = "image", or leave it out')
    pyc = _choice(table, "pyc", PYC_CHOICES)
    return Packing(image, base, pyc or "off")


def _choice(table: Table, key: str, choices: tuple[C, ...]) -> C | None:
    """One of a few words, or None when the key is not there."""
    given = table.string(key, choices[-1])
    for choice in choices:
        if given == choice:
            return choice
    if given is None:
        return None
    listed = " or ".join(f"{choice!r}" for choice in choices)
    raise table.error(key, f"{given!r} is not known{did_you_mean(given, choices)}; write {listed}")
