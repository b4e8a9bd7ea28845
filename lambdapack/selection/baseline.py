"""The findings of an earlier report, by which the new ones are told. Knows the JSON report, no artifact."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from lambdapack.errors import UsageError
from lambdapack.finding import Finding, Severity, fingerprint_of
from lambdapack.report import Report


@dataclass(frozen=True, slots=True)
class _Earlier:
    """One earlier report: what it was of, and how bad each of its findings was, by fingerprint."""

    artifact: str
    runtime: str
    architecture: str
    severities: Mapping[str, Severity]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Earlier reports. A single one stands for any artifact and runtime; of several, those of the same count."""

    reports: tuple[_Earlier, ...] = field(default=())

    def has(self, finding: Finding, report: Report) -> bool:
        """True when the finding was there before and was not less bad than it is now."""
        for earlier in self.reports:
            same = (PurePath(earlier.artifact).name, earlier.runtime, earlier.architecture)
            here = (PurePath(report.artifact.path).name, report.runtime, report.architecture)
            if len(self.reports) > 1 and same != here:
                continue
            severity = earlier.severities.get(finding.fingerprint)
            if severity is not None and severity.rank <= finding.severity.rank:
                return True
        return False


def read_baseline(path: Path) -> Baseline:
    """Reads a report that was written with `--format json`. Raises `UsageError` when it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        reports = data.get("reports", [data])
        return Baseline(tuple(_earlier(report) for report in reports))
    except OSError as error:
        raise UsageError(
            f"{path}: the baseline cannot be read: {error.strerror or error}",
            hint=f"write one: lambdapack inspect ARTIFACT --format json > {path.name}",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: is no JSON report of lambdapack",
            hint=f"write one: lambdapack inspect ARTIFACT --format json > {path.name}",
        ) from error


def _earlier(report: Mapping[str, Any]) -> _Earlier:
    severities: dict[str, Severity] = {}
    for item in _findings(report):
        fingerprint = fingerprint_of(item["code"], item["path"], item["evidence"])
        severity = Severity(item["severity"])
        severities[fingerprint] = min(severity, severities.get(fingerprint, severity), key=lambda one: one.rank)
    return _Earlier(report["artifact"]["path"], report["runtime"], report["architecture"], severities)


def _findings(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What was found then, also what was old already: a baseline may be renewed with the old one in use."""
    yield from report["findings"]
    yield from (item for item in report.get("suppressed", ()) if item["by"] == "baseline")
