"""The same bytes on any file system, under any umask, whenever it was checked out, whatever was built before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

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
include = "auto"
pyc = "reached"
slim = ["tests", "pyi"]
"""
MEMORY = Path("/dev/shm")


@contextmanager
def umask(value: int) -> Iterator[None]:
    old = os.umask(value)
    try:
        yield
    finally:
        os.umask(old)


def project(folder: Path, mtime: int, mode: int) -> Path:
    """The same project, checked out at another time and with other modes."""
    (folder / "src").mkdir(parents=True)
    files = {"app.py": "import dep, own\n\n\ndef handler(event, context): ...\n", "own.py": "x = 'é'\n" * 999}
    for name, text in sorted(files.items(), reverse=bool(mtime % 2)):
        (folder / "src" / name).write_text(text, encoding="utf-8")
        (folder / "src" / name).chmod(mode)
        os.utime(folder / "src" / name, (mtime, mtime))
    (folder / "lambdapack.toml").write_text(CONFIGURATION)
    return folder


@pytest.fixture
def places(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder on disk, and one in memory where there is such a file system."""
    with TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as name:
        yield tmp_path / "disk", Path(name) / "memory"


@pytest.mark.parametrize("epoch", [None, "1700000000"])
def test_the_same_bytes_everywhere(
    lambdapack: Lambdapack,
    places: tuple[Path, Path],
    tmp_path: Path,
    python313: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
    epoch: str | None,
) -> None:
    del python313
    make_wheel(tmp_path / "links", "dep", files={"dep/__init__.py": "y = 1\n" * 500, "dep/tests/a.py": ""})
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "links"))
    if epoch is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    artifacts = []
    for place, mask, mtime, mode in ((places[0], 0o022, 1, 0o644), (places[1], 0o077, 2_000_000_000, 0o700)):
        monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(place / "cache"))  # nothing comes from the other's
        monkeypatch.setenv("UV_CACHE_DIR", str(place / "uv"))
        with umask(mask):
            project(place, mtime, mode)
            run = lambdapack("build", "--compress", "best", cwd=place)
        assert run.status == 0, run.out + run.err
        artifacts.append((place / "dist" / "api.zip").read_bytes())
        shutil.rmtree(place)
    assert artifacts[0] == artifacts[1]
