"""Folders as trees."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lambdapack.artifact import open_tree
from lambdapack.artifact.folder import FolderTree
from lambdapack.errors import UnreadableMember


def test_everything_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_bytes(b"x = 1\n")
    (tmp_path / "handler.py").write_bytes(b"")
    with open_tree(tmp_path) as tree:
        assert isinstance(tree, FolderTree)
        assert [entry.path for entry in tree.entries()] == ["handler.py", "pkg", "pkg/a.py"]
        assert tree.by_path["pkg"].is_directory
        assert tree.read_bytes(tree.by_path["pkg/a.py"]) == b"x = 1\n"
        assert not tree.problems


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")
def test_links_are_shown_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "secret").symlink_to("/etc/hostname")
    with open_tree(tmp_path) as tree:
        assert {entry.path: entry.link for entry in tree.entries()} == {
            "loop": str(tmp_path),
            "secret": "/etc/hostname",
        }


def test_a_file_that_went_away(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"")
    with open_tree(tmp_path) as tree:
        (tmp_path / "a.py").unlink()
        with pytest.raises(UnreadableMember, match=r"a\.py"):
            tree.read_bytes(tree.entries()[0])
