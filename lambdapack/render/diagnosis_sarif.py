"""A diagnosis as SARIF 2.1.0: a rule for each pattern, a result for each error at its line of the log; what else is
wrong in the artifact as an inspection reports it."""

from __future__ import annotations

import hashlib
import json

from lambdapack.catalogue import all_checks
from lambdapack.diagnosed import Message, Problem
from lambdapack.finding import Json
from lambdapack.render.heard import Heard, cause_text
from lambdapack.render.sarif import (
    SCHEMA,
    artifact_entry,
    check_rule,
    driver,
    finding_result,
    root_entry,
    uri_of,
)

_UNKNOWN = "unknown-message"


def render_diagnosis_sarif(heard: Heard) -> str:
    """Returns one JSON document with a line end."""
    found = heard.diagnosis
    rules: dict[str, Json] = {problem.pattern: _rule(problem) for problem in found.problems}
    if found.unknown:
        rules[_UNKNOWN] = _described(_UNKNOWN, "An error that no pattern knows.", "", ())
    checks = {check.code: check for check in all_checks()}
    for finding in found.also:
        rules[finding.code] = check_rule(checks[finding.code]) if finding.code in checks else {"id": finding.code}
    numbers = {name: number for number, name in enumerate(rules)}
    results = [_problem(heard, problem, numbers[problem.pattern]) for problem in found.problems]
    results += [
        {
            **_result(heard, unknown.message, _UNKNOWN, numbers[_UNKNOWN]),
            "level": "warning",
            "message": {"text": f"No pattern knows this message: {unknown.message.text}"},
        }
        for unknown in found.unknown
    ]
    artifacts: list[Json] = []
    if found.report is not None:
        artifacts.append(artifact_entry(found.report))
        results += [finding_result(found.report, finding, numbers[finding.code]) for finding in found.also]
    run = {
        "tool": {"driver": driver(list(rules.values()))},
        "automationDetails": {"id": f"lambdapack/diagnose/{found.artifact or heard.origin or 'log'}/"},
        "originalUriBaseIds": root_entry(),
        "artifacts": artifacts,
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {"runtime": found.runtime, "architecture": found.architecture, "handler": found.handler},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(problem: Problem) -> Json:
    return _described(problem.pattern, problem.title, problem.misleading or "", problem.sources)


def _described(name: str, title: str, more: str, sources: tuple[str, ...]) -> Json:
    full = f"{title} {more}".rstrip()
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": full},
        "help": {"text": "\n".join([full, *sources])},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["aws-lambda", "diagnosis"]},
    }


def _problem(heard: Heard, problem: Problem, rule: int) -> Json:
    fixes = problem.cause.fixes if problem.cause is not None else ()
    said = [problem.message.text, f"Cause: {cause_text(problem)}", *(f"Fix: {fix}" for fix in fixes)]
    return {
        **_result(heard, problem.message, problem.pattern, rule),
        "level": "error",
        "message": {"text": "\n".join(said)},
        "properties": {
            "confidence": problem.confidence,
            "cause": problem.cause.name if problem.cause is not None else None,
            "evidence": [item.text for item in problem.cause.evidence] if problem.cause is not None else [],
            "fixes": list(fixes),
            "ruledOut": [cause.name for cause in problem.causes if cause.status == "ruled-out"],
        },
    }


def _result(heard: Heard, message: Message, rule: str, number: int) -> dict[str, Json]:
    """What the results of all errors have. The fingerprint is that of the words, not of their place: the same error
    stands elsewhere in the next log."""
    located = {"artifactLocation": {"uri": uri_of(heard.origin or "log")}, "region": {"startLine": message.line}}
    words = hashlib.sha256(f"{rule}\0{message.text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {
        "ruleId": rule,
        "ruleIndex": number,
        "locations": [{"physicalLocation": located}],
        "partialFingerprints": {"lambdapack/v1": words},
        "occurrenceCount": message.count,
    }
