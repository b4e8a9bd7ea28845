"""Where results and progress go: standard output for the report, standard error, on a terminal only, for progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from lambdapack.cli.options import Presentation
from lambdapack.errors import EXIT_BUG, EXIT_FINDINGS, EXIT_OK, worst_exit_status
from lambdapack.render.json_format import render_json, render_json_reports
from lambdapack.render.runtimes import render_runtimes
from lambdapack.render.text import TextStyle, render_text
from lambdapack.report import Report


def colour_on(stream: object) -> bool:
    """Colours only for a terminal that can show them; NO_COLOR forbids, FORCE_COLOR demands (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def show(report: Report, show_as: Presentation, *, exit_zero: bool = False, seconds: float) -> int:
    """Prints a report on standard output and returns the exit status it stands for."""
    text = render_json(report) if show_as.form == "json" else shown(report, show_as, seconds=seconds)
    click.echo(text, nl=False, color=True)
    return exit_status(report, exit_zero=exit_zero)


def shown(report: Report, show_as: Presentation, *, seconds: float) -> str:
    """Returns what people are shown of a report, which may be nothing."""
    if show_as.quiet and not report.failed:
        return ""
    return render_text(report, text_style(show_as), seconds=seconds)


def shown_json(reports: Sequence[Report], *, several: bool) -> str:
    """Returns one JSON document: the report, or all of them when several were asked for."""
    return render_json_reports(reports) if several else render_json(reports[0])


def show_runtimes(reports: Sequence[Report], show_as: Presentation, *, exit_zero: bool) -> int:
    """Prints the reports on one artifact for several runtimes and returns the worst exit status."""
    if show_as.form == "json":
        click.echo(shown_json(reports, several=True), nl=False, color=True)
    elif not show_as.quiet or any(report.failed for report in reports):
        click.echo(render_runtimes(reports, text_style(show_as)), nl=False, color=True)
    return worst_exit_status([exit_status(report, exit_zero=exit_zero) for report in reports])


def exit_status(report: Report, *, exit_zero: bool = False) -> int:
    """Returns the exit status of a report; `exit_zero` changes only that of findings."""
    if report.has_bug:
        return EXIT_BUG
    return EXIT_FINDINGS if report.failed and not exit_zero else EXIT_OK


def text_style(show_as: Presentation) -> TextStyle:
    """Returns how text is written to standard output."""
    return TextStyle(colour=colour_on(sys.stdout), verbose=show_as.verbose)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yields a function that shows what is going on, on a terminal; elsewhere, or when `quiet`, it says nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


class Stopwatch:
    """Measures a whole command, in seconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started
