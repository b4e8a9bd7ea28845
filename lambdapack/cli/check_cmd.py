"""`lambdapack check`: build, inspect and import-test."""

from __future__ import annotations

from pathlib import Path

import click

from lambdapack.cli.functions import Presentation, build_all, environment_of, selected
from lambdapack.cli.options import artifact_option, fail_on_option, function_options, output_options, test_options
from lambdapack.workflows.import_test import AttemptOptions


@click.command("check")
@function_options
@artifact_option
@click.option("--require-test", is_flag=True, help="Fail (exit 4) when the import test cannot be run here.")
@test_options
@fail_on_option
@output_options
def command(
    function_names: tuple[str, ...],
    config: Path | None,
    output: Path | None,
    require_test: bool,
    timeout: float,
    environment: tuple[str, ...],
    no_python_downloads: bool,
    fail_on: str,
    form: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Build the configured functions, inspect what was built, and import the handler from it."""
    functions, root = selected(config, function_names, output)
    return build_all(
        functions,
        root,
        output=output,
        test=AttemptOptions(no_python_downloads, timeout, environment_of(environment)),
        require_test=require_test,
        fail_on=fail_on,
        show_as=Presentation(form, verbose, quiet),
    )
