"""Reports as SARIF 2.1.0, the form that code scanning services read.

A run for each report, told apart by its category (`automationDetails.id`). A result for each place of each finding;
its fingerprint is the finding's own, so that a service knows it again in the next artifact. Rules carry their whole
page. Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from lambdapack import __version__
from lambdapack.catalogue import all_checks
from lambdapack.checking import Check
from lambdapack.finding import Finding, Json, Severity
from lambdapack.render.pages import page_markdown, sections_of
from lambdapack.report import BUG_CODE, Report, Suppressed

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
# Where paths like /var/task/handler.py begin: the root that the function sees, not that of any machine.
_ROOT = "LAMBDA"


def render_sarif(reports: Sequence[Report]) -> str:
    """Returns one JSON document with a line end."""
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report) for report in reports]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _run(report: Report) -> Json:
    found = [(finding, None) for finding in report.findings]
    found += [(item.finding, item) for item in report.suppressed]  # type: ignore[misc]
    checks = {check.code: check for check in all_checks()}
    codes = sorted({finding.code for finding, _ in found})
    rules = [check_rule(checks[code]) if code in checks else {"id": code} for code in codes]
    target = f"{report.artifact.path}/{report.runtime}-{report.architecture}"
    return {
        "tool": {"driver": driver(rules)},
        "automationDetails": {"id": f"lambdapack/{target}/"},
        "originalUriBaseIds": root_entry(),
        "artifacts": [artifact_entry(report)],
        "invocations": [
            {
                "executionSuccessful": not report.has_bug,
                "toolExecutionNotifications": list(_notifications(report)),
            }
        ],
        "results": [finding_result(report, finding, codes.index(finding.code), item) for finding, item in found],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "runtime": report.runtime,
            "architecture": report.architecture,
            "handler": report.handler,
            "verdict": report.verdict,
        },
    }


def driver(rules: list[Json]) -> Json:
    """Returns what says which program made a run, with its rules."""
    return {"name": "lambdapack", "semanticVersion": __version__, "rules": rules}


def root_entry() -> Json:
    """Returns what paths of an artifact's files are relative to."""
    text = "The root that the function sees: its own files are below var/task."
    return {_ROOT: {"uri": "file:///", "description": {"text": text}}}


def artifact_entry(report: Report) -> Json:
    """Returns the entry of what was inspected."""
    made: dict[str, Json] = {"location": {"uri": uri_of(report.artifact.path)}, "roles": ["analysisTarget"]}
    if report.artifact.zipped_size is not None:
        made["length"] = report.artifact.zipped_size
        made["hashes"] = {"sha-256": report.artifact.sha256}
    return made


def check_rule(check: Check) -> Json:
    """Returns a check as a rule, with its page."""
    head, sections = sections_of(check)
    return {
        "id": check.code,
        "name": "".join(word.capitalize() for word in check.name.split("-")),
        "shortDescription": {"text": head},
        "fullDescription": {"text": " ".join(next(iter(sections.values()), head).split())},
        "help": {"text": check.documentation, "markdown": page_markdown(check)},
        "defaultConfiguration": {"level": _LEVELS[Severity(check.severities[0])]},
        "properties": {"tags": ["aws-lambda", check.code[:3]]},
    }


def finding_result(report: Report, finding: Finding, rule: int, suppressed: Suppressed | None = None) -> Json:
    """Returns a finding as a result; `rule` is the index of its rule."""
    place: dict[str, Json] = {"uri": uri_of(report.artifact.path), "index": 0}
    if finding.path:
        place = {"uri": uri_of(finding.path.lstrip("/")), "uriBaseId": _ROOT}
    line = finding.evidence.get("line")
    # Services show no location without a line; the first one stands for the whole file.
    region = {"startLine": line if finding.path and isinstance(line, int) and line > 0 else 1}
    located = {"artifactLocation": place, "region": region}
    made: dict[str, Json] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": "error" if finding.code == BUG_CODE else _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}\nFix: {finding.fix}"},
        "locations": [{"physicalLocation": located}],
        "partialFingerprints": {"lambdapack/v1": finding.fingerprint},
        "properties": {"fix": finding.fix, "evidence": dict(finding.evidence), "chain": list(finding.chain)},
    }
    if suppressed is not None:
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": suppressed.reason}]
    return made


def _notifications(report: Report) -> Iterator[Json]:
    """What a reader of the findings alone would not know: what was left out, and what is doubtful about the rest."""
    for note in report.notes:
        yield {"level": "warning", "message": {"text": note}}
    for skipped in report.skipped:
        what = ", ".join(filter(None, (skipped.code, skipped.path)))
        yield {"level": "note", "message": {"text": f"skipped {what or 'in part'}: {skipped.reason}"}}
    tested = report.import_test
    if tested is not None and tested["status"] == "not-run":
        yield {"level": "warning", "message": {"text": f"import test not run: {tested['reason']}"}}


def uri_of(path: str) -> str:
    """Returns a reference by RFC 3986, relative unless the path is absolute; of an image, its name as it was given."""
    quoted = quote(path.replace("\\", "/"), safe="/@:~!$&'()*+,;=-._")
    return f"file://{quoted}" if quoted.startswith("/") else quoted
