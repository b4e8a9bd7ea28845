"""How a function's artifact is put together, beyond what goes in: keys of one function's table.

Does not know what the choices do (that is `builder` and `workflows`): only which there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from lambdapack.settings.table import Table
from lambdapack.settings.wording import did_you_mean

IncludeChoice = Literal["all", "auto"]
PycChoice = Literal["off", "reached"]
INCLUDE_CHOICES: tuple[IncludeChoice, ...] = get_args(IncludeChoice)
PYC_CHOICES: tuple[PycChoice, ...] = get_args(PycChoice)
PACKING_KEYS = ("base", "image", "include", "pyc")
C = TypeVar("C", bound=str)

_IMAGE_EXAMPLE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/api:latest"
_BASE_EXAMPLE = "public.ecr.aws/lambda/python:3.13"


@dataclass(frozen=True, slots=True)
class Packing:
    """`image`: the name of a container image that is built, `REGISTRY/NAME:TAG`; the function's own name by default.
    `base`: the image it is built on, None for the runtime's official one. `include`: of the project's own files all,
    or what the handler needs. `pyc`: which modules get byte code: none, or those that the handler's import reaches.
    """

    image: str | None = None
    base: str | None = None
    include: IncludeChoice = "all"
    pyc: PycChoice = "off"

    @property
    def refines(self) -> bool:
        """True when what goes in hangs on more than the inputs: on what the handler reaches."""
        return self.include != "all" or self.pyc != "off"


def read_packing(table: Table, package: str) -> Packing:
    """Reads the keys that say how an artifact is put together. Raises `UsageError`."""
    packing = Packing(
        image=table.string("image", _IMAGE_EXAMPLE),
        base=table.string("base", _BASE_EXAMPLE),
        include=_choice(table, "include", INCLUDE_CHOICES) or "all",
        pyc=_choice(table, "pyc", PYC_CHOICES) or "off",
    )
    for key in ("image", "base"):
        if package != "image" and key in table.values:
            raise table.error(key, 'is for container images only; write package = "image", or leave it out')
    for key, by_handler in (("include", packing.include != "all"), ("pyc", packing.pyc != "off")):
        if package == "layer" and by_handler:
            raise table.error(key, "goes by what the handler reaches, and a layer has none; leave it out")
    return packing


def _choice(table: Table, key: str, choices: tuple[C, ...]) -> C | None:
    """One of a few words, or None when the key is not there."""
    given = table.string(key, choices[-1])
    if given is None:
        return None
    for choice in choices:
        if given == choice:
            return choice
    listed = " or ".join(f"{choice!r}" for choice in choices)
    raise table.error(key, f"{given!r} is not known{did_you_mean(given, choices)}; write {listed}")
