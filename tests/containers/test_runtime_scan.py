"""`lambdapack runtimes scan` and `diff`: a profile read from the files of a runtime's image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdapack.profiles import load_profile, parse_profile
from tests.containers.conftest import RUNTIMES, lambdapack


@pytest.fixture
def scanned(image_of: Callable[[str], str], tmp_path: Path) -> Callable[[str], Path]:
    """Gives the file that a scan of a runtime's image has written."""

    def get(runtime: str) -> Path:
        file = tmp_path / "profile.json"
        done = lambdapack("runtimes", "scan", f"docker-daemon:{image_of(runtime)}", "--output", file)
        assert done.returncode == 0, done.stderr
        return file

    return get


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_scan_is_a_profile_of_what_is_there(scanned: Callable[[str], Path], runtime: str) -> None:
    file = scanned(runtime)
    profile = parse_profile(file.read_text("utf-8"), "scan")
    shipped = load_profile(runtime, "x86_64")
    assert (profile.identifier, profile.glibc) == (shipped.identifier, shipped.glibc)
    assert profile.python_path == shipped.python_path
    assert profile.library_path == shipped.library_path
    assert profile.symbol_ceilings["GLIBCXX"] >= shipped.symbol_ceilings["GLIBCXX"]
    assert {"libc.so.6", "libstdc++.so.6", "libz.so.1"} <= profile.libraries.keys()
    assert {"json", "asyncio.events", "_ssl", "sys"} <= profile.stdlib_modules
    scan: Any = json.loads(file.read_text("utf-8"))["scan"]
    assert scan["digest"].startswith("sha256:")
    assert scan["environment"]["LAMBDA_TASK_ROOT"] == "/var/task"
    assert "GLIBC_2.17" in scan["definitions"]["libc.so.6"]
    assert scan["distributions"].keys() >= {"awslambdaric", "boto3"}


def test_two_runtimes_are_compared(scanned: Callable[[str], Path]) -> None:
    file = scanned("python3.13")
    assert lambdapack("runtimes", "diff", file, file).stdout == "no difference\n"
    done = lambdapack("runtimes", "diff", "python3.11", "python3.13", "--format", "json")
    assert json.loads(done.stdout)["glibc"]["changed"] == {"glibc": [[2, 26], [2, 34]]}


def test_an_artifact_is_judged_by_a_profile_of_ones_own(
    scanned: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = scanned("python3.13")
    (tmp_path / "function").mkdir()
    (tmp_path / "function/handler.py").write_text("import shiny\ndef handle(event, context): pass\n", encoding="ascii")
    command: list[str | Path] = ["inspect", tmp_path / "function", "--handler", "handler.handle", "--format", "json"]
    assert [f["code"] for f in json.loads(lambdapack(*command, "--profile", file).stdout)["findings"]] == ["IMP001"]
    # A runtime that has the module: kept in the cache folder, it counts without being named.
    data = json.loads(file.read_text("utf-8"))
    data["preinstalled"]["shiny"] = {"version": "1.0", "modules": ["shiny"], "certain": True}
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    kept = tmp_path / "cache/profiles/python3.13-x86_64.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(data), encoding="utf-8")
    report = json.loads(lambdapack(*command, "--runtime", "python3.13").stdout)
    assert report["findings"] == []
    assert any(str(kept) in assumed for assumed in report["assumed"])
    wrong = lambdapack(*command, "--profile", kept, "--runtime", "python3.12")
    assert wrong.returncode == 2
