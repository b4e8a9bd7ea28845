"""One artifact judged against several runtimes: what an upgrade would do to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from lambdapack.errors import UsageError
from lambdapack.profiles import known_runtimes, load_profile
from lambdapack.progress import Progress, silent
from lambdapack.report import Report
from lambdapack.workflows.inspection import Target, inspect_opened, known_facts, open_target


def named_runtimes(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the runtimes that are meant, each once; `all` are those that are known, in their order."""
    return tuple(dict.fromkeys(known_runtimes() if "all" in names else names))


def inspect_for_runtimes(target: Target, runtimes: Sequence[str], progress: Progress = silent) -> list[Report]:
    """Returns a report for each runtime; what does not depend on one is read once.

    Raises `UsageError` for an image, which brings its own, and for a runtime that is not known.
    """
    reports = []
    with ExitStack() as exit_stack:
        opened = open_target(replace(target, runtime=runtimes[0]), exit_stack, progress)
        if opened.image is not None:
            raise UsageError(
                f"{target.path}: a container image brings its own runtime and can run on no other",
                hint="give no --runtime; build the image on another base to see what that would do",
            )
        known = exit_stack.enter_context(known_facts(opened))
        profiles = [load_profile(runtime, opened.profile.architecture) for runtime in runtimes]
        for profile in profiles:
            progress(f"judging for {profile.runtime}")
            own = replace(opened, profile=profile, target=replace(target, runtime=profile.runtime))
            reports.append(inspect_opened(own, known))
    return reports
