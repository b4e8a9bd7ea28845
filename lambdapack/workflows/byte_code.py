"""Byte code for what the handler's import reaches: chosen by the import graph, made by the target's own Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lambdapack.builder import ByteCodeMaker, Draft, WheelStore, compiled
from lambdapack.importtest.compiling import find_compiler
from lambdapack.memo import Readings
from lambdapack.profiles import load_profile
from lambdapack.progress import Progress
from lambdapack.render.measures import counted
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.drafts import mount_point, opened_draft, subject_of_draft
from lambdapack.workflows.inspection import Attempt
from lambdapack.workflows.reached import reached_in_layer, reached_sources

_PAIRS = 2


def with_byte_code(
    draft: Draft,
    function: FunctionSettings,
    store: WheelStore,
    root: Path | None,
    readings: Readings,
    progress: Progress,
    attempt: Attempt | None = None,
) -> Draft:
    """Returns the draft with byte code beside exactly the modules that importing the handler runs; in a layer, those
    that the handlers of the functions run that name it.

    `attempt` measures what that saves. Raises `MissingRequirement` where the target's Python cannot be had.
    """
    profile = load_profile(function.runtime, function.architecture)
    compiler = find_compiler(profile, progress, image=function.packing.base)
    readings.file(compiler.program)
    if function.package == "layer":
        modules = reached_in_layer(draft, function, store, root, readings, progress)
    else:
        with subject_of_draft(draft, function, store) as subject:
            modules = sorted(reached_sources(subject))
    maker = ByteCodeMaker(compiler.compile, compiler.name, profile.python)
    progress(f"compiling {len(modules)} modules with {compiler.name}")
    made = compiled([draft.pieces[path] for path in modules], mount_point(function), maker, store)
    size = sum(piece.size for piece in made.pieces)
    told = f"byte code of {counted(len(made.pieces), 'module')}: {size:,} bytes, by {compiler.name}"
    if made.refused:
        path, reason = min(made.refused.items())
        told += f"; none for {len(made.refused)} ({path}: {reason})"
    refined = draft.having(made.pieces)
    if attempt is not None and function.handler and function.package == "zip":
        progress("measuring what byte code saves")
        told += _saving(draft, refined, function, store, attempt)
    return replace(refined, told=(*refined.told, told))


def _saving(before: Draft, after: Draft, function: FunctionSettings, store: WheelStore, attempt: Attempt) -> str:
    """Imports the handler with and without byte code, in turns; the quicker of each counts."""
    seconds: dict[int, list[float]] = {0: [], 1: []}
    for number in range(2 * _PAIRS):
        with opened_draft((before, after)[number % 2], function, store) as opened:
            outcome = attempt(opened)
        if outcome.status != "ok" or outcome.seconds is None:
            return ""
        seconds[number % 2].append(outcome.seconds)
    without, having = min(seconds[0]), min(seconds[1])
    return f"; importing the handler takes {having:.2f} s with it and {without:.2f} s without (measured)"
