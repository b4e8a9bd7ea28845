"""Builds the configured functions that were asked for, and says what became of each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lambdapack.cli.app import say
from lambdapack.cli.options import FunctionChoice, Judging, Reporting, TestChoice
from lambdapack.cli.output import exit_status, progress, publish, said
from lambdapack.errors import EXIT_MISSING, EXIT_OK, UsageError, worst_exit_status
from lambdapack.memo import Readings, State, remember
from lambdapack.settings import FunctionSettings, load_settings, select_functions, with_their_layers

if TYPE_CHECKING:
    from lambdapack.report import Report
    from lambdapack.workflows.import_test import AttemptOptions
    from lambdapack.workflows.several_builds import Job, Outcome
    from lambdapack.workflows.verified_build import Compression


def build_all(
    chosen: FunctionChoice,
    judging: Judging,
    *,
    test: AttemptOptions | None,
    require_test: bool,
    exit_zero: bool,
    push: bool,
    show_as: Reporting,
    verify: bool = True,
    cached: bool = True,
    bill: bool = False,
    compress: Compression = "usual",
) -> int:
    """Builds, inspects (unless `verify` is False) and, with `test`, imports each function; returns the worst exit
    status. What it takes that all is well is kept for the next time (`memo`), but for an import test.

    Images go into the container engine, where one answers, and with `push` into their registries.
    """
    from lambdapack.workflows.several_builds import build_several

    readings = Readings()
    jobs = _jobs(
        chosen, judging, test, readings, show_as=show_as, verify=verify, cached=cached, bill=bill, compress=compress
    )
    if push:
        _check_pushable([job.function for job in jobs])
        jobs = [replace(job, push=True) for job in jobs]
    with progress(quiet=show_as.quiet) as tell:
        outcomes = list(build_several(jobs, chosen.jobs, tell))
    statuses = [_say(outcome, exit_zero=exit_zero, require_test=require_test) for outcome in outcomes]
    publish(_reports(outcomes), show_as, several=len(outcomes) > 1)
    status = worst_exit_status(statuses)
    if status == EXIT_OK and test is None and cached and not exit_zero and not push and not show_as.writes_files:
        _remember(outcomes, readings, show_as)
    return status


def attempt_options(test: TestChoice) -> AttemptOptions:
    """Returns how the import test is to run."""
    from lambdapack.workflows.import_test import AttemptOptions

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


def _jobs(
    chosen: FunctionChoice,
    judging: Judging,
    test: AttemptOptions | None,
    readings: Readings,
    *,
    show_as: Reporting,
    verify: bool,
    cached: bool,
    bill: bool,
    compress: Compression,
) -> list[Job]:
    """Returns what is to be built: the functions that were asked for, and their layers before them."""
    from lambdapack.workflows.several_builds import Job
    from lambdapack.workflows.verified_build import BuildOptions

    settings = load_settings(chosen.config, Path.cwd(), readings.file)
    functions = select_functions(settings, chosen.function_names)
    if chosen.output is not None and len(functions) > 1:
        raise UsageError(
            f"--output names one file, but {len(functions)} functions would be built", hint="name the function"
        )
    if judging.baseline is not None:
        readings.file(judging.baseline)
    options = BuildOptions(
        root=settings.folder,
        fail_on=judging.severity,
        selection=judging.selection() if verify else None,
        verify=verify,
        cached=cached,
        details=show_as.wants_details,
        locked=chosen.locked,
        bill=bill,
        compress=compress,
    )
    output = chosen.output.resolve() if chosen.output else None
    return [
        Job(function, replace(options, output=output if _is_named(function, chosen) else None), test)
        for function in with_their_layers(settings, functions)
    ]


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


def _say(outcome: Outcome, *, exit_zero: bool, require_test: bool) -> int:
    """Tells on standard error what is no part of the report; returns the exit status of one function."""
    if outcome.built is None:
        assert outcome.error is not None
        say("error", f"{outcome.function.name}: {outcome.error}", outcome.error.hint)
        return outcome.error.exit_status
    click.echo(_notes(outcome), nl=False, err=True)
    report = outcome.built.report
    tested = report.import_test
    if require_test and tested is not None and tested["status"] == "not-run":
        return max(EXIT_MISSING, exit_status(report, exit_zero=exit_zero))
    return exit_status(report, exit_zero=exit_zero)


def _notes(outcome: Outcome) -> str:
    """What is to be known of one build besides its report, in lines."""
    assert outcome.built is not None
    used = {item.pattern for item in outcome.built.result.left_out if item.by_user}
    lines = [
        f"note: {outcome.function.name}: the exclude pattern {pattern!r} takes nothing out"
        for pattern in outcome.function.exclude
        if pattern not in used
    ]
    lines += [f"warning: {outcome.function.name}: {words}" for words in outcome.built.warnings]
    if not outcome.built.report.inspected:
        path = outcome.built.report.artifact.path
        lines.append(f"warning: {path} WAS NOT INSPECTED (--no-verify): see what is wrong: lambdapack inspect {path}")
    return "".join(f"{line}\n" for line in lines)


def _reports(outcomes: Sequence[Outcome]) -> list[tuple[Report, float]]:
    """The reports on what was built, each with the seconds that it took."""
    return [(outcome.built.report, outcome.seconds) for outcome in outcomes if outcome.built is not None]


def _remember(outcomes: Sequence[Outcome], readings: Readings, show_as: Reporting) -> None:
    outputs: dict[str, State | None] = {}
    for outcome in outcomes:
        assert outcome.built is not None
        readings.join(outcome.built.readings)
        outputs |= outcome.built.result.states
    later = [(replace(report, unchanged=True), seconds) for report, seconds in _reports(outcomes)]
    text = said(later, show_as, several=len(outcomes) > 1)
    remember(sys.argv[1:], readings, outputs, out=text, err="".join(map(_notes, outcomes)))
