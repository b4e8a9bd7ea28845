"""A diagnosis in each form, read by what the form is made for."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from junitparser import JUnitXml
from playwright.sync_api import Page

from lambdapack.render.forms import FORMS
from tests.golden.conftest import Lambdapack, validate_sarif

LOG = """\
START RequestId: 7f
[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'requests'
REPORT RequestId: 7f
[ERROR] Odd<b>Error: a | b, of no pattern
"""


@pytest.fixture
def given(tmp_path: Path) -> list[str | Path]:
    """The command line of a diagnosis: an artifact that lacks two modules, and the log of its run."""
    with zipfile.ZipFile(tmp_path / "lacks.zip", "w") as archive:
        member = zipfile.ZipInfo("app.py")
        member.external_attr = 0o100644 << 16
        archive.writestr(member, "import requests\nimport not_there\ndef lambda_handler(event, context): ...\n")
    (tmp_path / "err.log").write_text(LOG, encoding="utf-8")
    return ["diagnose", tmp_path / "err.log", "--artifact", tmp_path / "lacks.zip", "--runtime", "python3.13"]


def test_several_forms_at_once(lambdapack: Lambdapack, given: list[str | Path], tmp_path: Path) -> None:
    files = {form: tmp_path / "out" / f"diagnosis.{form}" for form in FORMS}
    run = lambdapack(*given, *(f"--report={form}={path}" for form, path in files.items()))
    assert (run.status, run.err) == (0, "")
    assert all(path.stat().st_size for path in files.values())
    first, *_ = files["concise"].read_text(encoding="utf-8").splitlines()
    assert first.startswith(f"{tmp_path / 'err.log'}:2: error[module-missing] ")
    assert json.loads(files["json"].read_text(encoding="utf-8"))["problems"][0]["cause"] == "not-packed"
    quoted = [line for line in files["markdown"].read_text(encoding="utf-8").splitlines() if line.startswith("> ")]
    assert quoted == [f"> `{line}`" for line in LOG.splitlines() if "ERROR" in line]


def test_sarif_has_the_line_of_the_log(
    lambdapack: Lambdapack, given: list[str | Path], tmp_path: Path, sarif_tool: Path
) -> None:
    written = tmp_path / "diagnosis.sarif"
    lambdapack(*given, "--report", f"sarif={written}")
    validate_sarif(sarif_tool, written)
    (run,) = json.loads(written.read_text(encoding="utf-8"))["runs"]
    explained, unknown, beside = run["results"]
    place = explained["locations"][0]["physicalLocation"]
    assert (explained["ruleId"], explained["level"], place["region"]) == ("module-missing", "error", {"startLine": 2})
    assert place["artifactLocation"]["uri"].endswith("err.log")
    assert explained["properties"]["confidence"] == "confirmed"
    assert (unknown["ruleId"], unknown["level"]) == ("unknown-message", "warning")
    assert (beside["ruleId"], "not_there" in beside["message"]["text"]) == ("IMP001", True)
    assert [run["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] for item in run["results"]] == [
        item["ruleId"] for item in run["results"]
    ]


def test_junit_fails_a_case_for_each_error(lambdapack: Lambdapack, given: list[str | Path]) -> None:
    suite = next(iter(JUnitXml.fromstring(lambdapack(*given, "--format", "junit").out.encode())))
    assert (suite.failures, suite.errors) == (2, 1)
    explained = next(case for case in suite if case.name.startswith("module-missing"))
    assert "not packed" in explained.result[0].message


def test_annotations_and_summary_on_github(
    lambdapack: Lambdapack, given: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    out = lambdapack(*given).out
    commands = [re.fullmatch(r"::(\w+) title=([^:,]*)::(.*)", line) for line in out.splitlines() if line[:2] == "::"]
    assert [command and command[1] for command in commands] == ["error", "warning", "error"]
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("### 🔎 cause found; 1 of 2 errors")


def test_the_page_shows_cause_evidence_and_fix(
    lambdapack: Lambdapack, given: list[str | Path], tmp_path: Path, page: Page
) -> None:
    written = tmp_path / "diagnosis.html"
    lambdapack(*given, "--report", f"html={written}")
    page.goto(written.as_uri())
    assert page.locator("#verdict").inner_text() == "Cause found"
    problem = page.get_by_role("article", name="module-missing")
    assert "Cause (confirmed)" in problem.inner_text()
    assert "/var/task/app.py" in problem.get_by_role("listitem").first.inner_text()
    problem.get_by_role("button", name="Copy").first.click()
    problem.get_by_role("button", name="Copied").wait_for()  # writing to the clipboard takes its time
    problem.get_by_text("Ruled out by the artifact").click()
    assert page.locator("#also .finding").count() == 1
    assert "Odd<b>Error" in page.get_by_role("article", name="unknown message").inner_text()
