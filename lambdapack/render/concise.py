"""One line for each place of each finding, for `grep` and editors: `PATH: severity[CODE] message`."""

from __future__ import annotations

from collections.abc import Sequence

from lambdapack.finding import Finding, Severity
from lambdapack.render.text import TextStyle, plain, verdict_line
from lambdapack.report import Report


def render_concise(reports: Sequence[Report], style: TextStyle, *, seconds: float | None = None) -> str:
    """Returns the lines, and a last one for each report. What a finding has no place in is the artifact."""
    lines = []
    for report in reports:
        for finding in report.findings:
            if finding.severity is Severity.INFO and not style.verbose:
                continue
            lines.append(finding_line(finding, report, style))
        lines.append(verdict_line(report, style, seconds=seconds))
    return "\n".join(lines) + "\n"


def finding_line(finding: Finding, report: Report, style: TextStyle) -> str:
    """Returns the line of one finding."""
    word = style.paint(finding.severity.value, f"{finding.severity.value}[{finding.code}]")
    return f"{plain(finding.path or report.artifact.path)}: {word} {plain(finding.message)}"
