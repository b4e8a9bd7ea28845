"""What scripts rely on: exit statuses, standard output for results only, one clear line for every mistake."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lambdapack import __version__
from lambdapack.catalogue import all_checks
from tests.golden.conftest import REPOSITORY, Lambdapack


@pytest.fixture
def works(tmp_path: Path) -> Path:
    path = tmp_path / "works.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("handler.py")
        member.external_attr = 0o100644 << 16
        archive.writestr(member, "import json\n\ndef lambda_handler(event, context):\n    return json.dumps(event)\n")
    return path


def test_version(lambdapack: Lambdapack) -> None:
    for flag in ("--version", "-V"):
        assert lambdapack(flag).out == f"lambdapack {__version__}\n"


def test_version_loads_nothing_but_the_command_line() -> None:
    code = "import sys, lambdapack.cli as c; sys.argv = ['x', '--version']; c.main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert not {"click", "packaging", "elftools", "tree_sitter", "rich", "urllib3"} & set(done.stdout.split())


def test_inspect_loads_no_builder(works: Path) -> None:
    code = "import sys; from lambdapack.cli.app import run; run(); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "inspect", str(works), "--runtime", "python3.13"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert "lambdapack.facts.linking" in done.stderr
    assert not {"urllib3", "rich", "lambdapack.builder", "lambdapack.importtest"} & set(done.stderr.split())


def test_clean_artifact(lambdapack: Lambdapack, works: Path) -> None:
    run = lambdapack("inspect", works, "--runtime", "python3.13", "--handler", "handler.lambda_handler")
    assert (run.status, run.err) == (0, "")
    assert run.out.splitlines()[-1].startswith("ok  ")
    quiet = lambdapack("inspect", works, "--runtime", "python3.13", "--handler", "handler.lambda_handler", "-q")
    assert (quiet.status, quiet.out) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["inspect", "no-such.zip", "--runtime", "python3.13"], 3, ["no-such.zip", "no such file"]),
        (["inspect", "{works}"], 2, ["no runtime given", "--runtime"]),
        (["inspect", "{works}", "--runtime", "3.13"], 2, ["python3.13"]),
        (["inspect", "{works}", "--runtime", "python3.13", "--arch", "aarch64"], 2, ["arm64"]),
        (["inspect", "{works}", "--runtime", "python3.13", "--function", "nope"], 2, ["functions"]),
        (["inspct", "{works}"], 2, ["inspct", "inspect"]),
        (["inspect"], 2, ["ARTIFACT"]),
        (["explain", "ELF99"], 2, ["ELF99", "ELF"]),
        (["runtimes", "show", "python4.0"], 2, ["python4.0"]),
        (["check"], 2, ["tool.lambdapack.functions"]),
    ],
)
def test_mistakes(
    lambdapack: Lambdapack, works: Path, tmp_path: Path, arguments: list[str], status: int, words: list[str]
) -> None:
    run = lambdapack(*(argument.replace("{works}", str(works)) for argument in arguments), cwd=tmp_path)
    assert (run.status, run.out) == (status, "")
    lines = run.err.splitlines()
    assert lines[0].startswith("error: ")
    assert len(lines) <= 2
    for word in words:
        assert word in run.err
    assert "Traceback" not in run.err


def test_test_needs_permission_to_run_foreign_code_even_from_python(lambdapack: Lambdapack, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "handler.py").write_text(f"open({str(marker)!r}, 'w')\n")
    for verb in ("inspect", "test"):
        lambdapack(verb, tmp_path / "task", "--runtime", "python3.13", "--handler", "handler.h")
    assert not marker.exists()


def test_unreadable_archive_is_never_clean(lambdapack: Lambdapack, tmp_path: Path) -> None:
    for name, content in (
        ("empty.zip", b""),
        ("tar.zip", b"\x1f\x8b" + b"\0" * 100),
        ("cut.zip", b"PK\x03\x04" + b"x" * 99),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        run = lambdapack("inspect", path, "--runtime", "python3.13", "--format", "json")
        assert (run.status, run.out) == (3, ""), name
        assert name in run.err


def test_json_is_one_document_also_when_it_fails(lambdapack: Lambdapack, works: Path) -> None:
    run = lambdapack("inspect", works, "--runtime", "python3.13", "--handler", "handler.missing", "--format", "json")
    assert run.status == 1
    assert [finding["code"] for finding in run.report["findings"]] == ["IMP004"]
    assert run.report["summary"]["errors"] == 1


def _two_functions(folder: Path, requirements: str = "[]") -> None:
    for name in ("good", "bad"):
        (folder / name).mkdir()
        (folder / name / "handler.py").write_text("def h(event, context):\n    pass\n")
    (folder / "pyproject.toml").write_text(
        '[tool.lambdapack]\nruntime = "python3.13"\n'
        f'[tool.lambdapack.functions.first]\nhandler = "handler.h"\nsource = ["good"]\nrequirements = {requirements}\n'
        '[tool.lambdapack.functions.second]\nhandler = "handler.missing"\nsource = ["bad"]\n'
    )


def test_several_functions_are_one_document(lambdapack: Lambdapack, tmp_path: Path) -> None:
    _two_functions(tmp_path)
    run = lambdapack("build", "--format", "json", cwd=tmp_path)
    assert run.status == 1
    reports = run.report["reports"]
    assert [(report["verdict"], report["written"]) for report in reports] == [("pass", True), ("fail", False)]
    assert [path.name for path in (tmp_path / "dist").glob("*.zip")] == ["first.zip"]


def test_one_failed_build_does_not_keep_the_others(lambdapack: Lambdapack, tmp_path: Path) -> None:
    _two_functions(tmp_path, '["no-such-thing @ file:///nowhere/no_such_thing-1-py3-none-any.whl"]')
    run = lambdapack("build", "--format", "json", cwd=tmp_path)
    assert run.status == 5
    assert run.err.startswith("error: first: ")
    assert [report["handler"] for report in run.report["reports"]] == ["handler.missing"]


def test_output_that_is_no_artifact_is_not_replaced(lambdapack: Lambdapack, tmp_path: Path) -> None:
    _two_functions(tmp_path)
    before = (tmp_path / "pyproject.toml").read_bytes()
    run = lambdapack("build", "--function", "first", "-o", "pyproject.toml", cwd=tmp_path)
    assert (run.status, run.out) == (2, "")
    assert (tmp_path / "pyproject.toml").read_bytes() == before


def test_names_of_an_archive_do_not_command_the_terminal(lambdapack: Lambdapack, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\x1b]0;owned\x07\nok  all is well.so", b"text, not a library " * 9)
    run = lambdapack("inspect", path, "--runtime", "python3.13")
    assert "ELF005" in run.out
    assert "\x1b" not in run.out
    assert not any(line.startswith("ok  all") for line in run.out.splitlines())


def test_credentials_are_not_repeated(lambdapack: Lambdapack, tmp_path: Path) -> None:
    _two_functions(tmp_path, '["--extra-index-url https://user:s3cret@example.invalid/simple"]')
    run = lambdapack("build", "--function", "first", cwd=tmp_path)
    assert run.status in (2, 5)
    assert "s3cret" not in run.out + run.err


def test_a_broken_configuration_is_no_concern_of_another_artifact(
    lambdapack: Lambdapack, tmp_path: Path, works: Path
) -> None:
    (tmp_path / "lambdapack.toml").write_text("[functions.api]\nhandlr = 1\n")
    assert lambdapack("inspect", works, "--runtime", "python3.13", cwd=tmp_path).status == 0
    assert lambdapack("inspect", works, "--function", "api", cwd=tmp_path).status == 2


def test_skipped_checks_are_told(lambdapack: Lambdapack, works: Path) -> None:
    run = lambdapack("inspect", works, "--runtime", "python3.13", "--format", "json")
    assert run.status == 0
    skipped = {item["code"] for item in run.report["skipped"]}
    assert "IMP001" in skipped
    assert "RUN001" not in skipped


def test_fail_on_warning(lambdapack: Lambdapack, tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def h(event, context):\n    if event:\n        import not_there\n")
    arguments = ("inspect", tmp_path, "--runtime", "python3.13", "--handler", "handler.h", "--format", "json")
    assert lambdapack(*arguments).status == 0
    strict = lambdapack(*arguments, "--fail-on", "warning")
    assert (strict.status, strict.report["verdict"]) == (1, "fail")


def test_every_check_explains_itself(lambdapack: Lambdapack) -> None:
    for check in all_checks():
        assert check.documentation
    page = lambdapack("explain", "elf002").out
    assert page.startswith("ELF002 glibc-too-new")
    assert "Why it fails on Lambda" in page
    assert lambdapack("explain", "glibc-too-new").out == page


def test_runtimes(lambdapack: Lambdapack) -> None:
    listed = json.loads(lambdapack("runtimes", "list", "--format", "json").out)
    assert {"python3.9", "python3.13", "python3.15"} <= {row["runtime"] for row in listed}
    shown = json.loads(lambdapack("runtimes", "show", "python3.13", "--arch", "arm64", "--format", "json").out)
    assert shown["machine"] == "aarch64"
    assert "glibc" in lambdapack("runtimes", "show", "python3.13").out


def test_colour_obeys_no_color(works: Path) -> None:
    command = [sys.executable, "-m", "lambdapack", "inspect", str(works), "--runtime", "python3.13"]

    def out(**environment: str) -> str:
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
        return subprocess.run(
            command, capture_output=True, text=True, cwd=REPOSITORY, env=kept | environment, check=True
        ).stdout

    assert "\x1b[" not in out()
    assert "\x1b[" in out(FORCE_COLOR="1")
    assert "\x1b[" not in out(FORCE_COLOR="1", NO_COLOR="1")


def test_configured_output_needs_no_options(lambdapack: Lambdapack, tmp_path: Path, works: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.lambdapack.functions.api]\nhandler = "handler.absent"\nruntime = "python3.12"\nsource = ["."]\n'
        f'output = "{works.name}"\n'
    )
    run = lambdapack("inspect", works.name, "--format", "json", cwd=tmp_path)
    assert run.report["runtime"] == "python3.12"
    assert [finding["code"] for finding in run.report["findings"]] == ["IMP004"]
    other = tmp_path / "other.zip"
    other.write_bytes(works.read_bytes())
    assert lambdapack("inspect", other.name, cwd=tmp_path).status == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash: install it")
def test_bash_completes_verbs_and_options(tmp_path: Path) -> None:
    program = tmp_path / "lambdapack"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lambdapack "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(lambdapack completion bash)"
        COMP_WORDS=(lambdapack ins) COMP_CWORD=1
        _lambdapack_completion lambdapack; echo "${COMPREPLY[@]}"
        COMP_WORDS=(lambdapack inspect --hand) COMP_CWORD=2
        COMPREPLY=(); _lambdapack_completion lambdapack; echo "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["inspect", "--handler"]
