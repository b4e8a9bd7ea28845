"""A second process may read modules, or fail to: the report is the same, and nothing of it is left."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lambdapack.facts import module_files
from lambdapack.facts.module_files import ModuleFiles
from lambdapack.facts.program import Program
from lambdapack.facts.read_ahead import ReadAhead, can_read_ahead
from lambdapack.report import Report
from lambdapack.workflows.inspection import Target, inspect

pytestmark = pytest.mark.skipif(not can_read_ahead(), reason="needs Linux and two processors")

_FILES = {
    "handler.py": "import lib\nfrom lib import sub, made\ndef lambda_handler(event, context): pass\n",
    "lib/__init__.py": "from . import first\nfrom .deep.er import x\nmade = 1\n",
    "lib/first.py": "try:\n    import lib.missing\nexcept ImportError:\n    from lib import instead\n",
    "lib/instead.py": "y = 1\n",
    "lib/sub.py": "import lib.first as made\nimport nowhere_to_be_found\n",
    "lib/deep/__init__.py": "",
    "lib/deep/er.py": "x = 1\n",
    "lib-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: lib\nVersion: 1\n",
}
_OF_LIBRARY = [name for name in _FILES if name.startswith("lib/")]


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    path = tmp_path / "function.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in _FILES.items():
            archive.writestr(name, text)
        archive.writestr("lib-1.dist-info/RECORD", "".join(f"{name},,\n" for name in _OF_LIBRARY))
    monkeypatch.setattr(module_files, "_WORTH_A_PROCESS", 0)
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    return Target(path, runtime="python3.13", handler="handler.lambda_handler")


def _without_process(target: Target) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module_files, "can_read_ahead", lambda: False)
        return inspect(replace(target, cached=False))


def _same(one: Report, other: Report) -> bool:
    return one.findings == other.findings and one.skipped == other.skipped


def _children() -> set[int]:
    """The processes that this one has started, ended ones that nobody waited for among them."""
    found = set()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = _children()  # other tests may have some
    yield
    assert _children() <= before


@pytest.mark.parametrize("cached", [False, True])
def test_what_a_library_does_is_read_by_the_other_process(
    target: Target, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[str, bool] = {}
    take = ReadAhead.take

    def note(self: ReadAhead, path: str) -> bytes | None:
        fact = take(self, path)
        taken[path] = fact is not None
        return fact

    monkeypatch.setattr(ReadAhead, "take", note)
    report = inspect(replace(target, cached=cached))
    assert taken == {f"/var/task/{name}": True for name in _OF_LIBRARY}
    assert _same(report, _without_process(target))
    assert any(finding.evidence.get("module") == "nowhere_to_be_found" for finding in report.findings)
    if cached:  # what the other process has read is known from then on
        monkeypatch.setattr(ModuleFiles, "begin_anew", lambda _: pytest.fail("there is nothing to read"))
        assert _same(inspect(target), report)


def test_a_process_that_ends_at_once_changes_nothing(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _without_process(target)

    def end(_: ModuleFiles) -> None:
        os._exit(9)

    monkeypatch.setattr(ModuleFiles, "begin_anew", end)
    assert _same(inspect(target), expected)


def test_a_process_that_stands_still_is_not_waited_for(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _without_process(target)
    program = ModuleFiles.program
    mine = os.getpid()

    def stand_still(self: ModuleFiles, path: str) -> Program | None:
        while os.getpid() != mine and path.endswith("first.py"):
            os.sched_yield()
        return program(self, path)

    monkeypatch.setattr(ModuleFiles, "program", stand_still)
    assert _same(inspect(target), expected)


def test_nothing_is_left_of_it_when_the_work_is_broken_off(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: ReadAhead, path: str) -> bytes | None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ReadAhead, "take", interrupt)
    with pytest.raises(KeyboardInterrupt):
        inspect(target)


def test_a_file_that_has_changed_its_name_is_not_read_anew(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _without_process(target)
    begin = ModuleFiles.begin_anew

    def replace_file(self: ModuleFiles) -> object:
        path = Path(target.path)
        path.rename(path.with_suffix(".old"))
        path.write_bytes(b"something else")
        return begin(self)

    monkeypatch.setattr(ModuleFiles, "begin_anew", replace_file)
    assert _same(inspect(replace(target, cached=False)), expected)
