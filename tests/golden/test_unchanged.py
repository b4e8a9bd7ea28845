"""Builds with nothing to do: told from content, as a user runs them, in processes of their own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.conftest import Lambdapack, Run

CONFIGURATION = """
runtime = "python3.13"
[functions.thing]
handler = "handler.lambda_handler"
source = ["source"]
exclude = ["*.md"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function without requirements, so that no package index is asked."""
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "project"
    (root / "source" / "part").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "lambdapack.toml").write_text(CONFIGURATION)
    (root / "source" / "handler.py").write_text("import part.one\n\n\ndef lambda_handler(event, context): pass\n")
    (root / "source" / "part" / "one.py").write_text("A = 1\n")
    return root


@pytest.fixture
def build(lambdapack: Lambdapack, project: Path) -> Callable[..., Run]:
    def run(*options: str) -> Run:
        return lambdapack("build", *options, cwd=project)

    return run


def was_unchanged(run: Run) -> bool:
    assert run.status == 0, run.err
    return run.out.rstrip().endswith("unchanged")


def test_says_the_same_again(build: Callable[..., Run], project: Path) -> None:
    first = build()
    output = project / "dist" / "thing.zip"
    before = (output.stat().st_ino, output.stat().st_mtime_ns)
    again = build()
    assert not was_unchanged(first)
    assert was_unchanged(again)
    assert again.out.rsplit("  ", 1)[0] == first.out.rsplit("  ", 1)[0]
    assert again.err == first.err == "note: thing: the exclude pattern '*.md' takes nothing out\n"
    assert (output.stat().st_ino, output.stat().st_mtime_ns) == before


def test_json_is_a_whole_report(build: Callable[..., Run]) -> None:
    first, again = build("--format=json"), build("--format=json")
    assert (first.report["unchanged"], again.report["unchanged"]) == (False, True)
    assert {**again.report, "unchanged": False} == first.report


def test_time_stamps_alone_are_no_change(build: Callable[..., Run], project: Path) -> None:
    build()
    for path in (project / "source" / "handler.py", project / "dist" / "thing.zip", project / "lambdapack.toml"):
        path.touch()
    assert was_unchanged(build())


def _change_with_the_old_time(project: Path) -> None:
    """What time stamps cannot tell: same size, same time of modification, same inode."""
    path = project / "source" / "part" / "one.py"
    before = path.stat()
    with path.open("r+") as stream:
        stream.write("A = 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace_with_the_old_time(project: Path) -> None:
    path = project / "source" / "part" / "one.py"
    before = path.stat()
    other = path.with_name("two.txt")
    other.write_text("A = 3\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def _damage_output(project: Path) -> None:
    path = project / "dist" / "thing.zip"
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _remove_a_module(project: Path) -> None:
    (project / "source" / "part" / "one.py").unlink()
    (project / "source" / "handler.py").write_text("def lambda_handler(event, context): pass\n")


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        _change_with_the_old_time,
        _replace_with_the_old_time,
        _damage_output,
        lambda project: (project / "source" / "new.py").write_text("B = 1\n"),
        lambda project: (project / "source" / "part" / "new.txt").write_text("new"),
        _remove_a_module,
        lambda project: (project / "dist" / "thing.zip").unlink(),
        lambda project: (project / "lambdapack.toml").write_text(CONFIGURATION + 'architecture = "arm64"\n'),
        lambda project: (project / "source" / "lambdapack.toml").write_text("a file of the source\n"),
    ],
)
def test_changes_are_seen(
    build: Callable[..., Run], project: Path, change: Callable[[Path], object], settled: bool
) -> None:
    build()
    if settled:  # otherwise every file is hashed, since it changed a moment before the build
        time.sleep(0.2)
        assert was_unchanged(build())
    change(project)
    assert not was_unchanged(build())
    assert was_unchanged(build())


def test_another_environment_or_command_line_is_another_build(
    build: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    assert not was_unchanged(build("--fail-on=warning"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert not was_unchanged(build())
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert not was_unchanged(build()), "the artifact has the other date now"


def test_no_cache_builds_anew_and_keeps_nothing(build: Callable[..., Run], project: Path) -> None:
    cache = project.parent / "cache"
    assert not was_unchanged(build("--no-cache"))
    assert not cache.exists()
    build()
    (project / "dist" / "thing.zip").write_bytes(b"PK\5\6" + bytes(18))
    assert not was_unchanged(build("--no-cache"))
    assert not was_unchanged(build("--no-cache"))
    assert was_unchanged(build()), "the same bytes stand there again"


def test_what_fails_is_not_remembered(build: Callable[..., Run], project: Path) -> None:
    (project / "source" / "handler.py").write_text(
        "import part.nowhere\n\n\ndef lambda_handler(event, context): pass\n"
    )
    first, again = build(), build()
    assert (first.status, again.status) == (1, 1)
    assert "unchanged" not in again.out


def test_not_verified_is_loud_and_says_so_again(build: Callable[..., Run]) -> None:
    for run in (build("--no-verify", "-q"), build("--no-verify", "-q")):
        assert "NOT INSPECTED" in run.err
        assert run.status == 0
    report = build("--no-verify", "--format=json").report
    assert (report["inspected"], report["findings"]) == (False, [])
    assert any("--no-verify" in item["reason"] for item in report["skipped"])
    assert not was_unchanged(build()), "what was not inspected is no verdict for a build that inspects"


def test_damaged_memos_are_none(build: Callable[..., Run], project: Path) -> None:
    build()
    for memo in (project.parent / "cache" / "memos").iterdir():
        data = json.loads(memo.read_text())
        memo.write_text(json.dumps({**data, "files": {"x": 1}}))
    assert not was_unchanged(build())
    for memo in (project.parent / "cache" / "memos").iterdir():
        memo.write_text("{")
    assert not was_unchanged(build())
