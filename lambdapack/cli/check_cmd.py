"""`lambdapack check`: build, inspect and import-test."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from lambdapack.cli.options import download_option, fail_on_option, function_options, output_options
from lambdapack.cli.output import Stopwatch, progress, show
from lambdapack.errors import EXIT_MISSING, worst_exit_status
from lambdapack.finding import Severity
from lambdapack.settings import load_settings, select_functions
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.verified_build import build_and_inspect


@click.command("check")
@function_options
@click.option("--require-test", is_flag=True, help="Fail (exit 4) when the import test cannot be run here.")
@download_option
@fail_on_option
@output_options
def command(
    function_names: tuple[str, ...],
    config: Path | None,
    require_test: bool,
    no_python_downloads: bool,
    fail_on: str,
    form: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Build the configured functions, inspect what was built, and import the handler from it."""
    settings = load_settings(config, Path.cwd())
    functions = select_functions(settings, list(function_names))
    options = AttemptOptions(no_python_downloads=no_python_downloads)
    statuses = []
    for function in functions:
        watch = Stopwatch()
        with progress() as tell:
            attempt = partial(import_handler, options=options, progress=tell) if function.handler else None
            built = build_and_inspect(
                function, root=settings.folder, attempt=attempt, fail_on=Severity(fail_on), progress=tell
            )
        statuses.append(show(built.report, form, verbose=verbose, quiet=quiet, seconds=watch.seconds))
        test = built.report.import_test
        if require_test and test is not None and test["status"] == "not-run":
            statuses.append(EXIT_MISSING)
    return worst_exit_status(statuses)
