"""The result of an inspection before it is rendered: plain data, shaped as `report.schema.json` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lambdapack.finding import Finding, Json, Severity

BUG_CODE = "BUG001"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part that could not be looked at, and why. Shown to the user: never a silent pass."""

    code: str | None
    path: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that does not count, and why: ignored by an option or in the configuration, or in the baseline."""

    finding: Finding
    by: Literal["option", "configuration", "baseline"]
    reason: str


@dataclass(frozen=True, slots=True)
class ArtifactSummary:
    """What was looked at. Sizes are bytes; `zipped_size` and `sha256` are None for a folder. Of an image, `sha256`
    is its ID (the digest of its configuration) and `zipped_size` None."""

    path: str
    kind: str
    zipped_size: int | None
    unzipped_size: int
    files: int
    sha256: str | None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one inspection says. `assumed` names what was inferred instead of given, for the reader.

    `size_limit` is the quota for the unzipped function and layers, or for an image, in bytes. `import_test` is the
    attempt as data (`status` is `ok`, `failed` or `not-run`), None when none was asked for. `written` is False when a
    build was rejected and its output was not put in place, None when nothing was built. `inspected` is False when a
    build was told not to look at what it made, `unchanged` is True when there was nothing to build: the report is that
    of an earlier run. `suppressed` are findings that do not count. `notes` warn of something that is no property of
    the artifact. `told` is what a build has done of itself and its user should know. `timings` are seconds.
    `checks` are those that were run, names by code. `details` is data for drawings, None when none was asked for.
    """

    artifact: ArtifactSummary
    runtime: str
    architecture: str
    handler: str | None
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    size_limit: int
    fail_on: Severity = Severity.ERROR
    assumed: tuple[str, ...] = ()
    import_test: Mapping[str, Json] | None = None
    written: bool | None = None
    inspected: bool = True
    unchanged: bool = False
    suppressed: tuple[Suppressed, ...] = ()
    notes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Json] | None = None

    @property
    def has_bug(self) -> bool:
        """True when one of the checks crashed."""
        return any(finding.code == BUG_CODE for finding in self.findings)

    @property
    def failed(self) -> bool:
        """True when a finding is at or above `fail_on`."""
        return self.has_bug or any(finding.severity.rank <= self.fail_on.rank for finding in self.findings)

    @property
    def verdict(self) -> str:
        """`pass` or `fail`."""
        return "fail" if self.failed else "pass"

    def count(self, severity: Severity) -> int:
        """How many findings have exactly this severity."""
        return sum(finding.severity is severity for finding in self.findings)
