"""`lambdapack fix`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click

from lambdapack.cli.functions import attempt_options
from lambdapack.cli.options import (
    ArtifactChoice,
    Judging,
    Presentation,
    TestChoice,
    artifact_options,
    judging_options,
    only_runtime,
    presentation_options,
    test_options,
)
from lambdapack.cli.output import Stopwatch, exit_status, progress, text_style
from lambdapack.cli.targets import target_of
from lambdapack.errors import EXIT_FINDINGS, UsageError
from lambdapack.render.diff_format import diff_to_json, diff_to_text
from lambdapack.render.fix_format import Told, fix_to_json, fix_to_text
from lambdapack.render.json_format import report_to_data
from lambdapack.render.text import render_text
from lambdapack.workflows.fix import Fixed, fix
from lambdapack.workflows.import_test import AUTO, import_handler


@click.command("fix")
@artifact_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Where to write the repaired ZIP; ARTIFACT itself is replaced only when it is named here, too.",
)
@test_options
@judging_options
@presentation_options
def command(chosen: ArtifactChoice, output: Path, test: TestChoice, judging: Judging, show_as: Presentation) -> int:
    """Repair what of ARTIFACT can be repaired for certain, prove it, and show what has changed.

    Distributions for another platform or Python are replaced by the right wheel of the same version, files that RECORD
    lists are restored, missing requirements are added, modes are set, junk is left out. The result is inspected, its
    handler imported where that can be done in a sandbox, and it is put in place only when it is no worse.
    """
    watch = Stopwatch()
    target = target_of(chosen, judging, only_runtime(chosen.runtimes))
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; name the ZIP to write")
    # Somebody else may have made the artifact: outside of a sandbox it runs only where it is told to.
    options = replace(attempt_options(test), require_sandbox=test.backend == AUTO)
    with progress(quiet=show_as.quiet) as tell:
        attempt = partial(import_handler, options=options, progress=tell) if target.handler else None
        fixed = fix(target, output, attempt, progress=tell)
    told = Told(
        chosen.artifact,
        str(output),
        [(item.kind, item.what, item.why) for item in fixed.repairs],
        fixed.failed,
        fixed.written,
    )
    report = fixed.after or fixed.before
    if show_as.form == "json":
        click.echo(_json(fixed, told), nl=False, color=True)
    elif not show_as.quiet or report.failed:
        click.echo(fix_to_text(told, text_style(show_as)), color=True)
        if fixed.comparison is not None:
            sides = asdict(fixed.comparison.before), asdict(fixed.comparison.after)
            style = text_style(show_as)
            click.echo(diff_to_text(*sides, fixed.comparison.difference, style, same=False), color=True)
        click.echo(render_text(report, text_style(show_as), seconds=watch.seconds), nl=False, color=True)
    if fixed.repairs and not fixed.written:
        return EXIT_FINDINGS
    return exit_status(report)


def _json(fixed: Fixed, told: Told) -> str:
    after = None if fixed.after is None else report_to_data(fixed.after)
    comparison = None
    if fixed.comparison is not None:
        sides = asdict(fixed.comparison.before), asdict(fixed.comparison.after)
        comparison = json.loads(diff_to_json(*sides, fixed.comparison.difference, same=fixed.comparison.is_same))
    return fix_to_json(told, report_to_data(fixed.before), after, comparison)
