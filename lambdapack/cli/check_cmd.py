"""`lambdapack check`: build, inspect and import-test."""

from __future__ import annotations

from typing import Literal

import click

from lambdapack.cli.functions import attempt_options, build_all
from lambdapack.cli.options import (
    FunctionChoice,
    Judging,
    Reporting,
    TestChoice,
    compress_option,
    exit_zero_option,
    function_options,
    judging_options,
    no_cache_option,
    report_options,
    sbom_option,
    test_options,
)


@click.command("check")
@function_options
@click.option("--require-test", is_flag=True, help="Fail (exit 4) when the import test cannot be run here.")
@test_options
@judging_options
@exit_zero_option
@sbom_option
@compress_option
@no_cache_option
@report_options
def command(
    chosen: FunctionChoice,
    require_test: bool,
    test: TestChoice,
    judging: Judging,
    exit_zero: bool,
    sbom: bool,
    compress: Literal["usual", "best", "smallest"],
    no_cache: bool,
    show_as: Reporting,
) -> int:
    """Build the configured functions, inspect what was built, and import the handler from it."""
    options = attempt_options(test)
    return build_all(
        chosen,
        judging,
        test=options,
        require_test=require_test,
        exit_zero=exit_zero,
        push=False,
        show_as=show_as,
        cached=not no_cache,
        bill=sbom,
        compress=compress,
    )
