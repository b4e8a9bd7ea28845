"""`lambdapack build`."""

from __future__ import annotations

from pathlib import Path

import click

from lambdapack.cli.functions import Presentation, build_all, selected
from lambdapack.cli.options import artifact_option, fail_on_option, function_options, output_options


@click.command("build")
@function_options
@artifact_option
@fail_on_option
@output_options
def command(
    function_names: tuple[str, ...],
    config: Path | None,
    output: Path | None,
    fail_on: str,
    form: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Build the artifact of the configured functions and inspect it. A rejected build leaves the old artifact."""
    functions, root = selected(config, function_names, output)
    return build_all(
        functions,
        root,
        output=output,
        test=None,
        require_test=False,
        fail_on=fail_on,
        show_as=Presentation(form, verbose, quiet),
    )
