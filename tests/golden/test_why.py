"""`lambdapack why`: who brings it, what it costs, what would drop with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.importtest import Interpreter
from lambdapack.render.why_format import why_schema
from tests.golden.conftest import Lambdapack

CONFIGURATION = """
[functions.api]
runtime = "python3.13"
handler = "app.handler"
source = ["src"]
requirements = ["requests==2.32.3", "idna==3.10"]
"""
FILES = {
    "app.py": "import shared.one, shared.two\n\n\ndef handler(event, context):\n    import later\n",
    "later.py": "",
    "shared/__init__.py": "",
    "shared/one.py": "import requests, shared.deep, shared.both\n",
    "shared/two.py": "import idna, shared.both\n",
    "shared/both.py": "",
    "shared/deep.py": "LONG = 'x' * 10\n",
    "never.py": "",
}


@pytest.fixture
def project(tmp_path: Path, lambdapack: Lambdapack) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "lambdapack.toml").write_text(CONFIGURATION)
    run = lambdapack("build", cwd=tmp_path)
    if run.status == 5:
        pytest.skip(f"needs a package registry: {run.err}")
    assert run.status == 0, run.out + run.err
    return tmp_path


def ask(lambdapack: Lambdapack, project: Path, *arguments: str) -> dict[str, Any]:
    run = lambdapack("why", *arguments, "--format", "json", cwd=project)
    assert run.status == 0, run.err
    data = json.loads(run.out)
    jsonschema.validate(data, why_schema())
    (answer,) = data["answers"]
    return dict(answer)


def test_a_distribution(lambdapack: Lambdapack, project: Path) -> None:
    requests = ask(lambdapack, project, "Requests")
    assert (requests["kind"], requests["version"], requests["required_by"]) == ("distribution", "2.32.3", [])
    assert requests["chain"] == ["app", "shared.one", "requests"]
    # idna is imported by code of the project, too.
    assert {part["name"] for part in requests["would_drop"]} == {"certifi", "charset-normalizer", "urllib3"}
    assert requests["bytes"] > 100_000
    assert requests["milliseconds"] is None
    urllib3 = ask(lambdapack, project, "urllib3")
    assert [bringer["name"] for bringer in urllib3["required_by"]] == ["requests"]
    assert urllib3["would_drop"] == []


def test_a_module_and_what_only_it_loads(lambdapack: Lambdapack, project: Path) -> None:
    for name in ("shared.one", "shared/one.py", "/var/task/shared/one.py"):
        one = ask(lambdapack, project, name)
        assert (one["kind"], one["owner"], one["path"]) == ("module", None, "/var/task/shared/one.py")
        assert one["chain"] == ["app", "shared.one"]
        dropped = {part["name"] for part in one["would_drop"]}
        assert {"shared.deep", "requests"} <= dropped
        assert not dropped & {"shared.both", "idna", "shared"}
    assert ask(lambdapack, project, "later")["reason"] == "imported in a function by app"
    assert ask(lambdapack, project, "never.py")["reason"] == "nothing that the handler imports reaches it"
    licence = ask(lambdapack, project, "requests-2.32.3.dist-info/METADATA")
    assert (licence["kind"], licence["owner"]) == ("file", "requests")


def test_import_times_are_measured(lambdapack: Lambdapack, project: Path, python313: Interpreter) -> None:
    del python313
    answer = ask(lambdapack, project, "requests", "--test", "--artifact", "dist/api.zip")
    assert answer["milliseconds"] is None or answer["milliseconds"] > 0


def test_in_words(lambdapack: Lambdapack, project: Path) -> None:
    run = lambdapack("why", "requests", cwd=project)
    assert run.status == 0
    first, *rest = run.out.splitlines()
    assert first.startswith("requests 2.32.3  (distribution in ")
    assert "  reached: app > shared.one > requests" in rest
    assert any("would drop with it: " in line for line in rest)


def test_what_is_not_there(lambdapack: Lambdapack, project: Path) -> None:
    run = lambdapack("why", "request", cwd=project)
    assert run.status == 2
    assert "did you mean requests" in run.err
    (project / "dist" / "api.zip").unlink()
    run = lambdapack("why", "requests", cwd=project)
    assert (run.status, "lambdapack build" in run.err) == (2, True)
