"""`lambdapack diagnose` as scripts and people use it: inputs, exit statuses, JSON, what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.render.diagnosis_format import diagnosis_schema
from tests.golden.conftest import REPOSITORY, Lambdapack

MESSAGE = "Unable to import module 'app': No module named 'requests'"
DIAGNOSE = [sys.executable, "-m", "lambdapack", "diagnose"]


def write_zip(path: Path, members: dict[str, str], mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, text)
    return path


@pytest.fixture
def lacks_requests(tmp_path: Path) -> Path:
    source = "import requests\n\ndef lambda_handler(event, context):\n    return {}\n"
    return write_zip(tmp_path / "lacks.zip", {"app.py": source})


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    source = "import json\n\ndef lambda_handler(event, context):\n    return {}\n"
    return write_zip(tmp_path / "healthy.zip", {"app.py": source})


def document(out: str) -> Any:
    found = json.loads(out)
    jsonschema.validate(found, diagnosis_schema())
    return found


def test_the_cause_of_a_text(lambdapack: Lambdapack) -> None:
    run = lambdapack("diagnose", MESSAGE)
    assert (run.status, run.err) == (0, "")
    assert "not packed" in run.out
    assert run.out.splitlines()[-1].startswith("cause found  1 of 1 error explained")


def test_words_that_were_not_quoted(lambdapack: Lambdapack) -> None:
    found = document(lambdapack("diagnose", "--format", "json", *MESSAGE.split()).out)
    assert found["problems"][0]["cause"] == "not-packed"


def test_a_file(lambdapack: Lambdapack, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(f"START RequestId: x\r\n[ERROR] Runtime.ImportModuleError: {MESSAGE}\r\n".encode("utf-16"))
    assert document(lambdapack("diagnose", log, "--format", "json").out)["problems"][0]["pattern"] == "module-missing"


@pytest.mark.parametrize("arguments", [["-"], []])
def test_standard_input(arguments: list[str]) -> None:
    command = [*DIAGNOSE, *arguments, "--format", "json"]
    done = subprocess.run(command, input=MESSAGE, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert document(done.stdout)["found"] is True


def test_the_artifact_confirms(lambdapack: Lambdapack, lacks_requests: Path) -> None:
    run = lambdapack("diagnose", MESSAGE, "--artifact", lacks_requests, "--runtime", "python3.13", "--format", "json")
    found = document(run.out)
    (problem,) = found["problems"]
    assert (run.status, problem["cause"], problem["confidence"]) == (0, "not-packed", "confirmed")
    assert problem["causes"][0]["evidence"][0]["code"] == "IMP001"
    assert found["also"] == []
    assert found["report"]["verdict"] == "fail"
    assert "the handler's module is app (the log names it)" in found["assumed"]


def test_the_artifact_rules_out(lambdapack: Lambdapack, healthy: Path) -> None:
    message = "Unable to import module 'app': No module named 'app'"
    run = lambdapack("diagnose", message, "--artifact", healthy, "--runtime", "python3.13", "--format", "json")
    (problem,) = document(run.out)["problems"]
    assert {cause["status"] for cause in problem["causes"]} == {"ruled-out"}
    assert (run.status, problem["cause"]) == (1, None)


def test_an_unknown_text_is_inspected_all_the_same(lambdapack: Lambdapack, lacks_requests: Path) -> None:
    run = lambdapack(
        *("diagnose", "the flux capacitor failed", "--artifact", lacks_requests, "--runtime", "python3.13"),
        *("--handler", "app.lambda_handler", "--format", "json"),
    )
    found = document(run.out)
    assert (run.status, found["found"], found["problems"]) == (1, False, [])
    assert found["unknown"][0]["message"]["text"] == "the flux capacitor failed"
    assert [finding["code"] for finding in found["also"]] == ["IMP001"]


def test_what_comes_near_an_unknown_text_is_named(lambdapack: Lambdapack) -> None:
    run = lambdapack("diagnose", "the layer convertion has faild", "--format", "json")
    (unknown,) = document(run.out)["unknown"]
    assert run.status == 1
    assert unknown["nearest"][0]["pattern"] == "layer-conversion"


def test_an_artifact_that_cannot_be_opened_may_be_the_answer(lambdapack: Lambdapack, tmp_path: Path) -> None:
    broken = tmp_path / "function.zip"
    broken.write_bytes(b"not a zip at all")
    message = "Could not unzip uploaded file. Please check your file, then try to upload again."
    run = lambdapack("diagnose", message, "--artifact", broken, "--runtime", "python3.13", "--format", "json")
    found = document(run.out)
    assert (run.status, found["problems"][0]["cause"], found["problems"][0]["confidence"]) == (
        0,
        "bad-zip",
        "confirmed",
    )
    assert found["unreadable"]


def test_the_runtime_is_taken_from_the_log(lambdapack: Lambdapack) -> None:
    log = f"INIT_START Runtime Version: python:3.12.v36 Runtime Version ARN: arn:aws:lambda:eu::runtime:x\n{MESSAGE}"
    found = document(lambdapack("diagnose", log, "--format", "json").out)
    assert found["runtime"] == "python3.12"
    assert "--python-version 3.12" in found["problems"][0]["causes"][0]["fixes"][0]


def test_the_function_that_nobody_named_is_not_judged(lambdapack: Lambdapack, tmp_path: Path) -> None:
    """The log tells the handler's module; that it has no `lambda_handler` is no fault of the artifact."""
    artifact = write_zip(tmp_path / "f.zip", {"app.py": "import requests\n\ndef main(event, context):\n    pass\n"})
    found = document(
        lambdapack("diagnose", MESSAGE, "--artifact", artifact, "--runtime", "python3.13", "--format", "json").out
    )
    assert "IMP004" not in {finding["code"] for finding in found["report"]["findings"]}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([""], 2, ["empty"]),
        (["no-such.log"], 2, ["no-such.log", "no such file"]),
        ([MESSAGE, "--runtime", "python3.99"], 2, ["python3.99"]),
        ([MESSAGE, "--artifact", "no-such.zip", "--runtime", "python3.13"], 3, ["no-such.zip"]),
    ],
)
def test_mistakes(lambdapack: Lambdapack, arguments: list[str], status: int, words: list[str]) -> None:
    run = lambdapack("diagnose", *arguments)
    assert (run.status, run.out) == (status, "")
    assert all(word in run.err for word in words)


def test_an_archive_is_no_log(lambdapack: Lambdapack, healthy: Path) -> None:
    run = lambdapack("diagnose", healthy)
    assert run.status == 2
    assert "--artifact" in run.err


def test_a_message_cannot_command_the_terminal(lambdapack: Lambdapack) -> None:
    run = lambdapack("diagnose", "Unable to import module 'app\x07': No module named 'x\x9b31my'")
    assert not {"\x07", "\x9b"} & set(run.out)


def test_a_text_alone_loads_no_inspector() -> None:
    code = "import sys; from lambdapack.cli.app import run; run(); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "diagnose", MESSAGE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert "lambdapack.diagnosis.matching" in done.stderr
    heavy = {"lambdapack.workflows", "lambdapack.checking", "tree_sitter", "urllib3", "rich", "docker"}
    assert not heavy & set(done.stderr.split())
