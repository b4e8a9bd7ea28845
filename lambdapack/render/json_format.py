"""The JSON report, version 1: a contract, described by `report.schema.json` beside this file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lambdapack import __version__
from lambdapack.finding import Finding, Json, Severity
from lambdapack.report import Report

SCHEMA_VERSION = 1


def schema() -> Json:
    """Returns the JSON Schema that every report fulfils."""
    return json.loads(Path(__file__).with_name("report.schema.json").read_text(encoding="utf-8"))


def report_to_data(report: Report) -> dict[str, Json]:
    """Returns a report as JSON data. Places with one cause stay one entry per place."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "artifact": asdict(report.artifact),
        "runtime": report.runtime,
        "architecture": report.architecture,
        "handler": report.handler,
        "assumed": list(report.assumed),
        "verdict": report.verdict,
        "findings": [finding_to_data(finding) for finding in report.findings],
        "suppressed": [
            {**finding_to_data(item.finding), "by": item.by, "reason": item.reason} for item in report.suppressed
        ],
        "skipped": [asdict(skipped) for skipped in report.skipped],
        "import_test": None if report.import_test is None else dict(report.import_test),
        "written": report.written,
        "inspected": report.inspected,
        "unchanged": report.unchanged,
        "notes": list(report.notes),
        "told": list(report.told),
        "summary": {
            **{f"{severity.value}s": report.count(severity) for severity in Severity},
            "ignored": sum(item.by != "baseline" for item in report.suppressed),
            "in_baseline": sum(item.by == "baseline" for item in report.suppressed),
            "fail_on": report.fail_on.value,
            "size_limit": report.size_limit,
        },
        "timings": {name: round(seconds, 4) for name, seconds in report.timings.items()},
        **({} if report.details is None else {"details": dict(report.details)}),
    }


def finding_to_data(finding: Finding) -> dict[str, Json]:
    """Returns one finding as JSON data."""
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "path": finding.path,
        "message": finding.message,
        "fix": finding.fix,
        "evidence": dict(finding.evidence),
        "chain": list(finding.chain),
        "fingerprint": finding.fingerprint,
    }


def render_json_reports(reports: Sequence[Report]) -> str:
    """Returns several reports as one JSON document with a line end."""
    data = {"schema_version": SCHEMA_VERSION, "reports": [report_to_data(report) for report in reports]}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def render_json(report: Report) -> str:
    """Returns the report as one JSON document with a line end."""
    return json.dumps(report_to_data(report), indent=2, ensure_ascii=False) + "\n"
