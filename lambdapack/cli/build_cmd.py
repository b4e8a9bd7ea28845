"""`lambdapack build`."""

from __future__ import annotations

from typing import Literal

import click

from lambdapack.cli.functions import build_all
from lambdapack.cli.options import (
    FunctionChoice,
    Judging,
    Reporting,
    compress_option,
    function_options,
    judging_options,
    no_cache_option,
    report_options,
    sbom_option,
)


@click.command("build")
@function_options
@judging_options
@click.option("--push", is_flag=True, help="Push container images to the registry that their names begin with.")
@click.option("--no-verify", is_flag=True, help="Put the artifact in place without inspecting it. For measuring.")
@sbom_option
@compress_option
@no_cache_option
@report_options
def command(
    chosen: FunctionChoice,
    judging: Judging,
    push: bool,
    no_verify: bool,
    sbom: bool,
    compress: Literal["usual", "best", "smallest"],
    no_cache: bool,
    show_as: Reporting,
) -> int:
    """Build the artifacts of the configured functions (NAME …, or all) and inspect them.

    A rejected build leaves the old artifact. Where nothing has changed since the last build, nothing is done.
    """
    return build_all(
        chosen,
        judging,
        test=None,
        require_test=False,
        exit_zero=False,
        push=push,
        show_as=show_as,
        verify=not no_verify,
        cached=not no_cache,
        bill=sbom,
        compress=compress,
    )
