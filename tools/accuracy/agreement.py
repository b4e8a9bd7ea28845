"""One sample judged twice: by inspecting it, and by importing its handler with the interpreter it is for.

The import is the truth. Where the import could not be run, or failed for something that this machine lacks, there is
no truth, and the sample counts for nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Literal

from tools.accuracy.samples import Sample

Outcome = Literal["right", "false error", "missed", "only warned", "no truth"]

# An import on this machine says nothing about sizes and modes.
_OTHER_MATTERS = ("PKG",)
_NOT_HERE = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """A sample with both verdicts. `works` is the import's, None without one; `said` are the static findings that are
    errors or warnings, in words; `truth` is what the import raised or why there was none."""

    sample: Sample
    outcome: Outcome
    works: bool | None
    said: tuple[str, ...]
    truth: str
    seconds: float


def judge(sample: Sample, *, time_limit: float = 120.0) -> Judged:
    """Inspects and imports a sample with the command line."""
    report = _report("inspect", sample)
    if report is None:
        raise RuntimeError(f"{sample.label}: cannot be inspected")
    tested = _report("test", sample, "--backend", "local", "--timeout", str(time_limit), "--no-python-downloads")
    findings = [item for item in report["findings"] if not item["code"].startswith(_OTHER_MATTERS)]
    if bugs := [item["message"] for item in findings if item["code"].startswith("BUG")]:
        raise RuntimeError(f"{sample.label}: {bugs}")
    errors = [item for item in findings if item["severity"] == "error"]
    warnings = [item for item in findings if item["severity"] == "warning"]
    attempt: dict[str, Any] = tested["import_test"] if tested else {"status": "not-run"}
    works = {"ok": True, "failed": False}.get(attempt["status"])
    truth = attempt.get("error_message") or attempt.get("reason") or ""
    outcome = _compare(works, bool(errors), bool(warnings))
    said = tuple(
        f"{item['severity']} {item['code']} {item['path'] or ''}: {item['message']}" for item in errors + warnings
    )
    return Judged(sample, outcome, works, said, truth, report["timings"]["total"])


def _report(verb: str, sample: Sample, *options: str) -> dict[str, Any] | None:
    """Returns the report, None where the job could not be done here (exit status 4)."""
    command = [sys.executable, "-m", "lambdapack", verb, str(sample.archive), "--format", "json", *options]
    command += ["--runtime", f"python{sample.python}", "--arch", "x86_64", "--handler", "handler.lambda_handler"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == _NOT_HERE:
        return None
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"{sample.label}: {verb}: exit {done.returncode}: {done.stderr[-500:]}") from None
    return report


def _compare(works: bool | None, errors: bool, warnings: bool) -> Outcome:
    if works is None:
        return "no truth"
    if works:
        return "false error" if errors else "right"
    if errors:
        return "right"
    return "only warned" if warnings else "missed"
