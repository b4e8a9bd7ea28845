"""What a user says about findings, on the command line and in the configuration, and what comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambdapack.catalogue import all_checks
from tests.golden.conftest import Lambdapack
from tests.recipes.archive import Member, write_archive

CONFIGURATION = """
[tool.lambdapack.functions.api]
handler = "handler.lambda_handler"
runtime = "python3.13"
source = ["src"]
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A function that imports a module that is nowhere and hides one of the standard library."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "handler.py").write_text("import not_there\ndef lambda_handler(event, context): ...\n")
    (tmp_path / "src" / "typing.py").write_text("Any = None\n")
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    return tmp_path


def arguments(folder: Path, *options: str | Path) -> list[str | Path]:
    return ["inspect", folder / "src", "--runtime", "python3.13", "--handler", "handler.lambda_handler", *options]


def test_select_and_ignore(lambdapack: Lambdapack, broken: Path) -> None:
    whole = lambdapack(*arguments(broken, "--format", "json"))
    assert (whole.status, {item["code"] for item in whole.report["findings"]}) == (1, {"IMP001", "SHD001"})
    one = lambdapack(*arguments(broken, "--select", "SHD", "--format", "json"))
    assert (one.status, {item["code"] for item in one.report["findings"]}) == (0, {"SHD001"})
    rest = lambdapack(*arguments(broken, "--ignore", "missing-module", "--format", "json"))
    assert (rest.status, {item["code"] for item in rest.report["findings"]}) == (0, {"SHD001"})
    assert rest.report["summary"]["ignored"] == 1
    told = lambdapack(*arguments(broken, "--ignore", "IMP001"))
    assert "not counted: 1 ignored (IMP001: --ignore)\n" in told.out


def test_exit_zero_changes_only_what_findings_do(lambdapack: Lambdapack, broken: Path) -> None:
    run = lambdapack(*arguments(broken, "--exit-zero", "--format", "json"))
    assert (run.status, run.report["verdict"]) == (0, "fail")
    assert lambdapack("inspect", broken / "no.zip", "--exit-zero").status == 3


def test_a_baseline(lambdapack: Lambdapack, broken: Path) -> None:
    before = lambdapack(*arguments(broken, "--format", "json"))
    (broken / "baseline.json").write_text(before.out)
    run = lambdapack(*arguments(broken, "--baseline", broken / "baseline.json"))
    assert run.status == 0
    assert "not counted: 2 in the baseline\n" in run.out
    (broken / "src" / "handler.py").write_text(
        "\n\nimport not_there, nor_there\ndef lambda_handler(event, context): ...\n"
    )
    new = lambdapack(*arguments(broken, "--baseline", broken / "baseline.json", "--format", "json"))
    assert (new.status, [item["evidence"]["module"] for item in new.report["findings"]]) == (1, ["nor_there"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--select", "ELF99"], ["--select", "ELF99", "ELF"]),
        (["--ignore", "BUG001"], ["--ignore", "BUG001"]),
        (["--baseline", "none.json"], ["none.json", "--format json"]),
    ],
)
def test_mistakes(lambdapack: Lambdapack, broken: Path, options: list[str], words: list[str]) -> None:
    run = lambdapack(*arguments(broken, *options), cwd=broken)
    assert (run.status, run.out) == (2, "")
    assert all(word in run.err for word in words), run.err
    assert len(run.err.splitlines()) <= 2


def test_ignores_of_the_configuration(lambdapack: Lambdapack, broken: Path) -> None:
    text = CONFIGURATION + (
        '[[tool.lambdapack.ignore]]\ncode = "SHD001"\nreason = "ours"\nuntil = 2999-12-31\n'
        '[[tool.lambdapack.functions.api.ignore]]\ncode = "IMP001"\nreason = "soon there"\nuntil = 2020-01-01\n'
    )
    (broken / "pyproject.toml").write_text(text)
    run = lambdapack("inspect", "src", "--function", "api", "--format", "json", cwd=broken)
    assert (run.status, [item["code"] for item in run.report["findings"]]) == (1, ["IMP001"])
    assert [(item["code"], item["reason"]) for item in run.report["suppressed"]] == [("SHD001", "ours")]
    (note,) = run.report["notes"]
    assert "2020-01-01" in note
    assert "soon there" in note
    told = lambdapack("inspect", "src", "--function", "api", cwd=broken)
    assert "SHD001: ours" in told.out
    assert "warning: pyproject.toml: tool.lambdapack.functions.api.ignore[0]" in told.out
    # An artifact that is nobody's output is none of the configuration's business.
    assert lambdapack(*arguments(broken, "--format", "json"), cwd=broken).report["suppressed"] == []


def test_an_ignore_that_means_no_check(lambdapack: Lambdapack, broken: Path) -> None:
    text = f'{CONFIGURATION}[[tool.lambdapack.functions.api.ignore]]\ncode = "SHD01"\nreason = "x"\n'
    (broken / "pyproject.toml").write_text(text)
    run = lambdapack("inspect", "src", "--function", "api", cwd=broken)
    assert (run.status, run.out) == (2, "")
    assert "tool.lambdapack.functions.api.ignore[0]" in run.err


def test_a_build_counts_what_inspect_would(lambdapack: Lambdapack, broken: Path) -> None:
    rejected = lambdapack("build", "--format", "json", cwd=broken)
    assert (rejected.status, rejected.report["written"]) == (1, False)
    taken = lambdapack("build", "--ignore", "IMP001", "--format", "json", cwd=broken)
    assert (taken.status, taken.report["written"], taken.report["summary"]["ignored"]) == (0, True, 1)


def test_layers_of_a_configured_function(lambdapack: Lambdapack, broken: Path) -> None:
    write_archive(broken / "layer.zip", [Member("python/not_there.py", b"")])
    with (broken / "pyproject.toml").open("a") as file:
        file.write('layers = ["layer.zip"]\n')
    run = lambdapack("inspect", "src", "--function", "api", "--format", "json", cwd=broken)
    assert (run.status, run.report["artifact"]["layers"]) == (0, [str(broken.resolve() / "layer.zip")])
    built = lambdapack("build", "--format", "json", cwd=broken)
    assert (built.status, built.report["written"]) == (0, True)


def test_a_configured_output_is_recognised(lambdapack: Lambdapack, broken: Path) -> None:
    assert lambdapack("build", "--ignore", "IMP001", cwd=broken).status == 0
    run = lambdapack("inspect", "dist/api.zip", "--format", "json", cwd=broken)
    assert (run.status, run.report["handler"], run.report["runtime"]) == (1, "handler.lambda_handler", "python3.13")
    assert any("function api" in text for text in run.report["assumed"])
    assert "assumed settings of function api" in lambdapack("inspect", "dist/api.zip", cwd=broken).out
    # What is given counts before what is configured.
    assert lambdapack("inspect", "dist/api.zip", "--runtime", "python3.12", "--format", "json", cwd=broken).report[
        "runtime"
    ] == ("python3.12")


def test_details(lambdapack: Lambdapack, broken: Path) -> None:
    run = lambdapack(*arguments(broken, "--details", "--format", "json"))
    details = run.report["details"]
    assert {(item["path"], item["files"]) for item in details["sizes"]} == {
        ("/var/task/handler.py", 1),
        ("/var/task/typing.py", 1),
    }
    assert sum(item["bytes"] for item in details["sizes"]) == run.report["artifact"]["unzipped_size"]
    assert details["modules"][0] == {
        "name": "handler",
        "kind": "source",
        "path": "/var/task/handler.py",
        "importer": None,
    }
    assert "details" not in lambdapack(*arguments(broken, "--format", "json")).report
    assert lambdapack(*arguments(broken, "--details")).status == 2


def test_the_list_of_checks(lambdapack: Lambdapack) -> None:
    told = lambdapack("checks")
    listed = json.loads(lambdapack("checks", "--format", "json").out)["checks"]
    assert [item["code"] for item in listed] == [check.code for check in all_checks()]
    assert all(f"{item['code']}  {item['name']}" in told.out for item in listed)
    assert next(item for item in listed if item["code"] == "ELF002")["severities"] == ["error", "warning"]
