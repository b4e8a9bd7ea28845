"""Reports as Markdown: a comment on a pull request, a step summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lambdapack.finding import Finding, Severity
from lambdapack.render.causes import Cause, causes_of
from lambdapack.render.measures import bytes_text, counted
from lambdapack.render.text import plain, skipped_lines
from lambdapack.report import Report

_MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}
_PLACES_SHOWN = 5
_CHANGES_SHOWN = 15
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|~#&"})


def render_markdown(reports: Sequence[Report], *, base: Report | None = None) -> str:
    """Returns the text. With `base`, the report on an earlier artifact, sizes are compared with its own: both need
    `details`."""
    return "\n".join(line for report in reports for line in _report(report, base))


def _report(report: Report, base: Report | None) -> Iterator[str]:
    mark = "❌" if report.failed else "✅"
    yield f"### {mark} {inline_code(report.artifact.path)} on {report.runtime} {report.architecture}"
    yield ""
    yield _sentence(report)
    yield ""
    yield from _sizes(report, base)
    shown = [finding for finding in report.findings if finding.severity is not Severity.INFO]
    for cause in causes_of(shown):
        yield from cause_lines(cause)
    yield from _rest(report)


def _sentence(report: Report) -> str:
    counts = [
        counted(report.count(severity), severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if report.count(severity)
    ]
    parts = [("Fails" if report.failed else "Passes") + (f": {', '.join(counts)}" if counts else "")]
    if report.written is False:
        parts.append("the old artifact was left in place")
    tested = report.import_test
    if tested is not None:
        outcome = {"ok": "passed", "failed": "**failed**", "not-run": "**not run**"}[str(tested["status"])]
        seconds = f" in {tested['seconds']:.2f} s" if tested["seconds"] is not None else ""
        reason = f" ({markup_free(str(tested['reason']))})" if tested["status"] == "not-run" else ""
        parts.append(f"import test {outcome}{seconds}{reason}")
    return "; ".join(parts) + "."


def _sizes(report: Report, base: Report | None) -> Iterator[str]:
    artifact = report.artifact
    rows: list[tuple[str, int, int | None, int | None]] = []
    before = base.artifact if base is not None else None
    if artifact.zipped_size is not None:
        rows.append(("zipped", artifact.zipped_size, before.zipped_size if before else None, None))
    limit = report.size_limit
    rows.append(("unzipped", artifact.unzipped_size, before.unzipped_size if before else None, limit))
    changed = f" change against {inline_code(before.path)} |" if before else ""
    yield f"| | size |{changed} of the limit |"
    yield f"|---|---:|{'---:|' if before else ''}---:|"
    for name, size, old, quota in rows:
        change = f" {_change(old, size)} |" if before else ""
        share = f"{100 * size / quota:.1f} % of {bytes_text(quota, 0)}" if quota else ""
        yield f"| {name} | {bytes_text(size)} |{change} {share} |"
    yield ""
    if base is not None:
        yield from _distributions(_weights(base), _weights(report))


def _change(old: int | None, new: int) -> str:
    if old is None:
        return "not known"
    return "none" if new == old else f"{'+' if new > old else '−'}{bytes_text(abs(new - old))}"


def _weights(report: Report) -> dict[str, tuple[str, int]]:
    """Version and bytes of each distribution."""
    found: list[Mapping[str, object]] = report.details["distributions"] if report.details else []
    return {str(item["name"]): (str(item["version"]), int(str(item["bytes"]))) for item in found}


def _distributions(old: dict[str, tuple[str, int]], new: dict[str, tuple[str, int]]) -> Iterator[str]:
    """The distributions that came, went or changed, the largest change of bytes first."""
    names = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    if not names:
        return
    absent = ("—", 0)
    names.sort(key=lambda name: (-abs(new.get(name, absent)[1] - old.get(name, absent)[1]), name))
    yield "| distribution | before | now | bytes |"
    yield "|---|---|---|---:|"
    for name in names[:_CHANGES_SHOWN]:
        before, now = old.get(name, absent), new.get(name, absent)
        texts = (markup_free(name), markup_free(before[0]), markup_free(now[0]), _change(before[1], now[1]))
        yield f"| {' | '.join(texts)} |"
    if len(names) > _CHANGES_SHOWN:
        yield f"| and {len(names) - _CHANGES_SHOWN} more | | | |"
    yield ""


def cause_lines(cause: Cause) -> Iterator[str]:
    """Yields a cause: what is wrong, its places, the way there, the fix."""
    first: Finding = cause.first
    yield f"{_MARKS[first.severity]} **{first.code}** {first.name}: {markup_free(first.message)}"
    yield ""
    places = cause.places
    for place in places[:_PLACES_SHOWN]:
        yield f"- {inline_code(place)}"
    if len(places) > _PLACES_SHOWN:
        yield f"- and {len(places) - _PLACES_SHOWN} more"
    if len(first.chain) > 1:
        yield f"- reached: {' › '.join(map(inline_code, first.chain))}"
    yield f"- **fix:** {markup_free(first.fix)}"
    yield ""


def _rest(report: Report) -> Iterator[str]:
    lines = [f"note: {note}" for note in report.notes]
    lines += skipped_lines(report)
    lines += [f"assumed {assumed}" for assumed in report.assumed]
    if report.suppressed:
        lines.append(f"not counted: {len(report.suppressed)} ignored or in the baseline")
    if not lines:
        return
    yield f"<details><summary>{counted(len(lines), 'remark')}</summary>"
    yield ""
    yield from (f"- {markup_free(line)}" for line in lines)
    yield ""
    yield "</details>"
    yield ""


def markup_free(text: str) -> str:
    """Returns a text on one line, with nothing in it that is markup: names and messages must not become markup."""
    return plain(" ".join(text.split())).translate(_SPECIAL)


def inline_code(text: str) -> str:
    """Returns an inline code span; one that holds back-quotes is fenced by more of them."""
    text = plain(text)
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"
