"""A draft as a subject: what a build is about to write, opened and read as the inspection will read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lambdapack.builder import Draft, WheelStore, write_draft
from lambdapack.checking import Subject
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.inspection import Opened, Target, known_facts, open_target, subject_of

TASK, LAYER = "/var/task", "/opt"


def mount_point(function: FunctionSettings) -> str:
    """Where the artifact's files stand on Lambda."""
    return LAYER if function.package == "layer" else TASK


@contextmanager
def opened_draft(
    draft: Draft, function: FunctionSettings, store: WheelStore, layers: Mapping[Path, Draft] | None = None
) -> Iterator[Opened]:
    """Gives a draft as an opened target; of an image, without what it is built on. `layers` are drafts of layers, by
    the path that their output will have; layers that are not there are left out."""
    with store.scratch() as scratch, ExitStack() as exit_stack:
        path = scratch / f"{function.name}.zip"
        write_draft(draft, path)
        below = []
        for number, layer in enumerate(function.layers):
            if layers is not None and layer in layers:
                below.append(scratch / f"layer-{number}.zip")
                write_draft(layers[layer], below[-1])
            elif layers is None or layer.exists():
                below.append(layer)
        target = Target(
            path,
            tuple(below),
            runtime=function.runtime,
            architecture=function.architecture,
            handler=function.handler or None,
            kind="layer" if function.package == "layer" else "function",
        )
        yield open_target(target, exit_stack)


@contextmanager
def subject_of_draft(draft: Draft, function: FunctionSettings, store: WheelStore) -> Iterator[Subject]:
    """Gives the facts of a draft."""
    with opened_draft(draft, function, store) as opened, known_facts(opened) as known:
        yield subject_of(opened, zipped_size=None, known=known)
