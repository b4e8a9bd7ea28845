"""Trees written to disk: where Lambda mounts them, and never outside."""

from __future__ import annotations

import io
import os
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

from lambdapack.artifact import Entry, Problem, Tree
from lambdapack.errors import MissingRequirement, UnreadableArtifact, UnreadableMember
from lambdapack.importtest import materialise, unpack_wheels
from lambdapack.importtest.materialise import safe_path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Lambda's file modes and links need POSIX")

FILE, FOLDER, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777


class Given(Tree):
    """A tree of given members: bytes for a file, a string for a link, None for a folder, an exception for bad bytes."""

    def __init__(self, members: dict[str, bytes | str | Exception | None], modes: dict[str, int] | None = None) -> None:
        self.origin = "given"
        self.members = members
        self.modes = modes or {}

    @property
    def problems(self) -> Sequence[Problem]:
        return ()

    def entries(self) -> Sequence[Entry]:
        return [self._entry(path, self.members[path]) for path in sorted(self.members)]

    def _entry(self, path: str, content: bytes | str | Exception | None) -> Entry:
        if isinstance(content, str):
            return Entry(path, 0, LINK, content, self.origin)
        mode = FOLDER if content is None else FILE
        return Entry(path, 0, self.modes.get(path, mode), None, self.origin)

    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        for entry in wanted:
            content = self.members[entry.path]
            if isinstance(content, Exception):
                raise content
            assert isinstance(content, bytes)
            yield entry, io.BytesIO(content)


def mounted(tmp_path: Path, *trees: Tree, point: str = "/var/task") -> tuple[Path, tuple[str, ...]]:
    root = tmp_path / "root"
    root.mkdir()
    made = materialise({point: trees}, root)
    return root, made.left_out


def test_files_folders_and_modes(tmp_path: Path) -> None:
    tree = Given(
        {"handler.py": b"x", "bin/tool": b"y", "empty": None}, {"bin/tool": stat.S_IFREG | 0o755, "empty": FOLDER}
    )
    root, left_out = mounted(tmp_path, tree)
    assert (root / "var/task/handler.py").read_bytes() == b"x"
    assert not os.access(root / "var/task/handler.py", os.X_OK)
    assert os.access(root / "var/task/bin/tool", os.X_OK)
    assert stat.S_IMODE((root / "var/task/empty").stat().st_mode) == 0o755
    assert left_out == ()


def test_later_trees_win(tmp_path: Path) -> None:
    root, _ = mounted(tmp_path, Given({"a": b"1", "b": b"1"}), Given({"b": b"2"}), point="/opt")
    assert ((root / "opt/a").read_bytes(), (root / "opt/b").read_bytes()) == (b"1", b"2")
    assert (root / "var/task").is_dir()


def test_of_an_image_only_the_function_and_layers_are_written(tmp_path: Path) -> None:
    tree = Given({"var/task/a": b"1", "opt/b": b"2", "etc/passwd": b"3", "var/taskforce/c": b"4"})
    root, _ = mounted(tmp_path, tree, point="/")
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert found == ["opt/b", "var/task/a"]


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "a\0b", "..", "a\\..\\out"])
def test_unsafe_names_are_left_out(tmp_path: Path, name: str) -> None:
    root, left_out = mounted(tmp_path, Given({name: b"x", "fine": b"y"}))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["fine"]
    assert len(left_out) == 1
    assert safe_path(name) is None
    assert (root / "var/task/fine").exists()


def test_links_inside_are_made_and_lead_to_the_copy(tmp_path: Path) -> None:
    tree = Given({"lib/a.so.1": b"x", "lib/a.so": "a.so.1", "here": "/var/task/lib/a.so.1", "folder": "lib"})
    root, left_out = mounted(tmp_path, tree)
    for name in ("lib/a.so", "here", "folder/a.so"):
        assert (root / "var/task" / name).read_bytes() == b"x"
    assert left_out == ()


@pytest.mark.parametrize(
    "links",
    [
        {"out": "../../../../etc"},
        {"out": "/../../../etc"},
        {"a/b/c/up": "../../..", "out": "a/b/c/up/../../../../etc"},
        {"a/one": "../..", "out": "a/one/../../.."},
    ],
    ids=["relative", "absolute", "through a link", "two steps"],
)
def test_links_that_lead_outside_are_left_out(tmp_path: Path, links: dict[str, str]) -> None:
    root, left_out = mounted(tmp_path, Given({**links, "fine": b"x"}))
    assert not (root / "var/task/out").is_symlink()
    assert any("out:" in line for line in left_out)
    for path in root.rglob("*"):
        assert path.resolve().is_relative_to(root.resolve())


def test_files_are_not_written_through_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = Given({"a": str(outside), "a/b": b"x", "c": "../../../outside", "c/d": b"x"})
    mounted(tmp_path, tree)
    assert list(outside.iterdir()) == []


def test_a_file_and_a_folder_of_one_name(tmp_path: Path) -> None:
    root, left_out = mounted(tmp_path, Given({"a": b"x", "a/b": b"y"}))
    assert (root / "var/task/a/b").read_bytes() == b"y"
    assert left_out == ("/var/task/a: File exists",)


def test_one_bad_member_does_not_take_the_others_along(tmp_path: Path) -> None:
    tree = Given({"a": b"1", "b": UnreadableMember("b: wrong CRC"), "c": b"3"})
    root, left_out = mounted(tmp_path, tree)
    assert sorted(path.name for path in (root / "var/task").iterdir()) == ["a", "c"]
    assert left_out == ("/var/task/b: b: wrong CRC",)


def test_what_lambda_s_user_may_not_read_is_not_readable(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    made = materialise({"/var/task": [Given({"a": b"1"}, {"a": stat.S_IFREG | 0o600})]}, root)
    assert made.unreadable == ("/var/task/a",)
    assert stat.S_IMODE((root / "var/task/a").stat().st_mode) == 0


def test_a_full_disk_is_no_fault_of_the_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(MissingRequirement, match="No space left") as caught:
        mounted(tmp_path, Given({"a": b"1"}))
    assert "TMPDIR" in (caught.value.hint or "")


def test_wheels_are_unpacked_over_each_other(tmp_path: Path, wheel: Callable[..., Path]) -> None:
    one = wheel("one.whl", {"one/__init__.py": "1", "one-1.data/purelib/extra.py": "2", "one-1.data/scripts/tool": "3"})
    two = wheel("two.whl", {"two.py": "4"})
    into = unpack_wheels([one, two], tmp_path / "into")
    found = sorted(path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file())
    assert found == ["extra.py", "one/__init__.py", "two.py"]


@pytest.mark.parametrize("name", ["../out.py", "/out.py", "x-1.data/purelib/../../../out.py"])
def test_a_wheel_cannot_write_outside(tmp_path: Path, wheel: Callable[..., Path], name: str) -> None:
    with pytest.raises(UnreadableArtifact, match="unsafe name"):
        unpack_wheels([wheel("bad.whl", {name: "x"})], tmp_path / "deep" / "into")
    assert not list(tmp_path.rglob("out.py"))


def test_no_wheel_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "no.whl"
    path.write_bytes(b"no ZIP")
    with pytest.raises(UnreadableArtifact, match=r"no\.whl"):
        unpack_wheels([path], tmp_path / "into")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.py", "x = 1" * 100)
    path.write_bytes(path.read_bytes().replace(b"x = 1", b"y = 2", 1))
    with pytest.raises(UnreadableArtifact, match="CRC"):
        unpack_wheels([path], tmp_path / "into")
