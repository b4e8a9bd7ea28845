"""Reports, and diagnoses, as one HTML file that needs nothing else: no network, no other file. Opened in a browser, it
can be filtered, zoomed and walked through by keyboard.

The page is drawn by the scripts in `page/`, which are put into it; what they draw is the JSON report with `details`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files

from lambdapack import __version__
from lambdapack.catalogue import all_checks
from lambdapack.diagnosed import Diagnosis
from lambdapack.finding import Finding, Json
from lambdapack.render.diagnosis_format import diagnosis_to_data
from lambdapack.render.json_format import report_to_data
from lambdapack.report import Report

# In the order in which they build on each other.
_SCRIPTS = ("elements.js", "findings.js", "treemap.js", "flame.js", "graph.js", "diagnosis.js", "report.js")
_PLACE = re.compile("@(TITLE|STYLE|DATA|SCRIPT)@")


def render_html(reports: Sequence[Report]) -> str:
    """Returns the document. Reports need their `details`."""
    data = {
        "reports": [report_to_data(report) for report in reports],
        "pages": _pages(finding for report in reports for finding in report.findings),
    }
    verdict = "fails" if any(report.failed for report in reports) else "passes"
    return _document(f"{reports[0].artifact.path} {verdict}: lambdapack", data)


def render_diagnosis_html(diagnosis: Diagnosis) -> str:
    """Returns the document."""
    data = {"diagnosis": {**diagnosis_to_data(diagnosis), "report": None}, "pages": _pages(diagnosis.also)}
    return _document(f"{'Cause' if diagnosis.found else 'No cause'} found: lambdapack", data)


def _pages(findings: Iterable[Finding]) -> dict[str, Json]:
    found = {finding.code for finding in findings}
    return {check.code: f"{check.title}\n\n{check.documentation}" for check in all_checks() if check.code in found}


def _document(title: str, data: dict[str, Json]) -> str:
    data["tool"] = {"version": __version__}
    parts = {
        "TITLE": html.escape(title),
        "STYLE": _file("report.css"),
        "DATA": _embedded(json.dumps(data, ensure_ascii=False, separators=(",", ":"))),
        "SCRIPT": '(() => {\n"use strict";\n' + "\n".join(map(_file, _SCRIPTS)) + "})();",
    }
    return _PLACE.sub(lambda place: parts[place[1]], _file("report.html"))


def _file(name: str) -> str:
    return files("lambdapack.render.page").joinpath(name).read_text(encoding="utf-8")


def _embedded(text: str) -> str:
    """JSON in a script element: nothing in it may end the element or begin a comment."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
