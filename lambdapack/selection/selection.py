"""What the user has said about findings, and what it does to a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase

from lambdapack.checking import Check
from lambdapack.finding import Finding
from lambdapack.report import BUG_CODE, Report, Suppressed
from lambdapack.selection.baseline import Baseline
from lambdapack.selection.codes import expand_codes
from lambdapack.settings import Ignore


@dataclass(frozen=True)
class Selection:
    """`select` are the codes of the checks that are run (None: all), `ignore` those whose findings do not count,
    `rules` the ignores of the configuration. `today` decides which of them have ended."""

    select: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    rules: tuple[Ignore, ...] = ()
    baseline: Baseline = field(default_factory=Baseline)
    today: date = field(default_factory=date.today)

    def with_rules(self, rules: tuple[Ignore, ...]) -> Selection:
        """Returns the same with the ignores of a configuration; `UsageError` for one that means no check."""
        for rule in rules:
            expand_codes([rule.code], rule.place)
        return replace(self, rules=rules)

    def runs(self, check: Check) -> bool:
        """True for a check whose findings are wanted."""
        return self.select is None or check.code in self.select

    def apply(self, report: Report) -> Report:
        """Returns the report with what does not count set apart, and with a note for each ignore that has ended."""
        kept: list[Finding] = []
        apart: list[Suppressed] = []
        for finding in report.findings:
            suppressed = None if finding.code == BUG_CODE else self._suppressed(finding, report)
            if suppressed is None:
                kept.append(finding)
            else:
                apart.append(suppressed)
        ended = [rule for rule in self.rules if rule.until is not None and rule.until < self.today]
        notes = tuple(
            f"{rule.place}: the ignore of {rule.code} ended on {rule.until} and counts no more ({rule.reason}); "
            "mend what it hid, or give it a new date"
            for rule in ended
        )
        skipped = tuple(item for item in report.skipped if item.code not in self.ignore)
        return replace(
            report, findings=tuple(kept), suppressed=tuple(apart), skipped=skipped, notes=(*report.notes, *notes)
        )

    def _suppressed(self, finding: Finding, report: Report) -> Suppressed | None:
        if finding.code in self.ignore:
            return Suppressed(finding, "option", "--ignore")
        for rule in self.rules:
            if (rule.until is None or rule.until >= self.today) and _applies(rule, finding):
                return Suppressed(finding, "configuration", rule.reason)
        if self.baseline.has(finding, report):
            return Suppressed(finding, "baseline", "was there before")
        return None


def _applies(rule: Ignore, finding: Finding) -> bool:
    if finding.code not in expand_codes([rule.code], rule.place):
        return False
    if not rule.paths:
        return True
    path = finding.path or ""
    # A pattern that is not absolute may begin at any folder, as in a .gitignore.
    return any(fnmatchcase(path, pattern if pattern.startswith("/") else f"*/{pattern}") for pattern in rule.paths)
