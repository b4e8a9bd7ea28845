"""The forms a report can take, by name. Each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lambdapack.render.text import TextStyle
from lambdapack.report import Report

FOR_PROGRAMS = ("json", "sarif", "junit", "html")
FORMS = ("text", "concise", "json", "sarif", "junit", "github", "markdown", "html")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a form may have to know besides the reports. `several`: more than one could have been asked for, so that
    JSON has a list. `seconds`: how long the whole command took. `base`: the report on an earlier artifact."""

    style: TextStyle = field(default_factory=TextStyle)
    several: bool = False
    seconds: float | None = None
    base: Report | None = None


def render(form: str, reports: Sequence[Report], occasion: Occasion) -> str:
    """Returns reports in one of `FORMS`, with a line end (`github` may have nothing to say)."""
    match form:
        case "text":
            from lambdapack.render.text import render_text

            return "".join(render_text(report, occasion.style, seconds=occasion.seconds) for report in reports)
        case "concise":
            from lambdapack.render.concise import render_concise

            return render_concise(reports, occasion.style, seconds=occasion.seconds)
        case "json":
            from lambdapack.render.json_format import render_json, render_json_reports

            return render_json_reports(reports) if occasion.several else render_json(reports[0])
        case "sarif":
            from lambdapack.render.sarif import render_sarif

            return render_sarif(reports)
        case "junit":
            from lambdapack.render.junit import render_junit

            return render_junit(reports)
        case "github":
            from lambdapack.render.github import render_github

            return render_github(reports, verbose=occasion.style.verbose)
        case "markdown":
            from lambdapack.render.markdown import render_markdown

            return render_markdown(reports, base=occasion.base)
        case "html":
            from lambdapack.render.html import render_html

            return render_html(reports)
        case _:
            raise ValueError(f"no form of a report: {form}")
