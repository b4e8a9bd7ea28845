"""One artifact against several runtimes: what an upgrade would do to it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from lambdapack.profiles import known_runtimes
from lambdapack.render.json_format import schema
from tests.golden.conftest import Lambdapack
from tests.recipes.archive import Member, write_archive
from tests.recipes.image import Image, tar, write_image
from tests.recipes.native import Native, compile_native


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A function that uses what Python 3.12 has taken away."""
    path = tmp_path / "old.zip"
    source = b"import distutils.version\ndef lambda_handler(event, context): ...\n"
    write_archive(path, [Member("handler.py", source)])
    return path


def test_a_line_for_each(lambdapack: Lambdapack, old: Path) -> None:
    options = ("--runtime", "python3.11", "--runtime", "python3.12", "--handler", "handler.lambda_handler")
    run = lambdapack("inspect", old, *options)
    lines = run.out.splitlines()
    assert run.status == 1
    assert any(line.split()[:2] == ["python3.11", "ok"] and "loads on python3.11" in line for line in lines)
    assert any(line.split()[:2] == ["python3.12", "FAIL"] and "distutils" in line for line in lines)
    whole = lambdapack("inspect", old, *options, "-v")
    assert "error[" in whole.out


def test_all_of_them_as_json(lambdapack: Lambdapack, old: Path) -> None:
    run = lambdapack("inspect", old, "--runtime", "all", "--handler", "handler.lambda_handler", "--format", "json")
    data = json.loads(run.out)
    jsonschema.validate(data, schema())
    verdicts = {report["runtime"]: report["verdict"] for report in data["reports"]}
    assert tuple(verdicts) == known_runtimes()
    assert {runtime for runtime, verdict in verdicts.items() if verdict == "pass"} == {
        runtime for runtime in known_runtimes() if int(runtime.partition(".")[2]) < 12
    }
    assert run.status == 1


def test_each_says_the_same_as_alone(lambdapack: Lambdapack, old: Path) -> None:
    arguments = ("inspect", old, "--handler", "handler.lambda_handler", "--format", "json")
    several = json.loads(lambdapack(*arguments, "--runtime", "python3.11", "--runtime", "python3.13").out)["reports"]
    for report in several:
        alone = lambdapack(*arguments, "--runtime", report["runtime"]).report
        assert {**alone, "timings": None} == {**report, "timings": None}


def test_a_clean_one_says_nothing_when_told_to(lambdapack: Lambdapack, tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def h(event, context): ...\n")
    arguments = ("inspect", tmp_path, "--runtime", "python3.12", "--runtime", "python3.13", "--handler", "handler.h")
    run = lambdapack(*arguments, "-q")
    assert (run.status, run.out) == (0, "")


def test_what_makes_no_sense(lambdapack: Lambdapack, tmp_path: Path, old: Path) -> None:
    write_image(tmp_path / "image.tar", Image([tar([Member("var/task/a.py", b"")])]), "docker-archive")
    image = lambdapack("inspect", tmp_path / "image.tar", "--runtime", "all")
    assert (image.status, image.out) == (2, "")
    assert "brings its own runtime" in image.err
    test = lambdapack("test", old, "--backend", "local", "--runtime", "all")
    assert (test.status, test.out) == (2, "")
    unknown = lambdapack("inspect", old, "--runtime", "python3.13", "--runtime", "python2.7")
    assert (unknown.status, unknown.out) == (2, "")


def test_another_architecture_than_the_assumed_one(lambdapack: Lambdapack, tmp_path: Path) -> None:
    """Default x86_64 stays the verdict; that all files are for the other one is said in one line."""
    (tmp_path / "handler.py").write_text("import fast\ndef h(event, context): ...\n")
    native = Native("fast.cpython-313-aarch64-linux-gnu.so", "aarch64-linux-gnu")
    (tmp_path / native.path).write_bytes(compile_native(native))
    arguments = ("inspect", tmp_path, "--runtime", "python3.13", "--handler", "handler.h", "--format", "json")
    assumed = lambdapack(*arguments)
    assert (assumed.status, len(assumed.report["notes"])) == (1, 1)
    assert "--arch arm64" in assumed.report["notes"][0]
    given = lambdapack(*arguments, "--arch", "x86_64")
    assert (given.status, given.report["notes"]) == (1, [])
