"""`lambdapack build`."""

from __future__ import annotations

import click

from lambdapack.cli.functions import build_all
from lambdapack.cli.options import (
    FunctionChoice,
    Judging,
    Presentation,
    function_options,
    judging_options,
    presentation_options,
)


@click.command("build")
@function_options
@judging_options
@click.option("--push", is_flag=True, help="Push container images to the registry that their names begin with.")
@presentation_options
def command(chosen: FunctionChoice, judging: Judging, push: bool, show_as: Presentation) -> int:
    """Build the artifact of the configured functions and inspect it. A rejected build leaves the old artifact."""
    return build_all(chosen, judging, test=None, require_test=False, exit_zero=False, push=push, show_as=show_as)
