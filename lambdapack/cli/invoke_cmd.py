"""`lambdapack invoke`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import click

from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    Presentation,
    artifact_options,
    environment_of,
    exit_zero_option,
    judging_options,
    only_runtime,
    presentation_options,
)
from lambdapack.cli.output import exit_status, progress, text_style
from lambdapack.cli.targets import target_of
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.render.invocation_format import render_invocation_json, render_invocation_text
from lambdapack.workflows.import_test import AUTO, AttemptOptions
from lambdapack.workflows.invocation import invoke, invoker_names


@click.command("invoke")
@artifact_options
@click.option(
    "--event",
    type=click.File("r", encoding="utf-8-sig"),
    help="The event, a JSON file, or - for standard input. Default: {}",
)
@click.option("--backend", type=click.Choice([AUTO, *invoker_names()]), default=AUTO, show_default=True)
@click.option("--image", help="The image to invoke it in, instead of the runtime's official base image.")
@click.option(
    "--rootfs",
    metavar="SOURCE",
    help="The root file system for --backend rootfs: an archive of docker save, an OCI layout, a folder.",
)
@click.option(
    "--rie",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The program aws-lambda-rie, for --backend rootfs and local.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=3.0,
    show_default=True,
    help="The function's Timeout setting in seconds; Lambda's default, too.",
)
@click.option(
    "--env", "environment", multiple=True, metavar="KEY=VALUE", help="An environment variable of the function; repeat."
)
@judging_options
@exit_zero_option
@presentation_options
def command(
    chosen: ArtifactChoice,
    event: TextIO | None,
    backend: str,
    image: str | None,
    rootfs: str | None,
    rie: Path | None,
    timeout: float,
    environment: tuple[str, ...],
    judging: Judging,
    exit_zero: bool,
    show_as: Presentation,
) -> int:
    """Run the handler of ARTIFACT with an event in the runtime's own emulator, and judge the answer strictly.

    It fails on an error of the function, a crash, a timeout, an answer that is no JSON, a statusCode of 400 or more,
    and on errors in the log.
    """
    text = _event(event)
    target = target_of(chosen, judging, only_runtime(chosen.runtimes))
    options = AttemptOptions(
        time_limit=timeout,
        environment=environment_of(environment),
        require_sandbox=True,
        backend=backend,
        image=image,
        rootfs=rootfs,
        emulator=rie,
    )
    with progress(quiet=show_as.quiet) as tell:
        invoked = invoke(target, options, text, tell)
    invocation, report = invoked.invocation, invoked.report
    if invocation.status == "not-run":
        raise MissingRequirement(f"{chosen.artifact}: NOT INVOKED: {invocation.reason}", hint=invocation.remedy)
    if show_as.form == "json":
        click.echo(render_invocation_json(invocation, report), nl=False, color=True)
    elif not show_as.quiet or report.failed:
        click.echo(render_invocation_text(invocation, report, text_style(show_as)), nl=False, color=True)
    return exit_status(report, exit_zero=exit_zero)


def _event(file: TextIO | None) -> str:
    if file is None:
        return "{}"
    try:
        text = file.read()
        json.loads(text)
    except (ValueError, OSError) as error:
        raise UsageError(f"--event: {file.name}: is no JSON: {error}") from error
    return text
