"""Compiled files, made by the running interpreter in all of its ways and packed by a real archiver."""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from lambdapack.artifact import Mount, Stack, open_tree
from lambdapack.facts.bytecode import ByteCode, read_byte_code
from lambdapack.profiles import load_common_facts

VERSION = (sys.version_info.major, sys.version_info.minor)
pytestmark = pytest.mark.skipif(
    sys.version_info.releaselevel != "final" or load_common_facts().bytecode["{}.{}".format(*VERSION)][1] is None,
    reason="the magic number of this Python is not recorded",
)


def states(folder: Path, tmp_path: Path, python: tuple[int, int] = VERSION) -> dict[str, ByteCode]:
    """Returns what is said of each compiled file of a folder that is packed as it is."""
    archive = tmp_path / "function.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder).as_posix())
    with open_tree(archive) as tree:
        found = read_byte_code(Stack([Mount("/var/task", tree)]), python, load_common_facts(), lambda _: True)
    return {item.path.removeprefix("/var/task/"): item for item in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "function"
    place.mkdir()
    (place / "app.py").write_text("answer = 42\n")
    return place


def compiled(folder: Path, mode: py_compile.PycInvalidationMode = py_compile.PycInvalidationMode.TIMESTAMP) -> str:
    name = py_compile.compile(str(folder / "app.py"), invalidation_mode=mode, doraise=True)
    return Path(name or "").relative_to(folder).as_posix()


@pytest.mark.parametrize("mode", list(py_compile.PycInvalidationMode))
def test_fresh(folder: Path, tmp_path: Path, mode: py_compile.PycInvalidationMode) -> None:
    name = compiled(folder, mode)
    assert states(folder, tmp_path)[name].state == "fresh"


def test_another_python(folder: Path, tmp_path: Path) -> None:
    name = compiled(folder)
    found = states(folder, tmp_path, (3, 9))[name]
    assert (found.state, found.python) == ("foreign", sys.implementation.cache_tag)


def test_changed_after_it_was_compiled(folder: Path, tmp_path: Path) -> None:
    name = compiled(folder)
    before = (folder / "app.py").stat().st_mtime
    (folder / "app.py").write_text("answer = 420\n")
    os.utime(folder / "app.py", (before, before))
    assert states(folder, tmp_path)[name].state == "stale"


def test_another_time(folder: Path, tmp_path: Path) -> None:
    """What `touch` does, and archivers that give every member one time."""
    name = compiled(folder)
    os.utime(folder / "app.py", (1_000_000_000, 1_000_000_000))
    assert states(folder, tmp_path)[name].state == "stale"


def test_without_and_beside_the_source(folder: Path, tmp_path: Path) -> None:
    name = compiled(folder)
    shutil.copy(folder / name, folder / "app.pyc")
    shutil.copy(folder / name, folder / "other.pyc")
    shutil.copy(folder / name, folder / name.replace("app.", "gone."))
    found = states(folder, tmp_path)
    assert found["app.pyc"].state == "beside-source"
    assert found["other.pyc"].state == "sourceless"
    assert found["other.pyc"].python == "{}.{}".format(*VERSION)
    assert found[name.replace("app.", "gone.")].state == "without-source"


def test_optimised(folder: Path, tmp_path: Path) -> None:
    name = py_compile.compile(str(folder / "app.py"), optimize=1, doraise=True)
    found = states(folder, tmp_path)
    assert found[Path(name or "").relative_to(folder).as_posix()].state == "foreign"


def test_cut_short(folder: Path, tmp_path: Path) -> None:
    (folder / "app.pyc").write_bytes(b"\xf3\r\r\n")
    (folder / "app.py").unlink()
    assert states(folder, tmp_path) == {}
