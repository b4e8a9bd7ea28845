"""Builds configured functions one after the other: what fails for one does not keep the others from being built."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from lambdapack.cli.app import say
from lambdapack.cli.options import FunctionChoice, Judging, Presentation, TestChoice
from lambdapack.cli.output import Stopwatch, exit_status, progress, show, show_json
from lambdapack.errors import EXIT_MISSING, LambdapackError, UsageError, worst_exit_status
from lambdapack.report import Report
from lambdapack.settings import FunctionSettings, load_settings, select_functions, with_their_layers
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.verified_build import VerifiedBuild, build_and_inspect


def build_all(
    chosen: FunctionChoice,
    judging: Judging,
    *,
    test: AttemptOptions | None,
    require_test: bool,
    exit_zero: bool,
    push: bool,
    show_as: Presentation,
) -> int:
    """Builds, inspects and, with `test`, imports each function; returns the worst exit status.

    Images go into the container engine, where one answers, and with `push` into their registries.
    """
    functions, root = _selected(chosen)
    if push:
        _check_pushable(functions)
    selection = judging.selection()
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
                    fail_on=judging.severity,
                    selection=selection,
                    output=chosen.output.resolve() if chosen.output and _is_named(function, chosen) else None,
                    progress=tell,
                )
                report = built.report
                if built.result.image is not None and not built.result.rejected:
                    from lambdapack.workflows.image_delivery import deliver

                    report = replace(report, told=(*report.told, deliver(built.result, push=push, progress=tell)))
        except LambdapackError as error:
            say("error", f"{function.name}: {error}", error.hint)
            statuses.append(error.exit_status)
            continue
        _note_unused_patterns(function, built)
        reports.append(report)
        if show_as.form != "json":
            show(report, show_as, seconds=watch.seconds)
        statuses.append(exit_status(report, exit_zero=exit_zero))
        tested = report.import_test
        if require_test and tested is not None and tested["status"] == "not-run":
            statuses.append(EXIT_MISSING)
    if show_as.form == "json" and reports:
        show_json(reports, several=len(functions) > 1)
    return worst_exit_status(statuses)


def attempt_options(test: TestChoice) -> AttemptOptions:
    """Returns how the import test is to run."""
    return AttemptOptions(
        test.no_python_downloads,
        test.timeout,
        test.variables,
        backend=test.backend,
        image=test.image,
        rootfs=test.rootfs,
        all_modules=test.all_modules,
        max_init=test.max_init,
    )


def _selected(chosen: FunctionChoice) -> tuple[list[FunctionSettings], Path | None]:
    """Returns the functions to build, their layers before them, and the folder of their configuration."""
    settings = load_settings(chosen.config, Path.cwd())
    functions = select_functions(settings, chosen.function_names)
    if chosen.output is not None and len(functions) > 1:
        raise UsageError(
            f"--output names one file, but {len(functions)} functions would be built", hint="add --function NAME"
        )
    return with_their_layers(settings, functions), settings.folder


def _check_pushable(functions: list[FunctionSettings]) -> None:
    """Raises `UsageError` before anything is built, where nothing could be pushed afterwards."""
    from lambdapack.workflows.image_delivery import check_pushable

    images = [function for function in functions if function.package == "image"]
    if not images:
        raise UsageError("--push: none of these functions is a container image", hint='write package = "image"')
    for function in images:
        check_pushable(function.packing.image or function.name)


def _is_named(function: FunctionSettings, chosen: FunctionChoice) -> bool:
    """True for what was asked for, False for a layer that comes with it."""
    return not chosen.function_names or function.name in chosen.function_names


def _note_unused_patterns(function: FunctionSettings, built: VerifiedBuild) -> None:
    used = {item.pattern for item in built.result.left_out if item.by_user}
    for pattern in function.exclude:
        if pattern not in used:
            click.echo(f"note: {function.name}: the exclude pattern {pattern!r} takes nothing out", err=True)
