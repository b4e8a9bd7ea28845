"""Facts of an earlier run are the same facts; a changed file costs its own folder; verdicts stay the same."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from lambdapack.artifact import Mount, Stack, open_tree
from lambdapack.artifact.zip import ZipTree
from lambdapack.errors import UnreadableMember
from lambdapack.facts.elf import NotElf
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.source import read_source
from lambdapack.facts.store import FactStore
from lambdapack.workflows.inspection import Target, inspect
from tests.recipes.archive import Member
from tests.recipes.image import Image, tar, write_image

_FILES = {"handler.py": "import own.part\ndef lambda_handler(event, context): pass\n", "own/part.py": "import gone\n"}


class Opener(Protocol):
    def __call__(self, path: Path, point: str = "/var/task") -> Stack: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens ZIP files as stacks and closes them at the end."""
    with ExitStack() as open_files:

        def open_stack(path: Path, point: str = "/var/task") -> Stack:
            return Stack([Mount(point, open_files.enter_context(ZipTree(path)))])

        yield open_stack


def _zipped(path: Path, files: dict[str, str], *, date: int = 1980) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (date, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return path


def _refuse() -> object:
    raise AssertionError("this fact is known")


def test_facts_are_known_to_the_next_run_and_to_an_archive_of_another_day(tmp_path: Path, opened: Opener) -> None:
    first = opened(_zipped(tmp_path / "a.zip", _FILES))
    known = KnownFacts(first, FactStore(tmp_path))
    program = read_source(_FILES["own/part.py"].encode())
    assert known.get(first.located["/var/task/own/part.py"], "program", lambda: program) is program
    assert known.get(first.located["/var/task/own/part.py"], "elf", lambda: NotElf("x", None)) == NotElf("x", None)
    known.save()

    files = {**_FILES, "handler.py": "# changed\n"}
    again = opened(_zipped(tmp_path / "b.zip", files, date=2020), "/opt")
    known = KnownFacts(again, FactStore(tmp_path))
    assert known.has(again.located["/opt/own/part.py"], "program")
    assert known.get(again.located["/opt/own/part.py"], "program", _refuse) == program
    assert not known.has(again.located["/opt/handler.py"], "program")


def test_a_changed_file_is_not_known(tmp_path: Path, opened: Opener) -> None:
    for text in ("x = 1\n", "x = 2\n"):
        stack = opened(_zipped(tmp_path / "a.zip", {"own/part.py": text}))
        known = KnownFacts(stack, FactStore(tmp_path))
        located = stack.located["/var/task/own/part.py"]
        assert not known.has(located, "program")
        known.get(located, "program", lambda: read_source(b"x = 1\n"))
        known.save()


def _folder(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (path / "f" / name).write_text(text)
    return path / "f"


def _wheel(path: Path, files: dict[str, str]) -> Path:
    wheel = "Wheel-Version: 1.0\nTag: py3-none-any\n"
    moved = {f"own-1.data/purelib/{name}": text for name, text in files.items()}
    return _zipped(path / "own-1-py3-none-any.whl", {**moved, "own-1.dist-info/WHEEL": wheel})


def _image(path: Path, files: dict[str, str]) -> Path:
    members = [Member(f"var/task/{name}", text.encode()) for name, text in files.items()]
    write_image(path / "image.tar", Image((tar(members),), command=("handler.lambda_handler",)), "docker-archive")
    return path / "image.tar"


@pytest.mark.parametrize("pack", [_folder, _wheel, _image])
def test_facts_are_known_of_other_artifacts_too(tmp_path: Path, pack: Callable[[Path, dict[str, str]], Path]) -> None:
    for text, is_known in (("x = 1\n", False), ("x = 1\n", True), ("x = 2\n", False), ("x = 1\n", True)):
        with open_tree(pack(tmp_path, {"own/part.py": text})) as tree:
            stack = Stack([Mount("/", tree)])
            known = KnownFacts(stack, FactStore(tmp_path))
            located = next(item for item in stack.files() if item.path.endswith("own/part.py"))
            assert known.has(located, "program") is is_known
            program = read_source(text.encode())
            read = _refuse if is_known else partial(read_source, text.encode())
            assert known.get(located, "program", read) == program
            known.save()


def test_a_file_of_a_folder_that_changes_while_it_is_read(tmp_path: Path) -> None:
    with open_tree(_folder(tmp_path, _FILES)) as tree:
        known = KnownFacts(stack := Stack([Mount("/var/task", tree)]), FactStore(tmp_path))
        located = stack.located["/var/task/own/part.py"]
        assert not known.has(located, "program")
        _folder(tmp_path, {"own/part.py": "changed\n"})
        with pytest.raises(UnreadableMember, match="changed"):
            known.get(located, "program", lambda: read_source(stack.read_bytes(located)))


@pytest.mark.parametrize("cached", [True, False])
def test_damages_are_found_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: bool) -> None:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    path = _zipped(tmp_path / "a.zip", {**_FILES, "own/data.txt": "some text " * 100})
    data = bytearray(path.read_bytes())
    at = data.index(b"own/data.txt") + len("own/data.txt") + 3
    target = Target(path, runtime="python3.13", handler="handler.lambda_handler", cached=cached)
    for whole in (True, False, False, True):
        path.write_bytes(data if whole else data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        codes = [finding.code for finding in inspect(target).findings]
        assert ("PKG003" not in codes) is whole


def test_reports_are_the_same_with_and_without_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    files = {**_FILES, "own/__init__.py": "", "own/odd.py": "match x:\n    case 1: pass\n"}
    files["handler.py"] += "import own.odd\n"
    path = _zipped(tmp_path / "a.zip", files)
    for runtime in ("python3.13", "python3.9", "python3.13"):
        target = Target(path, runtime=runtime, handler="handler.lambda_handler")
        with_cache, without = inspect(target), inspect(replace(target, cached=False))
        assert with_cache.findings == without.findings
        assert {finding.code for finding in without.findings} >= {"IMP001"}


def test_what_is_nested_too_deep_to_be_kept_is_read_each_time(tmp_path: Path, opened: Opener) -> None:
    deep: tuple[object, ...] = ()
    for _ in range(100_000):
        deep = (deep,)
    stack = opened(_zipped(tmp_path / "a.zip", _FILES))
    known = KnownFacts(stack, FactStore(tmp_path))
    located = stack.located["/var/task/own/part.py"]
    assert known.get(located, "program", lambda: deep) is deep
    assert not known.has(located, "program")
    known.save()


def test_a_poisoned_cache_makes_nothing_but_facts(tmp_path: Path, opened: Opener) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.mkdir, (Path(tmp_path / "made"),)  # type: ignore[return-value]

    stack = opened(_zipped(tmp_path / "a.zip", _FILES))
    located = stack.located["/var/task/own/part.py"]
    known = KnownFacts(stack, FactStore(tmp_path))
    known.get(located, "program", Evil)
    known.save()
    assert pickle.loads(pickle.dumps(Path)) is Path  # what a plain unpickler would make
    known = KnownFacts(stack, FactStore(tmp_path))
    assert known.get(located, "program", lambda: "read anew") == "read anew"
    assert not (tmp_path / "made").exists()
