"""A wheel as it is installed, and whether the target accepts it. Knows no file format."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lambdapack.builder.archive import Piece
from lambdapack.builder.plan import BuildPlan, LeftOut, ResolvedWheel
from lambdapack.errors import BuildFailed


@dataclass(frozen=True, slots=True)
class InstalledWheel:
    """The files of one wheel as they are installed, what was not, and the tags of its WHEEL file."""

    pieces: tuple[Piece, ...]
    left_out: tuple[LeftOut, ...]
    tags: tuple[str, ...]


def check_tags(wheel: ResolvedWheel, by_name: Collection[str], inside: Collection[str], plan: BuildPlan) -> None:
    """Refuses a wheel that the target does not accept, by the tags of its file name and of its WHEEL file.

    `linux_*` in WHEEL alone is let pass: it is what a build that was never repaired writes, and publishers rename
    such wheels. What the native code really needs is judged by the inspection of the artifact.
    """
    accepted = set(plan.wheel_tags)
    if not accepted.intersection(by_name):
        raise _refused(wheel, "its file name says", by_name, plan)
    # python-abi of an accepted wheel for this machine, with `linux_<machine>` as the platform.
    unrepaired = {f"{tag.rpartition('-')[0]}-linux_{plan.machine}" for tag in accepted if tag.endswith(plan.machine)}
    if inside and not (accepted | unrepaired).intersection(inside):
        raise _refused(wheel, "its WHEEL file says", inside, plan)


def _refused(wheel: ResolvedWheel, where: str, tags: Collection[str], plan: BuildPlan) -> BuildFailed:
    return BuildFailed(
        f"{wheel.label}: {wheel.filename} does not fit {plan.runtime} {plan.architecture}: "
        f"{where} {', '.join(sorted(tags)[:4])}",
        hint="use the wheel of this version that is made for the target",
    )
