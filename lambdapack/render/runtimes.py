"""Reports on one artifact for several runtimes, as a table with one plain line for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lambdapack.finding import Finding, Severity
from lambdapack.render.measures import counted
from lambdapack.render.text import TextStyle, plain, render_text
from lambdapack.report import Report


def render_runtimes(reports: Sequence[Report], style: TextStyle) -> str:
    """Returns the table; with `verbose` the whole reports stand before it."""
    lines = []
    if style.verbose:
        lines += [f"{style.paint('bold', report.runtime)}\n{render_text(report, style)}" for report in reports]
    first = reports[0]
    assumed = [text for text in first.assumed if all(text in report.assumed for report in reports)]
    lines += [style.paint("dim", f"assumed {text}") for text in assumed]
    lines.append(f"{plain(first.artifact.path)} on {first.architecture}")
    width = max(len(report.runtime) for report in reports)
    for report in reports:
        word = style.paint("error", "FAIL") if report.failed else style.paint("ok", "ok  ")
        lines.append(f"  {report.runtime:{width}}  {word}  {plain(runtime_line(report))}")
    failed = next((report.runtime for report in reports if report.failed), None)
    if failed is not None and not style.verbose:
        lines.append(style.paint("dim", f"-v shows every finding, --runtime {failed} alone those for {failed}"))
    return "\n".join(lines) + "\n"


def runtime_line(report: Report) -> str:
    """Says in one line what one runtime would make of the artifact."""
    counts = [
        counted(report.count(severity), severity.value)
        for severity in (Severity.WARNING, Severity.INFO)
        if report.count(severity) and severity.rank <= max(Severity.WARNING.rank, report.fail_on.rank)
    ]
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if errors:
        return "; ".join((f"fails on {report.runtime}: " + ", ".join(_causes(errors)), *counts))
    if report.failed:
        said = f"not good enough for {report.runtime} (--fail-on {report.fail_on})"
    elif report.handler:
        said = f"loads on {report.runtime}"
    else:
        said = f"nothing found against {report.runtime} (no handler given)"
    return "; ".join((said, *counts))


def _causes(errors: list[Finding]) -> Iterator[str]:
    """What fails, a kind at a time: `4 files: wrong-python-abi (Python 3.12, Linux x86_64)`."""
    kinds: dict[str, list[Finding]] = {}
    for finding in errors:
        kinds.setdefault(finding.code, []).append(finding)
    for code, found in kinds.items():
        first = found[0]
        places = {finding.path for finding in found}
        subjects = {str(finding.evidence.get("found")) for finding in found if finding.evidence.get("found")}
        said = f" ({subjects.pop()})" if len(subjects) == 1 else ""
        if len(found) == 1:
            yield f"{first.message} ({code})"
        else:
            yield f"{len(places)} {'file' if len(places) == 1 else 'files'}: {first.name}{said} ({code})"
