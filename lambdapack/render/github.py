"""Workflow commands of GitHub Actions: what they print becomes annotations of the run.

Source: docs.github.com, "Workflow commands for GitHub Actions". GitHub shows ten errors and ten warnings of a step, so
that each cause is one annotation, the worst first, and infos are left to the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lambdapack.finding import Severity
from lambdapack.render.causes import Cause, causes_of
from lambdapack.render.text import plain
from lambdapack.report import Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_PLACES_SHOWN = 5


def render_github(reports: Sequence[Report], *, verbose: bool = False) -> str:
    """Returns the annotations, one line for each; infos when `verbose`. Empty when there is nothing to say."""
    lines: list[str] = []
    for report in reports:
        causes = causes_of(report.findings)
        lines += [cause_annotation(report, item) for item in causes if verbose or item.severity is not Severity.INFO]
        tested = report.import_test
        if tested is not None and tested["status"] == "not-run":
            lines.append(annotation("warning", f"{report.artifact.path}: import test NOT RUN", [str(tested["reason"])]))
    return "".join(f"{line}\n" for line in lines)


def cause_annotation(report: Report, cause: Cause) -> str:
    """Returns the annotation of a cause."""
    first = cause.first
    title = f"{first.code} {first.name} ({report.artifact.path}, {report.runtime})"
    return annotation(_COMMANDS[cause.severity], title, list(_said(cause)))


def _said(cause: Cause) -> Iterator[str]:
    first = cause.first
    places = cause.places
    if places:
        more = len(places) - _PLACES_SHOWN
        yield ", ".join(places[:_PLACES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    yield first.message
    yield f"fix: {first.fix}"


def annotation(name: str, title: str, lines: list[str]) -> str:
    """Returns a workflow command: `name` is `error`, `warning` or `notice`.

    It is one line: line ends, and in a property also `:` and `,`, are percent-encoded.
    """
    message = "\n".join(map(plain, lines))
    return f"::{name} title={_property(plain(title))}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
