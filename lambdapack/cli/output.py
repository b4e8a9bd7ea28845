"""Where results and progress go: standard output for the report, standard error, on a terminal only, for progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from lambdapack.errors import EXIT_BUG, EXIT_FINDINGS, EXIT_OK
from lambdapack.render.json_format import render_json, render_json_reports
from lambdapack.render.text import TextStyle, render_text
from lambdapack.report import Report


def colour_on(stream: object) -> bool:
    """Colours only for a terminal that can show them; NO_COLOR forbids, FORCE_COLOR demands (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def show(report: Report, form: str, *, verbose: bool, quiet: bool, seconds: float) -> int:
    """Prints a report on standard output and returns the exit status it stands for."""
    if form == "json":
        click.echo(render_json(report), nl=False, color=True)
    elif not quiet or report.failed:
        style = TextStyle(colour=colour_on(sys.stdout), verbose=verbose)
        click.echo(render_text(report, style, seconds=seconds), nl=False, color=True)
    return exit_status(report)


def show_json(reports: Sequence[Report], *, several: bool) -> None:
    """Prints one JSON document: the report, or all of them when several were asked for."""
    click.echo(render_json_reports(reports) if several else render_json(reports[0]), nl=False, color=True)


def exit_status(report: Report) -> int:
    """Returns the exit status of a report."""
    if report.has_bug:
        return EXIT_BUG
    return EXIT_FINDINGS if report.failed else EXIT_OK


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
