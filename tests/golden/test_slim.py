"""Slimming with a proof, and the SDK: what is left out is told, what breaks the artifact is taken back and named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from lambdapack.importtest import Interpreter
from tests.golden.conftest import Lambdapack
from tests.unit.builder.makers import make_wheel

CONFIGURATION = """
[functions.api]
handler = "app.handler"
runtime = "python3.13"
source = ["src"]
requirements = ["dep"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("import dep\n\n\ndef handler(event, context): ...\n")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))  # where uv remembers no index
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "links"))
    return tmp_path


def configure(project: Path, code: str, *more: str, requires: tuple[str, ...] = ()) -> None:
    files = {"dep/__init__.py": code, "dep/__init__.pyi": "", "dep/tests/data.txt": "42"}
    make_wheel(project / "links", "dep", files=files, requires=requires)
    (project / "lambdapack.toml").write_text("\n".join((CONFIGURATION, *more)))


def names(project: Path) -> list[str]:
    with zipfile.ZipFile(project / "dist" / "api.zip") as archive:
        return archive.namelist()


def test_what_works_without_it_goes(lambdapack: Lambdapack, project: Path, python313: Interpreter) -> None:
    del python313
    configure(project, "", 'slim = ["tests", "pyi", "docs"]')
    run = lambdapack("build", "--format", "json", cwd=project)
    assert run.status == 0, run.out + run.err
    assert [item["code"] for item in run.report["findings"]] == []
    told = run.report["told"]
    assert told[0].startswith("slim tests: 1 file with 2 bytes less")
    assert "dep/tests/data.txt" not in names(project)
    assert "dep/__init__.pyi" not in names(project)


def test_what_breaks_it_is_taken_back(lambdapack: Lambdapack, project: Path, python313: Interpreter) -> None:
    del python313
    # By a path that no inspection sees.
    code = "import pathlib\nname = ''.join(reversed('stset'))\n"
    code += "(pathlib.Path(__file__).parent / name / 'data.txt').read_text()\n"
    configure(project, code, 'slim = ["tests", "pyi"]')
    run = lambdapack("check", "--backend", "local", "--format", "json", cwd=project)
    assert run.status == 0, run.out + run.err
    (back,) = [text for text in run.report["told"] if "taken back" in text]
    assert back.startswith("slim tests: ")
    assert "data.txt" in back
    assert "dep/tests/data.txt" in names(project)
    assert "dep/__init__.pyi" not in names(project)


def test_the_sdk_is_dropped_with_what_only_it_needs(lambdapack: Lambdapack, project: Path) -> None:
    links = project / "links"
    make_wheel(links, "botocore", requires=("jmespath", "urllib3"))
    make_wheel(links, "boto3", requires=("botocore",))
    for name in ("jmespath", "urllib3"):
        make_wheel(links, name)
    configure(project, "import urllib3", 'sdk = "drop"', requires=("boto3", "urllib3"))
    run = lambdapack("build", "--format", "json", cwd=project)
    assert run.status == 0, run.out + run.err
    assert {name.partition("-")[0] for name in names(project) if name.endswith("METADATA")} == {"dep", "urllib3"}
    (told, *_) = run.report["told"]
    assert "boto3 1.0, botocore 1.0, jmespath 1.0" in told


def test_the_missing_half_is_added(lambdapack: Lambdapack, project: Path) -> None:
    links = project / "links"
    make_wheel(links, "botocore")
    make_wheel(links, "boto3", requires=("botocore",))
    configure(project, "", 'sdk = "pair"', requires=("botocore",))
    run = lambdapack("build", cwd=project)
    assert run.status == 0, run.out + run.err
    assert "boto3 1.0 added" in run.err
    assert "boto3.py" in names(project)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('slim = ["test"]', "did you mean 'tests'"),
        ('sdk = "drop"\nslim = ["sdk"]', "keep one of the two"),
        ('sdk = "remove"', "'bundle' or 'drop' or 'pair'"),
    ],
)
def test_words_that_are_not_known(lambdapack: Lambdapack, project: Path, line: str, words: str) -> None:
    configure(project, "", line)
    run = lambdapack("build", cwd=project)
    assert run.status == 2
    assert words in run.err
