"""Builds configured functions one after the other: what fails for one does not keep the others from being built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from lambdapack.cli.app import say
from lambdapack.cli.output import Stopwatch, exit_status, progress, show, show_json
from lambdapack.errors import EXIT_MISSING, LambdapackError, UsageError, worst_exit_status
from lambdapack.finding import Severity
from lambdapack.report import Report
from lambdapack.settings import FunctionSettings, load_settings, select_functions
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.verified_build import VerifiedBuild, build_and_inspect


@dataclass(frozen=True, slots=True)
class Presentation:
    """How results are shown."""

    form: str
    verbose: bool
    quiet: bool


def selected(
    config: Path | None, names: Sequence[str], output: Path | None
) -> tuple[list[FunctionSettings], Path | None]:
    """Returns the functions to build and the folder of their configuration."""
    settings = load_settings(config, Path.cwd())
    functions = select_functions(settings, list(names))
    if output is not None and len(functions) > 1:
        raise UsageError(
            f"--output names one file, but {len(functions)} functions would be built", hint="add --function NAME"
        )
    return functions, settings.folder


def build_all(
    functions: Sequence[FunctionSettings],
    root: Path | None,
    *,
    output: Path | None,
    test: AttemptOptions | None,
    require_test: bool,
    fail_on: str,
    show_as: Presentation,
) -> int:
    """Builds, inspects and, with `test`, imports each function; returns the worst exit status."""
    statuses: list[int] = []
    reports: list[Report] = []
    for function in functions:
        watch = Stopwatch()
        try:
            with progress(quiet=show_as.quiet) as tell:
                attempt = None
                if test is not None and function.handler:
                    attempt = partial(import_handler, options=test, progress=tell)
                built = build_and_inspect(
                    function,
                    root=root,
                    attempt=attempt,
                    fail_on=Severity(fail_on),
                    output=output.resolve() if output else None,
                    progress=tell,
                )
        except LambdapackError as error:
            say("error", f"{function.name}: {error}", error.hint)
            statuses.append(error.exit_status)
            continue
        _note_unused_patterns(function, built)
        reports.append(built.report)
        if show_as.form != "json":
            show(built.report, show_as.form, verbose=show_as.verbose, quiet=show_as.quiet, seconds=watch.seconds)
        statuses.append(exit_status(built.report))
        tested = built.report.import_test
        if require_test and tested is not None and tested["status"] == "not-run":
            statuses.append(EXIT_MISSING)
    if show_as.form == "json" and reports:
        show_json(reports, several=len(functions) > 1)
    return worst_exit_status(statuses)


def environment_of(pairs: Sequence[str]) -> dict[str, str]:
    """Turns repeated `--env KEY=VALUE` into a mapping."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--env")
        found[key] = value
    return found


def _note_unused_patterns(function: FunctionSettings, built: VerifiedBuild) -> None:
    used = {item.pattern for item in built.result.left_out if item.by_user}
    for pattern in function.exclude:
        if pattern not in used:
            click.echo(f"note: {function.name}: the exclude pattern {pattern!r} takes nothing out", err=True)
