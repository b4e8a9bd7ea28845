"""`lambdapack inspect`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from lambdapack.cli.options import fail_on_option, output_options, target_of, target_options
from lambdapack.cli.output import Stopwatch, progress, show
from lambdapack.finding import Severity
from lambdapack.workflows.inspection import inspect


@click.command("inspect")
@target_options
@click.option(
    "--kind", type=click.Choice(["function", "layer"]), help="What the artifact is. Default: recognised by its folders."
)
@fail_on_option
@output_options
def command(
    artifact: str,
    runtime: str | None,
    architecture: str | None,
    handler: str | None,
    layers: tuple[Path, ...],
    function_name: str | None,
    config: Path | None,
    kind: str | None,
    fail_on: str,
    form: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Say what will fail on Lambda in ARTIFACT, and why. Runs nothing of it.

    ARTIFACT is a ZIP, a folder, a container image in a file or OCI folder, or the name of one: NAME:TAG in the
    container engine, docker://NAME:TAG in its registry.
    """
    watch = Stopwatch()
    target = target_of(artifact, runtime, architecture, handler, layers, function_name, config)
    target = replace(target, fail_on=Severity(fail_on), kind=kind or target.kind)  # type: ignore[arg-type]
    with progress(quiet=quiet) as tell:
        report = inspect(target, progress=tell)
    return show(report, form, verbose=verbose, quiet=quiet, seconds=watch.seconds)
