"""Puts together what makes wheels of sources for one target: on this machine, or in a container."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lambdapack.builder.choice import Source
from lambdapack.builder.from_source import WheelMaker
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.resolve import resolve
from lambdapack.builder.store import WheelStore
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

if TYPE_CHECKING:
    from lambdapack.builder.in_container import Judge
    from lambdapack.builder.sources import SourceTree


def wheel_maker(
    profile: RuntimeProfile,
    store: WheelStore,
    *,
    folder: Path,
    judge: Judge | None = None,
    image: str | None = None,
    progress: Progress = silent,
) -> WheelMaker:
    """Returns the maker of wheels for a target. `folder` is where uv finds its configuration; the rest as in
    `ContainerBuild`."""

    def fetch(requirements: Sequence[str], scratch: Path) -> Sequence[Path]:
        inputs = requirement_inputs(folder, strings=tuple(requirements))
        return store.fetch(
            resolve(inputs, profile, scratch=scratch, make=maker.make, credentials=store.credentials).wheels, progress
        )

    def for_target(source: Source, tree: SourceTree, indexes: Sequence[str], out: Path) -> Path:
        # Loads what talks to engines and registries, which few builds need.
        from lambdapack.builder.in_container import ContainerBuild

        return ContainerBuild(profile, fetch, judge, image, progress)(source, tree, indexes, out)

    maker = WheelMaker(profile, store, for_target, folder, place=image or "", progress=progress)
    return maker
