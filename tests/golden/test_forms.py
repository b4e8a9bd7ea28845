"""The forms of a report, each read by what it is made for: XML and SARIF parsers, GitHub's rules, a Markdown reader."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from junitparser import Failure, JUnitXml

from lambdapack.render.forms import FORMS
from tests.golden.conftest import Lambdapack, validate_sarif


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A function that imports a module that is nowhere, and one of another's name with all that markup is made of."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "handler.py").write_text("import os\nimport not_there\ndef lambda_handler(event, context): ...\n")
    (source / "typing.py").write_text("Any = None\n")
    return tmp_path


def arguments(folder: Path, *options: str | Path) -> list[str | Path]:
    return ["inspect", folder / "src", "--runtime", "python3.13", "--handler", "handler.lambda_handler", *options]


def test_sarif_is_valid_and_known_again(lambdapack: Lambdapack, broken: Path, sarif_tool: Path) -> None:
    ignored = lambdapack(*arguments(broken, "--ignore", "SHD001", "--report", f"sarif={broken / 'r.sarif'}"))
    assert ignored.status == 1
    document = json.loads((broken / "r.sarif").read_text(encoding="utf-8"))
    validate_sarif(sarif_tool, broken / "r.sarif")
    run = document["runs"][0]
    missing, shadowing = run["results"]
    place = missing["locations"][0]["physicalLocation"]
    assert (missing["ruleId"], missing["level"]) == ("IMP001", "error")
    assert (place["artifactLocation"]["uri"], place["region"]) == ("var/task/handler.py", {"startLine": 2})
    assert run["tool"]["driver"]["rules"][missing["ruleIndex"]]["id"] == "IMP001"
    assert "## How to fix it" in run["tool"]["driver"]["rules"][0]["help"]["markdown"]
    assert shadowing["suppressions"][0]["justification"] == "--ignore"
    told = json.loads(lambdapack(*arguments(broken, "--format", "json")).out)["findings"]
    assert missing["partialFingerprints"]["lambdapack/v1"] == told[0]["fingerprint"]


def test_several_runtimes_have_runs_of_their_own(lambdapack: Lambdapack, broken: Path) -> None:
    run = lambdapack(*arguments(broken, "--runtime", "python3.12", "--format", "sarif"))
    identities = [item["automationDetails"]["id"] for item in json.loads(run.out)["runs"]]
    assert len(set(identities)) == len(identities) == 2


def test_junit_has_a_case_for_every_check(lambdapack: Lambdapack, broken: Path) -> None:
    (broken / "src" / "handler.py").write_text("import not_there\nimport a\x0c\n", encoding="utf-8")
    run = lambdapack(*arguments(broken, "--format", "junit", "--ignore", "SHD"))
    suite = next(iter(JUnitXml.fromstring(run.out.encode())))
    failed = {case.name: case.result[0] for case in suite if any(isinstance(item, Failure) for item in case.result)}
    assert suite.failures == len(failed) > 0
    assert "not_there" in failed["IMP001 missing-module"].text
    assert suite.tests > 60
    assert not [case for case in suite if case.name.startswith("SHD001") and not case.is_passed]


def test_annotations_and_summary_on_github(
    lambdapack: Lambdapack, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = broken / "summary.md"
    summary.write_text("of an earlier step\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    run = lambdapack(*arguments(broken))
    lines = run.out.splitlines()
    commands = [re.fullmatch(r"::(\w+) title=([^:,]*)::(.*)", line) for line in lines if line.startswith("::")]
    assert [command and command[1] for command in commands] == ["error", "warning"]
    assert any(line.startswith("FAIL  ") for line in lines)
    assert summary.read_text(encoding="utf-8").startswith("of an earlier step\n### ❌ ")
    chosen = lambdapack(*arguments(broken, "--format", "text"))
    assert "::error" not in chosen.out


def test_markdown_compares_with_an_earlier_artifact(lambdapack: Lambdapack, broken: Path) -> None:
    shutil.copytree(broken / "src", broken / "before")
    (broken / "src" / "data.bin").write_bytes(bytes(3 * 1024 * 1024))
    run = lambdapack(*arguments(broken, "--format", "markdown", "--base", broken / "before"))
    assert re.search(r"\| unzipped \| 3\.0 MB \| \+3\.0 MB \| 1\.2 % of 250 MB \|", run.out)
    assert "**IMP001** missing-module" in run.out
    refused = lambdapack(*arguments(broken, "--base", broken / "before"))
    assert (refused.status, refused.out) == (2, "")


def test_names_do_not_become_markup(lambdapack: Lambdapack, broken: Path) -> None:
    (broken / "src" / "handler.py").write_text("import not_there\n")
    shutil.move(broken / "src", broken / "a<b>`c`|d")
    run = lambdapack("inspect", broken / "a<b>`c`|d", "--runtime", "python3.13", "--format", "markdown")
    assert "a<b>`c`|d ``" in run.out.splitlines()[0]


def test_several_forms_at_once(lambdapack: Lambdapack, broken: Path) -> None:
    files = {form: broken / "out" / f"report.{form}" for form in FORMS}
    run = lambdapack(*arguments(broken, *(f"--report={form}={path}" for form, path in files.items())))
    assert run.status == 1
    assert all(path.stat().st_size for path in files.values())
    assert "\x1b" not in files["text"].read_text(encoding="utf-8")
    report: dict[str, Any] = json.loads(files["json"].read_text(encoding="utf-8"))
    assert report["verdict"] == "fail"
    lines = files["concise"].read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("/var/task/handler.py: error[IMP001] ")


@pytest.mark.parametrize("given", ["pdf=x", "json", "json="])
def test_reports_that_cannot_be_meant(lambdapack: Lambdapack, broken: Path, given: str) -> None:
    run = lambdapack(*arguments(broken, "--report", given))
    assert (run.status, run.out) == (2, "")
    twice = lambdapack(*arguments(broken, "--report", "json=x", "--report", "sarif=x"))
    assert twice.status == 2


def test_a_report_that_cannot_be_written_leaves_the_old_one(lambdapack: Lambdapack, broken: Path) -> None:
    (broken / "taken").write_text("a file")
    run = lambdapack(*arguments(broken, "--report", f"json={broken / 'taken' / 'r.json'}"))
    assert run.status == 4
    assert run.err.count("\n") == 1
    assert (broken / "taken").read_text() == "a file"
