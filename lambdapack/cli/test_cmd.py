"""`lambdapack test`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import click

from lambdapack.cli.functions import attempt_options
from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    Reporting,
    TestChoice,
    artifact_options,
    exit_zero_option,
    judging_options,
    only_runtime,
    report_options,
    test_options,
)
from lambdapack.cli.output import Stopwatch, exit_status, progress, publish
from lambdapack.cli.targets import target_of
from lambdapack.errors import MissingRequirement
from lambdapack.workflows.import_test import AUTO, import_handler
from lambdapack.workflows.inspection import inspect

_CODES = ("RUN", "IMP014")  # what an import test decides: its outcome, and the contracts that it looks up


@click.command("test")
@artifact_options
@test_options
@judging_options
@exit_zero_option
@report_options
def command(
    chosen: ArtifactChoice,
    test: TestChoice,
    judging: Judging,
    exit_zero: bool,
    show_as: Reporting,
) -> int:
    """Import the handler of ARTIFACT as Lambda would, and show what CloudWatch would, and what it hides."""
    watch = Stopwatch()
    target = replace(target_of(chosen, judging, only_runtime(chosen.runtimes)), details=show_as.wants_details)
    # Somebody else may have made the artifact: outside of a sandbox it runs only where it is told to.
    options = replace(attempt_options(test), require_sandbox=test.backend == AUTO)
    with progress(quiet=show_as.quiet) as tell:
        report = inspect(target, partial(import_handler, options=options, progress=tell), codes=_CODES, progress=tell)
    attempt = report.import_test
    if attempt is not None and attempt["status"] == "not-run":
        raise MissingRequirement(f"{chosen.artifact}: import test NOT RUN: {attempt['reason']}", hint=attempt["remedy"])
    publish([(report, watch.seconds)], show_as, several=False)
    return exit_status(report, exit_zero=exit_zero)
