"""What holds for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# pytest-xdist tells its workers the width of the terminal; the program would fold what it prints to them.
os.environ.pop("COLUMNS", None)


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place uv looks for distributions."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder
