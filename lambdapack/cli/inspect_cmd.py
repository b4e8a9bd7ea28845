"""`lambdapack inspect`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    Reporting,
    artifact_options,
    exit_zero_option,
    judging_options,
    no_cache_option,
    report_options,
)
from lambdapack.cli.output import Stopwatch, exit_status, progress, publish, publish_runtimes
from lambdapack.cli.targets import target_of
from lambdapack.errors import UsageError, worst_exit_status
from lambdapack.workflows.inspection import inspect
from lambdapack.workflows.several_runtimes import inspect_for_runtimes, named_runtimes


@click.command("inspect")
@artifact_options
@click.option(
    "--kind", type=click.Choice(["function", "layer"]), help="What the artifact is. Default: recognised by its folders."
)
@click.option(
    "--lock",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with this lock file: requirements.txt with pins, uv.lock, poetry.lock or pylock.toml.",
)
@click.option("--deep", is_flag=True, help="Also compare every installed file with the SHA-256 in RECORD.")
@click.option("--fast", is_flag=True, help="Compare no checksums of files that no check reads.")
@no_cache_option
@click.option("--details", is_flag=True, help="Add sizes, loaded modules and native files to the JSON report.")
@judging_options
@exit_zero_option
@report_options
def command(
    chosen: ArtifactChoice,
    kind: str | None,
    lock: Path | None,
    deep: bool,
    fast: bool,
    no_cache: bool,
    details: bool,
    judging: Judging,
    exit_zero: bool,
    show_as: Reporting,
) -> int:
    """Say what will fail on Lambda in ARTIFACT, and why. Runs nothing of it.

    ARTIFACT is a ZIP, a wheel, a folder, a container image in a file or OCI folder, or the name of one: NAME:TAG in
    the container engine, docker://NAME:TAG in its registry. With --runtime given several times, or --runtime all, it is
    judged against each of them.
    """
    if fast and deep:
        raise UsageError("--fast and --deep contradict each other", hint="give one of them")
    if details and "json" not in show_as.forms:
        raise UsageError("--details is for programs", hint="add --format json")
    watch = Stopwatch()
    several = len(chosen.runtimes) > 1 or "all" in chosen.runtimes
    target = target_of(chosen, judging, None if several else next(iter(chosen.runtimes), None))
    target = replace(target, kind=kind or target.kind, lock=lock, deep=deep)  # type: ignore[arg-type]  # as click has it
    target = replace(target, fast=fast, cached=not no_cache, details=details or show_as.wants_details)
    with progress(quiet=show_as.quiet) as tell:
        if several:
            reports = inspect_for_runtimes(target, named_runtimes(chosen.runtimes), tell)
        else:
            reports = [inspect(target, progress=tell)]
    if several:
        publish_runtimes(reports, show_as)
    else:
        publish([(reports[0], watch.seconds)], show_as, several=False)
    return worst_exit_status([exit_status(report, exit_zero=exit_zero) for report in reports])
