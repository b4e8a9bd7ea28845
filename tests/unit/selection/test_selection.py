"""Findings that count and findings that do not: nothing is lost on the way."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lambdapack.errors import UsageError
from lambdapack.finding import Finding, Hit, Severity
from lambdapack.render.json_format import render_json, render_json_reports
from lambdapack.report import BUG_CODE, ArtifactSummary, Report, Skipped
from lambdapack.selection import Baseline, Selection, expand_codes, read_baseline
from lambdapack.settings import Ignore

ARTIFACT = ArtifactSummary("dist/a.zip", "function", 1, 1, 1, "a" * 64)
TODAY = date(2026, 6, 1)


def finding(
    code: str = "ELF002",
    path: str | None = "/var/task/lib/a.so",
    severity: Severity = Severity.ERROR,
    message: str = "needs too much",
    **evidence: Any,
) -> Finding:
    return Finding.of(code, "a-name", Hit(path, message, "mend it", evidence, severity))


def report(*findings: Finding, **changes: Any) -> Report:
    return Report(
        **{
            "artifact": ARTIFACT,
            "runtime": "python3.13",
            "architecture": "x86_64",
            "handler": None,
            "findings": findings,
            "skipped": (),
            "size_limit": 1,
            **changes,
        }
    )


def ignore(code: str, until: date | None = None, *paths: str) -> Ignore:
    return Ignore(code, "it is meant", until, paths, "pyproject.toml: tool.lambdapack.ignore[0]")


class TestCodes:
    @pytest.mark.parametrize("text", ["ELF002", "elf002", "glibc-too-new", " ELF002 "])
    def test_one_check(self, text: str) -> None:
        assert expand_codes([text], "--select") == {"ELF002"}

    def test_a_beginning_and_several(self) -> None:
        found = expand_codes(["ELF,IMP001"], "--select")
        assert {"ELF001", "ELF002", "IMP001"} <= found
        assert {code[:3] for code in found} == {"ELF", "IMP"}

    @pytest.mark.parametrize(
        ("text", "near"), [("ELF02", "ELF002"), ("glibc-to-new", "glibc-too-new"), ("XYZ", "lambdapack checks")]
    )
    def test_an_unknown_one(self, text: str, near: str) -> None:
        with pytest.raises(UsageError, match=f"--ignore: .* {text}") as raised:
            expand_codes([text], "--ignore")
        assert near in str(raised.value.hint)

    def test_a_crash_of_ours_cannot_be_left_out(self) -> None:
        with pytest.raises(UsageError, match="crashed"):
            expand_codes([BUG_CODE], "--ignore")


class TestIgnored:
    def test_by_an_option(self) -> None:
        kept, gone = finding("IMP001"), finding("ELF002")
        judged = Selection(ignore=frozenset({"ELF002"})).apply(report(kept, gone))
        assert judged.findings == (kept,)
        assert [(item.finding, item.by) for item in judged.suppressed] == [(gone, "option")]
        assert Selection(ignore=frozenset({"ELF002"})).apply(report(gone)).verdict == "pass"

    def test_a_crash_counts_whatever_is_said(self) -> None:
        crash = finding(BUG_CODE, None)
        selection = Selection(frozenset(), frozenset({BUG_CODE}), baseline=Baseline())
        assert selection.apply(report(crash)).has_bug

    def test_by_the_configuration_with_its_reason(self) -> None:
        judged = Selection(rules=(ignore("ELF"),), today=TODAY).apply(report(finding()))
        assert [(item.by, item.reason) for item in judged.suppressed] == [("configuration", "it is meant")]
        assert judged.notes == ()

    @pytest.mark.parametrize(("until", "counts"), [(date(2026, 6, 1), False), (date(2026, 5, 31), True)])
    def test_until_its_last_day(self, until: date, counts: bool) -> None:
        judged = Selection(rules=(ignore("ELF002", until),), today=TODAY).apply(report(finding()))
        assert judged.failed is counts
        assert bool(judged.notes) is counts
        assert all("2026-05-31" in note and "ELF002" in note for note in judged.notes)

    @pytest.mark.parametrize(
        ("pattern", "matches"),
        [
            ("/var/task/lib/*", True),
            ("lib/*.so", True),
            ("*.so", True),
            ("/lib/*", False),
            ("lib/b.so", False),
            ("ib/a.so", False),
        ],
    )
    def test_in_some_places_only(self, pattern: str, matches: bool) -> None:
        judged = Selection(rules=(ignore("ELF002", None, pattern),), today=TODAY).apply(report(finding()))
        assert judged.failed is not matches

    def test_no_place_matches_no_pattern(self) -> None:
        rule = ignore("ELF002", None, "*")
        assert Selection(rules=(rule,), today=TODAY).apply(report(finding(path=None))).failed

    def test_what_could_not_be_looked_at_for_it_is_not_told(self) -> None:
        skipped = (Skipped("IMP001", None, "no handler"), Skipped("IMP002", None, "no handler"))
        judged = Selection(ignore=frozenset({"IMP001"})).apply(report(skipped=skipped))
        assert [item.code for item in judged.skipped] == ["IMP002"]

    def test_a_rule_that_means_no_check(self) -> None:
        with pytest.raises(UsageError, match=r"tool\.lambdapack\.ignore\[0\]"):
            Selection().with_rules((ignore("NOPE"),))


class TestFingerprint:
    def test_does_not_depend_on_words_versions_and_lines(self) -> None:
        first = finding(module="a", version="GLIBC_2.38", line=3)
        second = finding(message="other words", severity=Severity.WARNING, module="a", version="GLIBC_2.39", line=9)
        assert first.fingerprint == second.fingerprint

    @pytest.mark.parametrize(
        "other", [finding("ELF004", module="a"), finding(path="/opt/a.so", module="a"), finding(module="b")]
    )
    def test_depends_on_what_it_is_about(self, other: Finding) -> None:
        assert finding(module="a").fingerprint != other.fingerprint

    def test_a_new_version_of_a_distribution_keeps_it(self) -> None:
        old, new = (finding(path=f"/var/task/a_b-{version}.dist-info/RECORD") for version in ("1.0", "2.0rc1"))
        assert old.fingerprint == new.fingerprint


class TestBaseline:
    def written(self, folder: Path, *reports: Report) -> Baseline:
        text = render_json(reports[0]) if len(reports) == 1 else render_json_reports(reports)
        (folder / "baseline.json").write_text(text, encoding="utf-8")
        return read_baseline(folder / "baseline.json")

    def test_only_new_findings_count(self, tmp_path: Path) -> None:
        baseline = self.written(tmp_path, report(finding(module="old")))
        new = finding(module="new")
        judged = Selection(baseline=baseline).apply(report(finding(module="old", message="in other words"), new))
        assert judged.findings == (new,)
        assert [item.by for item in judged.suppressed] == ["baseline"]

    def test_what_got_worse_is_new(self, tmp_path: Path) -> None:
        baseline = self.written(tmp_path, report(finding(severity=Severity.WARNING)))
        assert Selection(baseline=baseline).apply(report(finding())).failed
        better = self.written(tmp_path, report(finding()))
        assert Selection(baseline=better).apply(report(finding(severity=Severity.WARNING))).suppressed

    def test_it_may_be_renewed_with_itself(self, tmp_path: Path) -> None:
        first = self.written(tmp_path, report(finding()))
        again = self.written(tmp_path, Selection(baseline=first).apply(report(finding())))
        assert not Selection(baseline=again).apply(report(finding())).failed

    def test_what_was_ignored_then_is_not_in_it(self, tmp_path: Path) -> None:
        ignored = Selection(ignore=frozenset({"ELF002"})).apply(report(finding()))
        assert Selection(baseline=self.written(tmp_path, ignored)).apply(report(finding())).failed

    def test_of_several_reports_the_same_artifact_and_runtime_counts(self, tmp_path: Path) -> None:
        old, new = report(runtime="python3.12"), report(finding(), runtime="python3.13")
        baseline = self.written(tmp_path, old, new)
        assert Selection(baseline=baseline).apply(report(finding(), runtime="python3.12")).failed
        assert not Selection(baseline=baseline).apply(report(finding(), runtime="python3.13")).failed

    @pytest.mark.parametrize("text", ["", "[]", "{}", "1", '{"findings": 3}', '{"reports": [1]}'])
    def test_something_else(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(UsageError, match="no JSON report"):
            read_baseline(tmp_path / "x.json")

    def test_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            read_baseline(tmp_path / "x.json")


def test_the_counts_are_in_the_report() -> None:
    judged = Selection(ignore=frozenset({"ELF002"})).apply(report(finding()))
    data = json.loads(render_json(judged))
    assert (data["summary"]["ignored"], data["summary"]["in_baseline"], data["summary"]["errors"]) == (1, 0, 0)
    assert [(item["code"], item["by"]) for item in data["suppressed"]] == [("ELF002", "option")]
