"""The generator: the data files are what the sources give, wherever and whenever it runs."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from packaging import tags

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "tools" / "profile_sources"
SCRIPT = ROOT / "tools" / "make_profiles.py"

if not SCRIPT.is_file():
    pytest.skip("the tools of the project are not here", allow_module_level=True)


def test_data_files_are_up_to_date(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_wheel_tags_are_in_the_order_that_packaging_gives_to_this_host() -> None:
    manylinux_platforms = runpy.run_path(str(SCRIPT))["manylinux_platforms"]
    host = [tag for tag in tags.platform_tags() if tag.startswith("manylinux")]
    if not host:
        pytest.skip("this host has no glibc, so packaging gives no order to compare with")
    machine = host[0].split("_", 3)[3]
    if machine not in ("x86_64", "aarch64"):
        pytest.skip(f"Lambda has no {machine}")
    newest = int(host[0].split("_")[2])
    assert manylinux_platforms(newest, machine) == host


def test_sources_are_small_and_name_no_machine() -> None:
    files = [path for path in SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert len(files) >= 10
    here = [f"{folder}/" for folder in (ROOT, ROOT.parent) if folder.name]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(text) < 1024 * 1024
        assert not any(word in text for word in (*here, "/tmp/", "/root/", "/home/")), path.name


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*/*.txt")), ids=lambda path: path.stem)
def test_list_says_where_it_is_from_and_repeats_nothing(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    names = [line.split(" ")[0] for line in lines if not line.startswith("#")]
    assert len(names) == len(set(names)) > 30
