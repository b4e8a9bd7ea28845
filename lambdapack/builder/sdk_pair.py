"""boto3 and botocore together or not at all: the half that is missing is resolved to go with the one that is there.

One half from the artifact and the other from the runtime is a mixture that AWS changes without notice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lambdapack.builder.inputs import Inputs, requirement_inputs
from lambdapack.builder.resolutions import Resolution
from lambdapack.builder.resolve import Make, resolve
from lambdapack.errors import BuildFailed
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress

_HALVES = ("boto3", "botocore")


def with_both_halves(
    found: Resolution,
    inputs: Inputs,
    profile: RuntimeProfile,
    *,
    scratch: Path,
    make: Make,
    locked: bool,
    progress: Progress,
) -> Resolution:
    """Returns the resolution with the missing half and what it needs. What was resolved already stays as it is.

    Raises `BuildFailed` when nothing goes with it, or nothing may be decided anew (`locked`).
    """
    there = {wheel.name: wheel for wheel in found.wheels}
    missing = [half for half in _HALVES if half not in there]
    if len(missing) != 1:
        return found
    own = next(half for half in _HALVES if half in there)
    if locked:
        raise BuildFailed(
            f'sdk = "pair": the lock has {own} and not {missing[0]}', hint=f"add {missing[0]} to the requirements"
        )
    pins = [f"{wheel.name}=={wheel.version}" for wheel in found.wheels if wheel.location.startswith("http")]
    wanted = requirement_inputs(inputs.folder, strings=(missing[0], *pins))
    more = resolve(wanted, profile, scratch=scratch, make=make, progress=progress)
    added = [wheel for wheel in more.wheels if wheel.name not in there]
    labels = ", ".join(wheel.label for wheel in added)
    wheels = tuple(sorted((*found.wheels, *added), key=lambda wheel: wheel.name))
    return replace(found, wheels=wheels, notes=(*found.notes, f'sdk = "pair": {labels} added, to go with {own}'))
