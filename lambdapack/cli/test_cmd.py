"""`lambdapack test`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from lambdapack.cli.functions import environment_of
from lambdapack.cli.options import output_options, target_of, target_options, test_options
from lambdapack.cli.output import Stopwatch, progress, show
from lambdapack.errors import MissingRequirement
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.inspection import inspect


@click.command("test")
@target_options
@click.option(
    "--backend",
    type=click.Choice(["auto", "local"]),
    default="auto",
    show_default=True,
    help="Where to import it. local runs the artifact's code on this machine, as you, without a sandbox.",
)
@test_options
@output_options
def command(
    artifact: str,
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: tuple[Path, ...],
    function_name: str | None,
    config: Path | None,
    backend: str,
    timeout: float,
    environment: tuple[str, ...],
    no_python_downloads: bool,
    form: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Import the handler of ARTIFACT as Lambda would, and show what CloudWatch would, and what it hides."""
    watch = Stopwatch()
    if backend == "auto":
        raise MissingRequirement(
            f"{artifact}: no sandbox to run foreign code in, and lambdapack does not run it outside one by itself",
            hint="if you trust the artifact, add --backend local",
        )
    target = target_of(artifact, runtime, architecture, handler, layers, function_name, config)
    options = AttemptOptions(no_python_downloads, timeout, environment_of(environment))
    with progress(quiet=quiet) as tell:
        report = inspect(target, partial(import_handler, options=options, progress=tell), codes="RUN", progress=tell)
    attempt = report.import_test
    if attempt is not None and attempt["status"] == "not-run":
        raise MissingRequirement(f"{artifact}: import test NOT RUN: {attempt['reason']}", hint=attempt["remedy"])
    return show(report, form, verbose=verbose, quiet=quiet, seconds=watch.seconds)
