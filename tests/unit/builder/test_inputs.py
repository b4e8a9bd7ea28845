"""Where a function's dependencies are found when they are not named, and which options go with what."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.builder.inputs import Inputs, find_inputs
from lambdapack.errors import UsageError
from lambdapack.settings import RequirementOptions
from tests.unit.builder.makers import make_function


def found(root: Path, **options: object) -> Inputs:
    chosen = RequirementOptions(detect=True, **options)  # type: ignore[arg-type]
    return find_inputs(make_function(root, source=(root / "app" / "src",), requirement_options=chosen), root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app" / "src").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pylock.toml", "pylock"),
        ("uv.lock", "uv"),
        ("poetry.lock", "poetry"),
        ("Pipfile.lock", "pipenv"),
        ("requirements.txt", "requirements"),
    ],
)
@pytest.mark.parametrize("place", ["app/src", "app", "."])
def test_the_nearest_is_taken(root: Path, name: str, kind: str, place: str) -> None:
    (root / "requirements.txt").touch()
    (root / place / name).touch()
    inputs = found(root)
    assert (inputs.kind, inputs.files, inputs.folder) == (kind, ((root / place / name).resolve(),), root / place)


def test_nothing_declared_is_nothing(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.lambdapack]\n")
    (root.parent / "requirements.txt").touch()
    try:
        assert found(root).kind == "nothing"
    finally:
        (root.parent / "requirements.txt").unlink()


def test_a_project_without_a_lock(root: Path) -> None:
    (root / "app" / "pyproject.toml").write_text('[project]\nname = "app"\n')
    assert found(root).files == (root / "app" / "pyproject.toml",)


def test_a_member_of_a_workspace_is_known_by_its_folder(root: Path) -> None:
    (root / "app" / "pyproject.toml").write_text('[project]\nname = "the-app"\n')
    (root / "uv.lock").write_text('[[package]]\nname = "the-app"\nsource = { editable = "app" }\n')
    inputs = found(root)
    assert (inputs.files, inputs.package) == ((root / "uv.lock",), "the-app")


def test_two_locks_leave_it_open(root: Path) -> None:
    (root / "uv.lock").touch()
    (root / "poetry.lock").touch()
    with pytest.raises(UsageError, match=r"uv\.lock and poetry\.lock"):
        found(root)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("requirements.txt", {"package": "x"}),
        ("poetry.lock", {"package": "x"}),
        ("requirements.txt", {"extras": ("x",)}),
        ("requirements.txt", {"groups": ("x",)}),
        ("Pipfile.lock", {"extras": ("x",)}),
    ],
)
def test_options_that_the_input_has_no_place_for(root: Path, name: str, options: dict[str, object]) -> None:
    (root / name).touch()
    with pytest.raises(UsageError, match="requirements"):
        found(root, **options)
