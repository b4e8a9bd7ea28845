"""A diagnosis as text for a person, and as JSON, version 1: a contract, described by `diagnosis.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from lambdapack import __version__
from lambdapack.diagnosed import Cause, Diagnosis, Message, Problem, Unknown
from lambdapack.finding import Finding, Json, Severity
from lambdapack.render.folding import fold
from lambdapack.render.json_format import finding_to_data, report_to_data
from lambdapack.render.text import TextStyle, finding_lines, plain

SCHEMA_VERSION = 1
_CONFIDENCE = {"confirmed": "ok", "likely": "warning", "possible": "warning"}
_FIXES_SHOWN = 4
_EVIDENCE_SHOWN = 3


def diagnosis_schema() -> Json:
    """Returns the JSON Schema that every rendered diagnosis fulfils."""
    return json.loads(Path(__file__).with_name("diagnosis.schema.json").read_text(encoding="utf-8"))


def diagnosis_to_data(diagnosis: Diagnosis) -> dict[str, Json]:
    """Returns a diagnosis as JSON data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "found": diagnosis.found,
        "artifact": diagnosis.artifact,
        "runtime": diagnosis.runtime,
        "architecture": diagnosis.architecture,
        "handler": diagnosis.handler,
        "assumed": list(diagnosis.assumed),
        "problems": [_problem_data(problem) for problem in diagnosis.problems],
        "unknown": [asdict(unknown) for unknown in diagnosis.unknown],
        "unreadable": diagnosis.unreadable,
        "also": [finding_to_data(finding) for finding in diagnosis.also],
        "report": None if diagnosis.report is None else report_to_data(diagnosis.report),
    }


def _problem_data(problem: Problem) -> dict[str, Json]:
    data: dict[str, Json] = asdict(problem)
    data["cause"] = problem.cause.name if problem.cause is not None else None
    return data


def render_diagnosis_json(diagnosis: Diagnosis) -> str:
    """Returns one JSON document with a line end."""
    return json.dumps(diagnosis_to_data(diagnosis), indent=2, ensure_ascii=False) + "\n"


def render_diagnosis_text(diagnosis: Diagnosis, style: TextStyle) -> str:
    """Returns each problem with its cause, the evidence and the fix; what else is wrong; one last line."""
    folded = [folded for line in _lines(diagnosis, style) for folded in fold(line, style.width)]
    return "\n".join(folded) + "\n"


def _lines(diagnosis: Diagnosis, style: TextStyle) -> Iterator[str]:
    for problem in diagnosis.problems:
        yield from _problem(problem, diagnosis, style)
        yield ""
    for unknown in diagnosis.unknown:
        yield from _unknown(unknown, style)
        yield ""
    if diagnosis.also:
        yield from _also(diagnosis, style)
    yield from (style.paint("dim", f"assumed {plain(assumed)}") for assumed in diagnosis.assumed)
    yield last_line(diagnosis, style)


def _problem(problem: Problem, diagnosis: Diagnosis, style: TextStyle) -> Iterator[str]:
    yield from _said(problem.message, style.paint("error", "error"), problem.pattern, style)
    cause = problem.cause
    if cause is None:
        words = "this artifact has none of what is known to cause it; was another one deployed?"
        yield f"  {style.paint('warning', 'no cause')}: {words}"
    else:
        word = style.paint(_CONFIDENCE[problem.confidence], problem.confidence)
        yield f"  cause ({word}): {style.paint('bold', plain(cause.sentence))}"
        for evidence in cause.evidence if style.verbose else cause.evidence[:_EVIDENCE_SHOWN]:
            yield f"    {f'{evidence.code}  ' if evidence.code else ''}{plain(evidence.text)}"
        if problem.misleading and cause.status != "ruled-out":
            yield style.paint("dim", f"  mind: {plain(problem.misleading)}")
        yield from _fixes(cause, style)
        if cause.status == "open":
            yield from (f"  look: {plain(text)}" for text in cause.looks)
    others = [other for other in problem.causes if other is not cause and other.status != "ruled-out"]
    for other in others if style.verbose or cause is None or cause.status != "confirmed" else ():
        yield f"  or ({other.name}): {plain(other.sentence)}"
        yield from (style.paint("dim", f"    look: {plain(text)}") for text in other.looks[:1])
    ruled_out = [other.name for other in problem.causes if other.status == "ruled-out"]
    if ruled_out:
        yield style.paint("dim", f"  ruled out by the artifact: {', '.join(ruled_out)}")
    if style.verbose:
        yield from (style.paint("dim", f"  seen: {source}") for source in problem.sources)


def _said(message: Message, head: str, name: str, style: TextStyle) -> Iterator[str]:
    times = ""
    if message.count > 1:
        span = f", {message.first} to {message.last}" if message.first and message.first != message.last else ""
        times = f"  {message.count} times{span}"
    elif message.first:
        times = f"  {message.first}"
    yield f"{head} {style.paint('bold', name)}{style.paint('dim', times)}"
    yield f"  {plain(message.text)}"


def _fixes(cause: Cause, style: TextStyle) -> Iterator[str]:
    shown = cause.fixes if style.verbose else cause.fixes[:_FIXES_SHOWN]
    for number, fix in enumerate(shown):
        text = plain(fix)
        yield f"  fix: {text}" if number == 0 else f"       {text}"


def _unknown(unknown: Unknown, style: TextStyle) -> Iterator[str]:
    yield from _said(unknown.message, style.paint("warning", "unknown"), "no pattern knows this message", style)
    for near in unknown.nearest:
        yield f"  nearest: {near.pattern} ({near.likeness:.0%} alike): {plain(near.title)}"


def shown_beside(diagnosis: Diagnosis, *, verbose: bool) -> tuple[Finding, ...]:
    """Returns what else is wrong and worth a look: beside an explained error only errors, unless `verbose`."""
    if verbose or not diagnosis.problems:
        return diagnosis.also
    return tuple(finding for finding in diagnosis.also if finding.severity is Severity.ERROR)


def _also(diagnosis: Diagnosis, style: TextStyle) -> Iterator[str]:
    shown = shown_beside(diagnosis, verbose=style.verbose)
    if shown:
        yield f"what else is wrong in {plain(diagnosis.artifact or 'the artifact')}:"
        for finding in shown:
            yield from finding_lines(finding, style)
        yield ""
    hidden = len(diagnosis.also) - len(shown)
    if hidden:
        yield style.paint("dim", f"and {hidden} warning{'' if hidden == 1 else 's'}: lambdapack inspect, or -v")


def last_line(diagnosis: Diagnosis, style: TextStyle) -> str:
    """Returns the verdict: whether a cause was found, for how many of the errors, on what."""
    explained = sum(problem.cause is not None for problem in diagnosis.problems)
    total = len(diagnosis.problems) + len(diagnosis.unknown)
    word = style.paint("ok", "cause found") if diagnosis.found else style.paint("error", "no cause found")
    parts = [word, f"{explained} of {total} error{'' if total == 1 else 's'} explained"]
    if not total:
        parts = [word, "no error in what was given"]
    confirmed = sum(problem.confidence == "confirmed" for problem in diagnosis.problems)
    if diagnosis.unreadable is not None:
        parts.append(f"{plain(diagnosis.artifact or '')} cannot be opened: {plain(diagnosis.unreadable)}")
    elif diagnosis.artifact is not None:
        parts.append(f"{confirmed} confirmed on {plain(diagnosis.artifact)}")
        parts.append(f"{diagnosis.runtime} {diagnosis.architecture}")
    else:
        parts.append("without the artifact: --artifact confirms or rules out")
    return "  ".join(parts)
