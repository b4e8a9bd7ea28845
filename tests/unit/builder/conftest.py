"""A wheel store of each test's own, and whether the package index can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.builder import WheelStore
from lambdapack.errors import BuildFailed
from tests.unit.builder.makers import resolve_lines


@pytest.fixture
def store(tmp_path: Path) -> WheelStore:
    return WheelStore(tmp_path / "cache")


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips a test that needs real wheels where no index answers."""
    folder = tmp_path_factory.mktemp("index")
    try:
        resolve_lines(folder, "six")
    except BuildFailed as error:
        pytest.skip(f"no package index can be reached: {error}")
