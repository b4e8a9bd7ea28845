"""`pyc = "reached"`: byte code for exactly what importing the handler runs, and the inspection agrees with it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from lambdapack.importtest import Interpreter
from tests.golden.conftest import Lambdapack

CONFIGURATION = """
[functions.api]
handler = "app.handler"
runtime = "python3.13"
source = ["src"]
requirements = ["click==8.1.8"]
pyc = "reached"
"""
FILES = {
    "app.py": """
import json, click, package.used, by_module
from lazy import Thing, aliases
by_module.other


def handler(event, context):
    import later
""",
    "package/__init__.py": "",
    "package/used.py": "from . import __name__\n",
    "package/unused.py": "",
    "later.py": "",
    "lazy/__init__.py": """
from importlib import import_module
_TABLE = {
    "Thing": (__spec__.parent, ".main"),
    "Unused": (__spec__.parent, ".unused"),
    "aliases": (__spec__.parent, "__module__"),
}
def __getattr__(name):
    if name not in _TABLE:
        raise AttributeError(name)
    package, module = _TABLE[name]
    if module == "__module__":
        return import_module(f".{name}", package=package)
    return getattr(import_module(module, package=package), name)
""",
    "lazy/main.py": "from . import deeper\nclass Thing: ...\n",
    "lazy/deeper.py": "",
    "lazy/aliases.py": "",
    "lazy/unused.py": "",
    "by_module/__init__.py": """
import importlib
_TABLE = {"places": ["one", "other"], "elsewhere": ["third"]}
def __getattr__(name):
    for module, names in _TABLE.items():
        if name in names:
            return getattr(importlib.import_module("." + module, __name__), name)
    raise AttributeError(name)
""",
    "by_module/places.py": "one = other = 1\n",
    "by_module/elsewhere.py": "third = 3\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "lambdapack.toml").write_text(CONFIGURATION)
    return tmp_path


def modules(artifact: Path) -> set[str]:
    with zipfile.ZipFile(artifact) as archive:
        names = [name for name in archive.namelist() if name.endswith(".pyc")]
        for name in names:
            assert archive.read(name)[4:8] == b"\1\0\0\0"
    return {name.replace("__pycache__/", "").replace(".cpython-313.pyc", ".py") for name in names}


def test_exactly_what_the_import_runs(lambdapack: Lambdapack, project: Path, python313: Interpreter) -> None:
    run = lambdapack("check", "--backend", "local", "--format", "json", cwd=project)
    assert run.status == 0, run.out + run.err
    report = run.report
    assert [item for item in report["findings"] if item["code"] in ("PKG020", "PKG021", "IMP019")] == []
    imported = {
        module["path"].removeprefix("/var/task/")
        for module in report["import_test"]["imports"]
        if (module["path"] or "").startswith("/var/task/")
    }
    assert modules(project / "dist" / "api.zip") == {path for path in imported if path.endswith(".py")}
    assert {"app.py", "package/__init__.py", "package/used.py", "click/core.py"} <= imported
    assert {"lazy/main.py", "lazy/deeper.py", "lazy/aliases.py", "by_module/places.py"} <= imported
    (told,) = report["told"]
    assert python313.version in told
    assert "measured" in told


def test_the_same_bytes_with_and_without_what_was_kept(
    lambdapack: Lambdapack, project: Path, python313: Interpreter
) -> None:
    del python313
    artifacts = [project / name for name in ("one.zip", "two.zip", "three.zip")]
    for artifact, more in zip(artifacts, ((), (), ("--no-cache",)), strict=True):
        assert lambdapack("build", "-o", artifact, *more, cwd=project).status == 0
    assert len({artifact.read_bytes() for artifact in artifacts}) == 1
    off = (project / "lambdapack.toml").read_text().replace('"reached"', '"off"')
    (project / "lambdapack.toml").write_text(off)
    assert lambdapack("build", "-o", project / "off.zip", cwd=project).status == 0
    assert modules(project / "off.zip") == set()


def test_without_the_targets_python(lambdapack: Lambdapack, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = project / "lambdapack.toml"
    settings.write_text(settings.read_text().replace("3.13", "3.10"))
    monkeypatch.setenv("PYENV_ROOT", str(project))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(project / "uv"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    run = lambdapack("build", cwd=project)
    if run.status == 0:
        pytest.skip("this machine has a Python 3.10 on its standard PATH")
    assert run.status == 4, run.err
    assert 'pyc = "off"' in run.err
    assert not (project / "dist" / "api.zip").exists()
    assert run.out == ""


LAYERED = """
[functions.deps]
package = "layer"
runtime = "python3.13"
requirements = ["click==8.1.8"]
pyc = "reached"
slim = ["pyi"]

[functions.api]
handler = "app.handler"
runtime = "python3.13"
source = ["src"]
layers = ["deps"]
"""


def test_a_layer_has_it_for_what_its_functions_run(
    lambdapack: Lambdapack, project: Path, python313: Interpreter
) -> None:
    del python313
    (project / "lambdapack.toml").write_text(LAYERED)
    run = lambdapack("check", "api", "--backend", "local", "--format", "json", cwd=project)
    assert run.status == 0, run.out + run.err
    layer, function = json.loads(run.out)["reports"]
    assert [item["code"] for item in layer["findings"] if item["code"].startswith("PKG02")] == []
    imported = {module["path"] for module in function["import_test"]["imports"]}
    expected = {path.removeprefix("/opt/") for path in imported if path and path.startswith("/opt/")}
    assert "python/click/core.py" in expected
    assert modules(project / "dist" / "deps.zip") == expected
    assert modules(project / "dist" / "api.zip") == set()


def test_a_layer_that_nobody_names(lambdapack: Lambdapack, project: Path) -> None:
    (project / "lambdapack.toml").write_text(LAYERED.replace('layers = ["deps"]', ""))
    run = lambdapack("build", cwd=project)
    assert (run.status, "no function of this configuration names this layer" in run.err) == (2, True)
