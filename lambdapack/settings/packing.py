"""How a function's artifact is put together, beyond what goes in: keys of one function's table.

Does not know what the choices do (that is `builder` and `workflows`): only which there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from lambdapack.settings.table import Table
from lambdapack.settings.wording import did_you_mean

IncludeChoice = Literal["all", "auto"]
PycChoice = Literal["off", "reached"]
INCLUDE_CHOICES: tuple[IncludeChoice, ...] = get_args(IncludeChoice)
PYC_CHOICES: tuple[PycChoice, ...] = get_args(PycChoice)
SdkChoice = Literal["bundle", "drop", "pair"]
SlimStep = Literal["tests", "pyi", "docs", "debug-symbols", "botocore-data", "sdk"]
SDK_CHOICES: tuple[SdkChoice, ...] = get_args(SdkChoice)
SLIM_STEPS: tuple[SlimStep, ...] = get_args(SlimStep)
PACKING_KEYS = ("base", "image", "include", "pyc", "sdk", "slim")
C = TypeVar("C", bound=str)

_IMAGE_EXAMPLE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/api:latest"
_BASE_EXAMPLE = "public.ecr.aws/lambda/python:3.13"


@dataclass(frozen=True, slots=True)
class Packing:
    """`image`: the name of a container image that is built, `REGISTRY/NAME:TAG`; the function's own name by default.
    `base`: the image it is built on, None for the runtime's official one. `include`: of the project's own files all,
    or what the handler needs. `pyc`: which modules get byte code: none, or those that the handler's import reaches.
    `sdk`: whether boto3 and botocore are packed as they are required, not at all, or always both. `slim`: what of the
    distributions is left out.
    """

    image: str | None = None
    base: str | None = None
    include: IncludeChoice = "all"
    pyc: PycChoice = "off"
    sdk: SdkChoice = "bundle"
    slim: tuple[SlimStep, ...] = ()

    @property
    def refines(self) -> bool:
        """True when what goes in hangs on more than the inputs: on what the handler reaches."""
        return self.include != "all" or self.pyc != "off" or self.sdk == "drop" or bool(self.slim)


def read_packing(table: Table, package: str) -> Packing:
    """Reads the keys that say how an artifact is put together. Raises `UsageError`."""
    packing = Packing(
        image=table.string("image", _IMAGE_EXAMPLE),
        base=table.string("base", _BASE_EXAMPLE),
        include=_choice(table, "include", INCLUDE_CHOICES) or "all",
        pyc=_choice(table, "pyc", PYC_CHOICES) or "off",
        sdk=_choice(table, "sdk", SDK_CHOICES) or "bundle",
        slim=tuple(_slim(table)),
    )
    if packing.sdk != "bundle" and "sdk" in packing.slim:
        raise table.error(
            "slim", f"has 'sdk', and sdk = \"{packing.sdk}\" says otherwise or the same; keep one of the two"
        )
    for key in ("image", "base"):
        if package != "image" and key in table.values:
            raise table.error(key, 'is for container images only; write package = "image", or leave it out')
    if package == "layer" and packing.include != "all":
        raise table.error("include", "goes by what the handler reaches, and a layer has none; leave it out")
    return packing


def _slim(table: Table) -> Iterator[SlimStep]:
    for index, text in enumerate(table.strings("slim", "tests")):
        step = next((step for step in SLIM_STEPS if step == text), None)
        if step is None:
            listed = ", ".join(SLIM_STEPS)
            advice = did_you_mean(text, SLIM_STEPS) or f"; there are {listed}"
            raise table.error(f"slim[{index}]", f"{text!r} is nothing that can be left out{advice}")
        yield step


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
