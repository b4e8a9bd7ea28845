"""Which sources of an artifact importing a handler runs, also those in a layer that the handler is not in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lambdapack.builder import Draft, WheelStore, gather, plan_build
from lambdapack.checking import Subject
from lambdapack.memo import Readings
from lambdapack.profiles import load_profile
from lambdapack.progress import Progress
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.drafts import TASK, opened_draft
from lambdapack.workflows.inspection import known_facts, subject_of

_IN_LAYERS = "/opt/python"


def reached_sources(subject: Subject, root: str = TASK) -> frozenset[str]:
    """Returns the paths below `root` of the modules that importing the handler runs."""
    imports = subject.imports
    if imports is None:
        return frozenset()
    modules = (imports.executions[name].module for name in imports.loaded)
    paths = (module.path for module in modules if module.kind == "source" and module.path is not None)
    return frozenset(path.removeprefix(f"{root}/") for path in paths if path.startswith(f"{root}/"))


def reached_in_layer(
    draft: Draft,
    layer: FunctionSettings,
    store: WheelStore,
    root: Path | None,
    readings: Readings,
    progress: Progress,
) -> list[str]:
    """Returns the paths in a layer's draft of what the handlers of its functions run, sorted.

    A function's own wheels are laid under it whole: what the layer brings of them is the same.
    """
    found: set[str] = set()
    for user in layer.used_by:
        profile = load_profile(user.runtime, user.architecture)
        plan = plan_build(user, profile, store, progress, root=root, readings=readings)
        whole = gather(replace(plan, layers={}), store, progress)
        with opened_draft(whole, user, store, {layer.output: draft}) as opened, known_facts(opened) as known:
            subject = subject_of(opened, zipped_size=None, known=known)
            reached = reached_sources(subject) | reached_sources(subject, _IN_LAYERS)
        found |= {f"python/{path}" for path in reached} & draft.pieces.keys()
    return sorted(found)
