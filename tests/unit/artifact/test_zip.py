"""ZIP archives as trees, damaged and odd ones too. The archives are real, written by zipfile or by hand."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from lambdapack.artifact import open_tree
from lambdapack.artifact.zip import ZipTree
from lambdapack.errors import UnreadableArtifact, UnreadableMember


def _write(
    path: Path, members: dict[str, bytes], mode: int = 0o100644, compression: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = compression
            archive.writestr(info, data)
    return path


def test_entries_are_sorted_and_read_in_storage_order(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", {"b.py": b"B", "a/x.py": b"X", "c.py": b"C"})
    with ZipTree(path) as tree:
        assert [entry.path for entry in tree.entries()] == ["a/x.py", "b.py", "c.py"]
        read = [(entry.path, stream.read()) for entry, stream in tree.read(tree.entries())]
        assert read == [("b.py", b"B"), ("a/x.py", b"X"), ("c.py", b"C")]
        assert tree.read_bytes(tree.by_path["a/x.py"]) == b"X"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_methods(tmp_path: Path, compression: int) -> None:
    with ZipTree(_write(tmp_path / "a.zip", {"a": b"data" * 99}, compression=compression)) as tree:
        assert tree.read_bytes(tree.entries()[0]) == b"data" * 99


def test_modes(tmp_path: Path) -> None:
    for given, seen in ((0o100755, 0o100755), (0o600, 0o100600), (0o100000, 0o100644), (0o100644, 0o100644)):
        with ZipTree(_write(tmp_path / "a.zip", {"a": b""}, mode=given)) as tree:
            assert tree.entries()[0].mode == seen
    with ZipTree(_write(tmp_path / "a.zip", {"d/": b""}, mode=0o40000)) as tree:
        assert tree.entries()[0].is_directory


def test_default_of_writestr_is_private(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("handler.py", "")
    with ZipTree(tmp_path / "a.zip") as tree:
        assert tree.entries()[0].permissions == 0o600


def test_symbolic_link(tmp_path: Path) -> None:
    with ZipTree(_write(tmp_path / "a.zip", {"current": b"v1/lib"}, mode=stat.S_IFLNK | 0o777)) as tree:
        (entry,) = tree.entries()
        assert (entry.is_symlink, entry.link) == (True, "v1/lib")


def test_last_of_two_equal_names_counts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("handler.py", "first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("handler.py", "second")
    with ZipTree(tmp_path / "a.zip") as tree:
        assert tree.read_bytes(tree.by_path["handler.py"]) == b"second"
        assert [(problem.kind, problem.path) for problem in tree.problems] == [("duplicate-name", "handler.py")]


@pytest.mark.parametrize("name", ["../up.py", "a/../../up.py", "/abs.py", "C:\\x.py", "\\\\host\\x", "a\\..\\..\\x"])
def test_unsafe_names_are_problems_and_not_entries(tmp_path: Path, name: str) -> None:
    with ZipTree(_write(tmp_path / "a.zip", {name: b"", "handler.py": b""})) as tree:
        assert [entry.path for entry in tree.entries()] == ["handler.py"]
        assert [problem.kind for problem in tree.problems] == ["unsafe-path"]


def test_dot_and_double_slash_are_no_part_of_a_name(tmp_path: Path) -> None:
    with ZipTree(_write(tmp_path / "a.zip", {"./a//b.py": b"", "./": b""})) as tree:
        assert [entry.path for entry in tree.entries()] == ["a/b.py"]
        assert not tree.problems


def test_wrong_crc_is_found_when_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", {"a.py": b"x = 1\n"}, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"x = 1", b"x = 2"))
    with ZipTree(path) as tree, pytest.raises(UnreadableMember, match=r"a\.py"):
        tree.read_bytes(tree.entries()[0])


def test_encrypted_member(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", {"a.py": b"x = 1\n"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    with ZipTree(path) as tree:
        assert [problem.kind for problem in tree.problems] == ["encrypted"]
        with pytest.raises(UnreadableMember):
            tree.read_bytes(tree.entries()[0])


def test_prefix_stub_and_comment(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", {"a.py": b"x = 1\n"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by hand"
    path.write_bytes(b"#!/usr/bin/env python3\n" + path.read_bytes())
    with ZipTree(path) as tree:
        assert tree.read_bytes(tree.entries()[0]) == b"x = 1\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x1f\x8b" + b"\0" * 99, "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<html>404</html>" * 9, "HTML"),
        (b"PK\x03\x04" + b"\0" * 99, "cut short"),
        (os.urandom(200), "not a zip file"),
    ],
)
def test_what_is_no_archive_says_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(UnreadableArtifact, match=words):
        open_tree(path)


def test_every_cut_of_an_archive_is_read_or_refused(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole.zip", {"a.py": b"x = 1\n", "b/c.py": b"y = 2\n"}).read_bytes()
    cut = tmp_path / "cut.zip"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(UnreadableArtifact):
            ZipTree(cut)


def test_tar_and_nothing_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnreadableArtifact, match="no such file"):
        open_tree(tmp_path / "absent.zip")
    tar = tmp_path / "image.tar"
    tar.write_bytes(b"\0" * 257 + b"ustar" + b"\0" * 250)
    with pytest.raises(UnreadableArtifact, match="tar"):
        open_tree(tar)


def test_name_that_is_not_the_utf8_it_says(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", {"é.txt": b""})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    with pytest.raises(UnreadableArtifact, match=r"not: b'\\xff\\xfe\.txt'"):
        ZipTree(path)
