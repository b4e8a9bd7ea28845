"""`lambdapack build`."""

from __future__ import annotations

from pathlib import Path

import click

from lambdapack.cli.options import function_options, output_options
from lambdapack.cli.output import Stopwatch, progress, show
from lambdapack.errors import UsageError, worst_exit_status
from lambdapack.settings import load_settings, select_functions
from lambdapack.workflows.verified_build import build_and_inspect


@click.command("build")
@function_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the artifact here (one function only).",
)
@output_options
def command(
    function_names: tuple[str, ...],
    config: Path | None,
    output: Path | None,
    form: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Build the artifact of the configured functions and inspect it. A rejected build leaves the old artifact."""
    settings = load_settings(config, Path.cwd())
    functions = select_functions(settings, list(function_names))
    if output is not None and len(functions) > 1:
        raise UsageError(
            f"--output names one file, but {len(functions)} functions would be built", hint="add --function NAME"
        )
    statuses = []
    for function in functions:
        watch = Stopwatch()
        with progress() as tell:
            built = build_and_inspect(
                function, root=settings.folder, output=output.resolve() if output else None, progress=tell
            )
        statuses.append(show(built.report, form, verbose=verbose, quiet=quiet, seconds=watch.seconds))
    return worst_exit_status(statuses)
