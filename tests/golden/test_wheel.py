"""Real wheels from the package registry, inspected as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.conftest import Lambdapack

PLATFORMS = {"x86_64": "x86_64", "arm64": "aarch64"}


def fetch(folder: Path, requirement: str, architecture: str) -> Path:
    machine = PLATFORMS[architecture]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    target = ["--python-version", "3.13", "--platform", f"manylinux2014_{machine}", "--dest", str(folder), requirement]
    done = subprocess.run([*command, *target], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"needs pip and a package registry: {done.stderr.strip()[-200:]}")
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.parametrize("architecture", list(PLATFORMS))
def test_a_healthy_one_has_no_finding(lambdapack: Lambdapack, tmp_path: Path, architecture: str) -> None:
    path = fetch(tmp_path, "numpy==2.2.6", architecture)
    run = lambdapack("inspect", path, "--format", "json")
    report = run.report
    assert (run.status, [item for item in report["findings"] if item["severity"] != "info"]) == (0, [])
    # Its name tells all that has to be known.
    assert (report["runtime"], report["architecture"]) == ("python3.13", architecture)
    assert report["artifact"]["kind"] == "wheel"
    assert report["artifact"]["zipped_size"] is None
    wrong = lambdapack("inspect", path, "--runtime", "python3.12", "--format", "json")
    assert {item["code"] for item in wrong.report["findings"]} & {"ELF003", "DST007"}
