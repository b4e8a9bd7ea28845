"""Reports as a person and as a program read them."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from lambdapack.finding import Finding, Hit, Severity
from lambdapack.render.json_format import render_json, schema
from lambdapack.render.text import TextStyle, render_text, verdict_line
from lambdapack.report import BUG_CODE, ArtifactSummary, Report, Skipped

ARTIFACT = ArtifactSummary("dist/a.zip", "function", 2_500_000, 52_428_800, 12, "a" * 64)


def finding(path: str | None = "/var/task/a.so", severity: Severity = Severity.ERROR, code: str = "ELF002") -> Finding:
    hit = Hit(path, "needs GLIBC_2.38; python3.13 has GLIBC_2.34", "install another wheel", {"version": "GLIBC_2.38"})
    return Finding.of(code, "glibc-too-new", replace(hit, severity=severity, chain=tuple("abcdefgh")))


def report(*findings: Finding, **changes: object) -> Report:
    made = Report(ARTIFACT, "python3.13", "x86_64", "handler.h", findings, (), 262_144_000)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_last_line() -> None:
    line = verdict_line(report(timings={"total": 1.26}), TextStyle())
    assert line == (
        "ok  dist/a.zip  python3.13 x86_64  2.4 MB zipped  50.0 MB unzipped (20.0 % of 250 MB)  "
        f"sha256:{'a' * 64}  1.3 s"
    )
    failed = verdict_line(report(finding(), finding(severity=Severity.WARNING), written=False), TextStyle(), seconds=2)
    assert failed.startswith("FAIL  dist/a.zip (not written)  python3.13 x86_64  1 error, 1 warning  ")
    assert failed.endswith("  2.0 s")


def test_clean_report_is_one_line() -> None:
    assert render_text(report(), TextStyle()).count("\n") == 1


def test_one_cause_in_many_places_is_told_once() -> None:
    text = render_text(report(*(finding(f"/var/task/{n}.so") for n in range(8))), TextStyle())
    assert text.count("needs GLIBC_2.38") == 1
    assert text.count("fix:") == 1
    assert "and /var/task/4.so" in text
    assert "/var/task/7.so" not in text
    assert "and 3 more" in text
    assert "/var/task/7.so" in render_text(
        report(*(finding(f"/var/task/{n}.so") for n in range(8))), TextStyle(verbose=True)
    )


def test_one_cause_is_told_once_whatever_depends_on_it() -> None:
    findings = (finding("/var/task/a.so"), finding("/var/task/b.so", severity=Severity.WARNING))
    text = render_text(report(*findings), TextStyle())
    assert text.count("needs GLIBC_2.38") == 1
    assert "error[ELF002]" in text
    assert "/var/task/b.so" not in text
    assert "and 1 more, only as a warning" in text
    assert "and /var/task/b.so (only a warning)" in render_text(report(*findings), TextStyle(verbose=True))


def test_what_is_shown_when() -> None:
    info = finding(severity=Severity.INFO)
    assert "ELF002" not in render_text(report(info), TextStyle())
    assert "info[ELF002]" in render_text(report(info), TextStyle(verbose=True))
    assert "... 2 more ..." in render_text(report(finding()), TextStyle())
    assert "a > b > c > d > e" in render_text(report(finding()), TextStyle(verbose=True))
    skipped = render_text(
        report(skipped=tuple(Skipped(code, None, "no handler") for code in ("IMP001", "IMP002"))), TextStyle()
    )
    assert "skipped IMP001, IMP002: no handler\n" in skipped


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (
            {"status": "ok", "seconds": 0.5, "proof": "local CPython", "choice": "", "client": "awslambdaric 4.2.2"},
            "import test ok in 0.50 s",
        ),
        (
            {"status": "failed", "seconds": None, "proof": "local CPython", "choice": "", "client": ""},
            "import test FAILED",
        ),
        (
            {"status": "not-run", "reason": "no Python 3.14", "remedy": "uv python install 3.14"},
            "import test NOT RUN: no Python 3.14; uv",
        ),
    ],
)
def test_import_test_is_labelled(test: dict[str, object], words: str) -> None:
    text = render_text(report(import_test={"handler": "handler.h", "backend": "local", **test}), TextStyle())
    assert words in text


def test_colours_only_when_asked_for() -> None:
    assert "\x1b[" not in render_text(report(finding()), TextStyle())
    assert "\x1b[31;1m" in render_text(report(finding()), TextStyle(colour=True))


def test_json_fulfils_its_schema_and_keeps_every_place() -> None:
    data = json.loads(render_json(report(finding("/var/task/a.so"), finding("/var/task/b.so"), finding(None))))
    jsonschema.validate(data, schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    assert [item["path"] for item in data["findings"]] == ["/var/task/a.so", "/var/task/b.so", None]
    assert (data["schema_version"], data["verdict"], data["summary"]["errors"]) == (1, "fail", 3)


@pytest.mark.parametrize(
    ("fail_on", "failed"), [(Severity.ERROR, False), (Severity.WARNING, True), (Severity.INFO, True)]
)
def test_verdict_follows_fail_on(fail_on: Severity, failed: bool) -> None:
    assert report(finding(severity=Severity.WARNING), fail_on=fail_on).failed is failed


def test_a_crashed_check_fails_whatever_was_asked() -> None:
    assert report(finding(code=BUG_CODE)).failed
    assert report(finding(code=BUG_CODE)).has_bug
