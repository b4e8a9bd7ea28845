"""Where results and progress go: standard output for the report, standard error, on a terminal only, for progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from lambdapack.cli.options import Presentation, Reporting
from lambdapack.errors import EXIT_BUG, EXIT_FINDINGS, EXIT_OK, MissingRequirement
from lambdapack.render.diagnosis_forms import render_diagnosis
from lambdapack.render.forms import FOR_PROGRAMS, Occasion, render
from lambdapack.render.heard import Heard
from lambdapack.render.text import TextStyle
from lambdapack.report import Report

# Narrower than this nothing can be read in lines; a terminal that does not know its width says 0.
_LEAST_COLUMNS = 40


def colour_on(stream: object) -> bool:
    """Colours only for a terminal that can show them; NO_COLOR forbids, FORCE_COLOR demands (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def publish(made: Sequence[tuple[Report, float]], show_as: Reporting, *, several: bool) -> None:
    """Prints reports in the form that was asked for, and writes those that go to files; each comes with the seconds
    that its command took.

    Raises `MissingRequirement` when a file cannot be written.
    """
    base = _write_files([report for report, _ in made], show_as, several=several)
    click.echo(said(made, show_as, several=several, base=base), nl=False, color=True)


def publish_runtimes(reports: Sequence[Report], show_as: Reporting) -> None:
    """Prints the reports on one artifact for several runtimes: as a table, or in the form that was asked for."""
    if show_as.form != "text":
        publish([(report, report.timings.get("total", 0.0)) for report in reports], show_as, several=True)
        return
    _write_files(reports, show_as, several=True)
    if not show_as.quiet or any(report.failed for report in reports):
        from lambdapack.render.runtimes import render_runtimes

        click.echo(render_runtimes(reports, text_style(show_as)), nl=False, color=True)
        click.echo(render("github", reports, Occasion()) if show_as.annotates else "", nl=False)


def said(made: Sequence[tuple[Report, float]], show_as: Reporting, *, several: bool, base: Report | None = None) -> str:
    """Returns what standard output says, which may be nothing."""
    reports = [report for report, _ in made]
    quiet = show_as.quiet and not any(report.failed for report in reports)
    if not reports or (quiet and show_as.form not in FOR_PROGRAMS):
        return ""
    style = text_style(show_as)
    if show_as.form != "text":
        seconds = made[0][1] if len(made) == 1 else None
        return render(show_as.form, reports, Occasion(style, several, seconds, base))
    texts = [
        render("text", [report], Occasion(style, seconds=seconds))
        for report, seconds in made
        if report.failed or not show_as.quiet
    ]
    return "".join(texts) + (render("github", reports, Occasion(style)) if show_as.annotates else "")


def _write_files(reports: Sequence[Report], show_as: Reporting, *, several: bool) -> Report | None:
    """Writes the reports that go to files; returns the one on the artifact that sizes are compared with."""
    if not reports:
        return None
    base = None
    if show_as.base is not None:
        from lambdapack.workflows.inspection import inspect_base

        base = inspect_base(show_as.base, reports[0])
    for form, path in show_as.files:
        _write(path, render(form, reports, Occasion(TextStyle(verbose=show_as.verbose), several, base=base)))
    _add_to_summary(show_as, lambda: render("markdown", reports, Occasion()))
    return base


def _add_to_summary(show_as: Reporting, text: Callable[[], str]) -> None:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and show_as.annotates:
        with Path(summary).open("a", encoding="utf-8") as file:  # other steps and tools have written to it already
            file.write(text())


def publish_diagnosis(heard: Heard, show_as: Reporting) -> None:
    """Prints a diagnosis in the form that was asked for, and writes those that go to files.

    Raises `MissingRequirement` when a file cannot be written.
    """
    for form, path in show_as.files:
        _write(path, render_diagnosis(form, heard, TextStyle(verbose=show_as.verbose)))
    _add_to_summary(show_as, lambda: render_diagnosis("markdown", heard, TextStyle()))
    if show_as.quiet and heard.diagnosis.found and show_as.form not in FOR_PROGRAMS:
        return
    text = render_diagnosis(show_as.form, heard, text_style(show_as))
    if show_as.annotates:
        text += render_diagnosis("github", heard, TextStyle())
    click.echo(text, nl=False, color=True)


def _write(path: Path, text: str) -> None:
    """Writes a report beside its place and moves it there: no reader ever sees half of one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise MissingRequirement(f"{path}: the report cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def exit_status(report: Report, *, exit_zero: bool = False) -> int:
    """Returns the exit status of a report; `exit_zero` changes only that of findings."""
    if report.has_bug:
        return EXIT_BUG
    return EXIT_FINDINGS if report.failed and not exit_zero else EXIT_OK


def text_style(show_as: Presentation | Reporting) -> TextStyle:
    """Returns how text is written to standard output."""
    return TextStyle(colour=colour_on(sys.stdout), verbose=show_as.verbose, width=_columns())


def _columns() -> int | None:
    """The width of the terminal that standard output is, or what COLUMNS says; None where lines go to a program."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return max(int(said), _LEAST_COLUMNS)
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, _LEAST_COLUMNS) if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


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
