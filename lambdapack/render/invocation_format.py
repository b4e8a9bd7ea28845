"""An invocation as text for a person, and as JSON, version 1: a contract, described by `invocation.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from lambdapack import __version__
from lambdapack.facts.invocations import Invocation
from lambdapack.finding import Json
from lambdapack.render.json_format import finding_to_data
from lambdapack.render.text import TextStyle, finding_lines, plain
from lambdapack.report import Report

SCHEMA_VERSION = 1
_LOG_LINES = 40


def invocation_schema() -> Json:
    """Returns the JSON Schema that every rendered invocation fulfils."""
    return json.loads(Path(__file__).with_name("invocation.schema.json").read_text(encoding="utf-8"))


def render_invocation_json(invocation: Invocation, report: Report) -> str:
    """Returns one JSON document with a line end."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "artifact": report.artifact.path,
        "runtime": report.runtime,
        "architecture": report.architecture,
        "handler": report.handler,
        "verdict": report.verdict,
        "invocation": asdict(invocation),
        "findings": [finding_to_data(finding) for finding in report.findings],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def render_invocation_text(invocation: Invocation, report: Report, style: TextStyle) -> str:
    """Returns the log, the answer, the findings, and one last line with the verdict."""
    return "\n".join(_lines(invocation, report, style)) + "\n"


def _lines(invocation: Invocation, report: Report, style: TextStyle) -> Iterator[str]:
    # The client separates the lines of a traceback by carriage returns, and indents them by no-break spaces.
    log = invocation.log.replace("\r", "\n").replace("\xa0", " ").rstrip().splitlines()
    for line in log if style.verbose else log[-_LOG_LINES:]:
        yield style.paint("dim", f"log | {plain(line)}")
    if style.verbose:
        yield from (style.paint("dim", f"emulator | {plain(line)}") for line in invocation.platform_log.splitlines())
    if invocation.payload:
        yield f"answer: {plain(invocation.payload)}"
    for finding in report.findings:
        yield from finding_lines(finding, style)
    yield from (style.paint("dim", f"assumed {assumed}") for assumed in report.assumed)
    word = style.paint("error", "FAIL") if report.failed else style.paint("ok", "ok")
    seconds = f" in {invocation.seconds:.2f} s" if invocation.seconds is not None else ""
    proof = ", ".join(part.strip() for part in invocation.proof.split(";")[:2]) or invocation.backend
    yield f"{word}  {plain(report.artifact.path)}  {plain(invocation.handler)} {invocation.status}{seconds} on {proof}"
