"""`lambdapack test`."""

from __future__ import annotations

from functools import partial

import click

from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    Presentation,
    TestChoice,
    artifact_options,
    exit_zero_option,
    judging_options,
    only_runtime,
    presentation_options,
    test_options,
)
from lambdapack.cli.output import Stopwatch, progress, show
from lambdapack.cli.targets import target_of
from lambdapack.errors import MissingRequirement
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.inspection import inspect


@click.command("test")
@artifact_options
@click.option(
    "--backend",
    type=click.Choice(["auto", "local"]),
    default="auto",
    show_default=True,
    help="Where to import it. local runs the artifact's code on this machine, in a sandbox where one can be made; auto "
    "never runs it outside of one.",
)
@test_options
@judging_options
@exit_zero_option
@presentation_options
def command(
    chosen: ArtifactChoice,
    backend: str,
    test: TestChoice,
    judging: Judging,
    exit_zero: bool,
    show_as: Presentation,
) -> int:
    """Import the handler of ARTIFACT as Lambda would, and show what CloudWatch would, and what it hides."""
    watch = Stopwatch()
    target = target_of(chosen, judging, only_runtime(chosen.runtimes))
    options = AttemptOptions(test.no_python_downloads, test.timeout, test.variables, require_sandbox=backend == "auto")
    with progress(quiet=show_as.quiet) as tell:
        report = inspect(target, partial(import_handler, options=options, progress=tell), codes="RUN", progress=tell)
    attempt = report.import_test
    if attempt is not None and attempt["status"] == "not-run":
        raise MissingRequirement(f"{chosen.artifact}: import test NOT RUN: {attempt['reason']}", hint=attempt["remedy"])
    return show(report, show_as, exit_zero=exit_zero, seconds=watch.seconds)
