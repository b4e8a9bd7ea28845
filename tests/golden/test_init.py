"""`lambdapack init`, from another tool's files to a function that is built."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.golden.conftest import Lambdapack

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/orders/, Handler: app.handler, Runtime: python3.13}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    orders = tmp_path / "functions" / "orders"
    orders.mkdir(parents=True)
    (orders / "app.py").write_text("from shared.config import NAME\n\ndef handler(event, context):\n    return NAME\n")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "config.py").write_text('NAME = "orders"\n')
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_from_a_template_to_an_artifact(lambdapack: Lambdapack, repository: Path) -> None:
    made = lambdapack("init", cwd=repository)
    assert made.status == 0, made.err
    written = tomllib.loads((repository / "lambdapack.toml").read_text(encoding="utf-8"))
    assert written["functions"]["Orders"]["shared"] == ["shared"]
    assert tomllib.loads(made.out) == written
    (repository / "lambdapack.toml").write_text(
        (repository / "lambdapack.toml").read_text(encoding="utf-8").replace('pyc = "reached"', 'pyc = "off"')
    )
    built = lambdapack("build", cwd=repository)
    assert built.status == 0, built.out + built.err
    assert (repository / "dist" / "Orders.zip").is_file()
    again = lambdapack("init", cwd=repository)
    assert (again.status, again.out) == (2, "")


def test_it_is_added_to_pyproject(lambdapack: Lambdapack, repository: Path) -> None:
    project = repository / "pyproject.toml"
    project.write_text('[project]\nname = "shop"  # ours\nversion = "1"\n')
    shown = lambdapack("init", "--dry-run", cwd=repository)
    assert (shown.status, project.read_text().count("\n")) == (0, 3)
    assert lambdapack("init", "--yes", cwd=repository).status == 0
    text = project.read_text()
    assert text.startswith('[project]\nname = "shop"  # ours\nversion = "1"\n\n[tool.lambdapack.functions.Orders]')
    assert sorted(path.name for path in repository.glob("*.toml")) == ["pyproject.toml"]
    assert list(repository.glob(".lambdapack*")) == []


def test_what_is_not_known_is_told(lambdapack: Lambdapack, repository: Path) -> None:
    (repository / "template.yaml").unlink()
    run = lambdapack("init", "--dry-run", cwd=repository)
    assert run.status == 0
    assert tomllib.loads(run.out)["functions"]["orders"]["handler"] == "app.handler"
    assert "note: " in run.err
    assert "python3.13 was taken" in run.err


def test_nothing_to_configure(lambdapack: Lambdapack, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    run = lambdapack("init", cwd=tmp_path)
    assert (run.status, run.out) == (2, "")
    assert run.err.count("\n") == 2
    assert list(tmp_path.glob("*.toml")) == []


def test_a_handler_that_a_plugin_makes_is_told_of(lambdapack: Lambdapack, repository: Path) -> None:
    (repository / "template.yaml").write_text(TEMPLATE.replace("app.handler", "wsgi_handler.handler"))
    made = lambdapack("init", "--dry-run", cwd=repository)
    assert made.status == 0
    assert "wsgi_handler.handler is not in functions/orders" in made.out + made.err
