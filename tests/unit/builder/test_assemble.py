"""First-party code, exclude patterns, and two inputs on one path."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from lambdapack.builder.archive import EXECUTABLE, PLAIN, Piece
from lambdapack.builder.assemble import (
    OUTPUT_RULE,
    VIRTUAL_ENVIRONMENT_RULE,
    FirstParty,
    collect_first_party,
    first_party_piece,
    merge,
)
from lambdapack.builder.exclude import Patterns
from lambdapack.builder.plan import FirstPartyFile
from lambdapack.errors import BuildFailed, UsageError


def write(root: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def collect(
    root: Path, *source: str, shared: tuple[str, ...] = (), exclude: tuple[str, ...] = (), output: str = "dist/f.zip"
) -> FirstParty:
    return collect_first_party(
        [root / name for name in source],
        [root / name for name in shared],
        exclude=Patterns(exclude),
        output=root / output,
        repository=root,
    )


def paths(found: FirstParty) -> list[str]:
    return [file.path for file in found.files]


def piece(path: str, content: bytes, owner: str, mode: int = PLAIN) -> Piece:
    return Piece(path, mode, len(content), owner, lambda: io.BytesIO(content))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.so", "a/b/c.so", True),
        ("*.so", "a/c.so.1", False),
        ("tests", "a/tests/b.py", True),
        ("tests", "a/tests.py", False),
        ("tests/", "a/tests", False),
        ("tests/", "a/tests/x", True),
        ("/tests", "a/tests/x", False),
        ("/tests", "tests/x", True),
        ("a/*.py", "a/b.py", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/*.py", "z/a/b.py", False),
        ("a/**/c.py", "a/c.py", True),
        ("a/**/c.py", "a/b/b/c.py", True),
        ("**/b", "a/b/c", True),
        ("**/*.so", "c.so", True),
        ("**/__pycache__/**", "a/__pycache__/x.pyc", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/b/", "a/b/c", True),
        ("[ab]?.py", "x/b1.py", True),
        ("[!ab]?.py", "b1.py", False),
        ("a.b", "axb", False),
        ("A", "a", False),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert Patterns([pattern]).match(path) == (pattern if matches else None)


@pytest.mark.parametrize("pattern", ["!keep", "a\\b", "/"])
def test_a_pattern_that_cannot_be_meant_is_wrong_usage(pattern: str) -> None:
    with pytest.raises(UsageError):
        Patterns([pattern])


class TestFirstParty:
    def test_contents_of_sources_and_shared_under_their_own_name(self, tmp_path: Path) -> None:
        write(tmp_path, "functions/a/handler.py", "functions/a/sub/x.py", "single.py", "libs/shared/__init__.py")
        write(tmp_path, "libs/module.py")
        found = collect(tmp_path, "functions/a", "single.py", shared=("libs/shared", "libs/module.py"))
        assert paths(found) == ["handler.py", "module.py", "shared/__init__.py", "single.py", "sub/x.py"]
        assert found.left_out == []

    def test_what_tools_leave_behind_is_left_out_and_told(self, tmp_path: Path) -> None:
        write(tmp_path, "src/a.py", "src/__pycache__/a.cpython-313.pyc", "src/.git/HEAD", "src/x.egg-info/PKG-INFO")
        write(tmp_path, "src/env/pyvenv.cfg", "src/env/lib/x.py", "src/old.pyc", "src/sub/.DS_Store")
        found = collect(tmp_path, "src")
        assert paths(found) == ["a.py"]
        assert {(item.path, item.pattern) for item in found.left_out} == {
            ("__pycache__/", "__pycache__/"),
            (".git/", ".git"),
            ("x.egg-info/", "*.egg-info"),
            ("env/", VIRTUAL_ENVIRONMENT_RULE),
            ("old.pyc", "*.pyc"),
            ("sub/.DS_Store", ".DS_Store"),
        }
        assert not any(item.by_user for item in found.left_out)

    def test_the_project_s_own_patterns(self, tmp_path: Path) -> None:
        write(tmp_path, "src/a.py", "src/tests/t.py", "src/native.so", "lib/tests/t.py", "lib/b.py")
        found = collect(tmp_path, "src", shared=("lib",), exclude=("*.so", "/tests"))
        assert paths(found) == ["a.py", "lib/b.py", "lib/tests/t.py"]
        assert [(item.path, item.pattern, item.by_user) for item in found.left_out] == [
            ("native.so", "*.so", True),
            ("tests/", "/tests", True),
        ]

    def test_the_artifacts_themselves_are_not_packed(self, tmp_path: Path) -> None:
        write(tmp_path, "a.py", "dist/f.zip", "dist/other.zip", "dist/note.txt", "data/some.zip")
        found = collect(tmp_path, ".")
        assert paths(found) == ["a.py", "data/some.zip", "dist/note.txt"]
        assert [item.pattern for item in found.left_out] == [OUTPUT_RULE] * 2

    def test_two_sources_with_one_path(self, tmp_path: Path) -> None:
        write(tmp_path, "one/a.py", "two/a.py")
        assert paths(collect(tmp_path, "one", "two")) == ["a.py"]
        write(tmp_path, "two/a.py", text="y")
        with pytest.raises(BuildFailed) as caught:
            collect(tmp_path, "one", "two")
        assert str(tmp_path / "one" / "a.py") in str(caught.value)
        assert str(tmp_path / "two" / "a.py") in str(caught.value)

    def test_the_mode_follows_from_the_content(self, tmp_path: Path) -> None:
        contents = {
            "script": (b"#!/bin/sh\n", EXECUTABLE),
            "program": (b"\x7fELF\x02", EXECUTABLE),
            "lib.so.1": (b"\x7fELF\x02", PLAIN),
            "plain.py": (b"x", PLAIN),
            "empty": (b"", PLAIN),
        }
        for name, (content, mode) in contents.items():
            (tmp_path / name).write_bytes(content)
            (tmp_path / name).chmod(0o600 if mode == EXECUTABLE else 0o777)
            assert first_party_piece(FirstPartyFile(name, tmp_path / name)).mode == mode


class TestLinks:
    @pytest.fixture(autouse=True)
    def _links_can_be_made(self, tmp_path: Path) -> None:
        try:
            (tmp_path / "probe").symlink_to("nowhere")
        except OSError:
            pytest.skip("this user cannot make symbolic links")
        (tmp_path / "probe").unlink()

    def test_inside_the_repository_they_are_followed(self, tmp_path: Path) -> None:
        write(tmp_path, "repo/lib/common/x.py", "repo/src/a.py", "repo/one.py")
        (tmp_path / "repo/src/common").symlink_to("../lib/common")
        (tmp_path / "repo/src/b.py").symlink_to("../one.py")
        assert paths(collect(tmp_path / "repo", "src")) == ["a.py", "b.py", "common/x.py"]

    def test_outside_they_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path, "repo/src/a.py", "secret")
        (tmp_path / "repo/src/b").symlink_to(tmp_path / "secret")
        with pytest.raises(BuildFailed, match="secret"):
            collect(tmp_path / "repo", "src")
        assert paths(collect(tmp_path / "repo", "src", exclude=("/b",))) == ["a.py"]

    @pytest.mark.parametrize("target", ["..", "nowhere", "self"])
    def test_in_circles_or_to_nothing_they_are_refused(self, tmp_path: Path, target: str) -> None:
        write(tmp_path, "src/sub/a.py")
        (tmp_path / "src/sub/self").symlink_to(target)
        with pytest.raises(BuildFailed, match="self"):
            collect(tmp_path, "src")


class TestMerge:
    def test_the_same_bytes_are_fine_and_executable_wins(self) -> None:
        merged = merge([piece("a", b"1", "one"), piece("a", b"1", "two", EXECUTABLE), piece("A", b"2", "three")])
        assert {path: found.mode for path, found in merged.items()} == {"a": EXECUTABLE, "A": PLAIN}

    @pytest.mark.parametrize("other", [b"22", b"2"])
    def test_different_bytes_name_both(self, other: bytes) -> None:
        with pytest.raises(BuildFailed) as caught:
            merge([piece("a/b.py", b"1", "one 1.0"), piece("a/b.py", other, "two 2.0")])
        assert all(part in str(caught.value) for part in ("a/b.py", "one 1.0", "two 2.0"))

    def test_a_file_is_not_a_folder(self) -> None:
        with pytest.raises(BuildFailed) as caught:
            merge([piece("a", b"1", "one"), piece("a/b/c", b"1", "two")])
        assert all(part in str(caught.value) for part in ("a:", "one", "two"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_file_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "src") + b"/\xff.py")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(BuildFailed, match="UTF-8"):
        collect(tmp_path, "src")
