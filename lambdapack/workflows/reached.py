"""Which sources of an artifact importing a handler runs, also those in a layer that the handler is not in."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from lambdapack.builder import Draft, WheelStore, gather, plan_build
from lambdapack.checking import Subject
from lambdapack.facts.handler import HandlerFacts
from lambdapack.facts.lazy_names import lazily_loaded
from lambdapack.facts.outcome import Execution
from lambdapack.memo import Readings
from lambdapack.profiles import load_profile
from lambdapack.progress import Progress
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.drafts import TASK, opened_draft
from lambdapack.workflows.inspection import known_facts, subject_of

_IN_LAYERS = "/opt/python"


def reached_sources(subject: Subject, root: str = TASK) -> frozenset[str]:
    """Returns the paths below `root` of the modules that importing the handler runs."""
    modules = (execution.module for execution in _executed(subject).values())
    paths = (module.path for module in modules if module.kind == "source" and module.path is not None)
    return frozenset(path.removeprefix(f"{root}/") for path in paths if path.startswith(f"{root}/"))


def _executed(subject: Subject) -> dict[str, Execution]:
    """What importing the handler executes, with what packages load when they are asked for a name."""
    imports = subject.imports
    if imports is None:
        return {}

    def read(path: str) -> bytes:
        located = subject.stack.file(path)
        return b"" if located is None else subject.stack.read_bytes(located)

    read = cache(read)
    found = {name: imports.executions[name] for name in imports.loaded}
    while True:
        new = {name for name in lazily_loaded(found, subject.finder, read) if name not in found}
        if not new:
            return found
        for name in sorted(new):
            if name not in found:
                followed = subject.follow(HandlerFacts(name, name, "", None))
                found |= {other: followed.executions[other] for other in followed.loaded if other not in found}
        if new.isdisjoint(found):
            return found


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
