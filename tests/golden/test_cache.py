"""What is kept, where, and that it goes when it shall go."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.golden.conftest import Lambdapack


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "function.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("handler.py", "def lambda_handler(event, context): pass\n"), ("data.txt", "text " * 100)):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, text, zipfile.ZIP_DEFLATED)
    return path


def _inspect(lambdapack: Lambdapack, artifact: Path, *options: str) -> list[str]:
    run = lambdapack(
        "inspect", artifact, "--runtime", "python3.13", "--handler", "handler.lambda_handler", "--format=json", *options
    )
    return [finding["code"] for finding in run.report["findings"] if finding["severity"] == "error"]


def test_cache_dir_and_clean(lambdapack: Lambdapack, artifact: Path) -> None:
    folder = artifact.parent / "cache"
    assert lambdapack("cache", "dir").out.strip() == str(folder)
    _inspect(lambdapack, artifact, "--no-cache")
    assert not folder.exists()
    _inspect(lambdapack, artifact)
    (folder / "of somebody else").write_text("stays")
    assert " facts" in lambdapack("cache", "dir", "--verbose").out
    assert lambdapack("cache", "prune").status == 0
    assert (folder / "facts.sqlite").exists()
    assert lambdapack("cache", "clean").status == 0
    assert [path.name for path in folder.iterdir()] == ["of somebody else"]


def test_fast_leaves_out_what_no_check_reads_and_says_so(lambdapack: Lambdapack, artifact: Path) -> None:
    data = bytearray(artifact.read_bytes())
    data[data.index(b"data.txt") + len("data.txt") + 5] ^= 0x55
    artifact.write_bytes(data)
    assert _inspect(lambdapack, artifact) == ["PKG003"]
    run = lambdapack("inspect", artifact, "--runtime", "python3.13", "--fast", "--format=json")
    assert not run.errors()
    assert any("--fast" in item["reason"] for item in run.report["skipped"])
    assert lambdapack("inspect", artifact, "--runtime", "python3.13", "--fast", "--deep").status == 2
