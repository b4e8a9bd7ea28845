"""The wheel holds the package with its data and the licence, and nothing else of the repository."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lambdapack"
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel, built by the project's own build back end."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_the_package_is_in_it(members: set[str]) -> None:
    files = (path.relative_to(ROOT) for path in PACKAGE.rglob("*") if path.is_file())
    wanted = {path.as_posix() for path in files if "__pycache__" not in path.parts}
    assert {name for name in members if ".dist-info/" not in name} == wanted


@pytest.mark.parametrize("name", ["lambdapack/py.typed", "lambdapack/__init__.py", "lambdapack/cli/__init__.py"])
def test_it_is_typed_and_complete(members: set[str], name: str) -> None:
    assert name in members


def test_the_runtime_profiles_are_in_it(members: set[str]) -> None:
    data = {path.name for path in (PACKAGE / "profiles" / "data").glob("*.json")}
    assert data
    assert {f"lambdapack/profiles/data/{name}" for name in data} <= members


def test_the_licence_is_in_it(members: set[str]) -> None:
    assert [name for name in members if name.endswith(".dist-info/licenses/LICENSE")]


def test_nothing_but_package_and_metadata_is_in_it(members: set[str]) -> None:
    tops = {name.partition("/")[0] for name in members}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lambdapack"}
