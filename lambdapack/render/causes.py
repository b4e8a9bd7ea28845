"""Findings grouped by cause, as people count them: twenty files too new for glibc are one cause in twenty places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lambdapack.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Cause:
    """What several findings say alike, the worst of them first."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @property
    def severity(self) -> Severity:
        return self.first.severity

    @property
    def places(self) -> tuple[str, ...]:
        """The paths that are as bad as the worst; those of milder findings are not among them."""
        return tuple(item.path for item in self.findings if item.path and item.severity is self.severity)

    @property
    def milder(self) -> tuple[Finding, ...]:
        """The findings that are less bad: the same cause where less depends on it."""
        return tuple(item for item in self.findings if item.severity is not self.severity)


def causes_of(findings: Iterable[Finding]) -> list[Cause]:
    """Groups findings that differ in their place only; the order of the first ones is kept."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.message, finding.fix), []).append(finding)
    return [Cause(tuple(group)) for group in groups.values()]
