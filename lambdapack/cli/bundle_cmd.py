"""`lambdapack bundle`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from lambdapack.cli.functions import attempt_options
from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    TestChoice,
    artifact_options,
    judging_options,
    only_runtime,
    test_options,
)
from lambdapack.cli.output import progress
from lambdapack.cli.targets import target_of
from lambdapack.render.json_format import render_json
from lambdapack.workflows.bundle import write_bundle
from lambdapack.workflows.import_test import import_handler
from lambdapack.workflows.inspection import inspect


@click.command("bundle")
@artifact_options
@test_options
@judging_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("lambdapack-bundle.zip"),
    show_default=True,
    help="Where to write it.",
)
def command(chosen: ArtifactChoice, test: TestChoice, judging: Judging, output: Path) -> int:
    """Write what a report of a bug needs of ARTIFACT: findings, import test, the names of its files. None of its code.

    Look through it before you give it away: tracebacks show lines of code, and names may tell something, too.
    """
    target = target_of(chosen, judging, only_runtime(chosen.runtimes))
    options = replace(attempt_options(test), require_sandbox=True)
    with progress() as tell:
        attempt = partial(import_handler, options=options, progress=tell) if target.handler else None
        report = inspect(target, attempt, progress=tell)
        files = write_bundle(target, render_json(report), output, tell)
    click.echo(f"{output}: findings, import test and the names of {files} files; nothing of their content")
    return 0
