"""Wheels as trees: where an installer puts what they hold."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from lambdapack.artifact import Mount, Stack, WheelTree, open_tree
from lambdapack.errors import UnreadableArtifact
from lambdapack.facts.distributions import read_distributions
from tests.recipes.archive import Member, write_archive

INFO = "tiny-1.0.dist-info"


def row(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"


def wheel(folder: Path, members: dict[str, bytes], modes: dict[str, int] | None = None) -> Path:
    files = {**members, f"{INFO}/METADATA": b"Name: tiny\nVersion: 1.0\n", f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n"}
    files[f"{INFO}/RECORD"] = "\n".join([*(row(*item) for item in files.items()), f"{INFO}/RECORD,,"]).encode()
    path = folder / "tiny-1.0-py3-none-any.whl"
    write_archive(path, [Member(name, content, (modes or {}).get(name, 0o600)) for name, content in files.items()])
    return path


DATA = {
    "tiny/__init__.py": b"",
    "tiny-1.0.data/purelib/pure.py": b"p = 1",
    "tiny-1.0.data/platlib/plat.so": b"\x7fELF",
    "tiny-1.0.data/scripts/run": b"#!python\n",
    "tiny-1.0.data/data/share/a.txt": b"a",
    "tiny-1.0.data/headers/tiny.h": b"int x;",
}


def test_everything_stands_where_it_is_installed(tmp_path: Path) -> None:
    with open_tree(wheel(tmp_path, DATA)) as tree:
        assert isinstance(tree, WheelTree)
        names = {entry.path for entry in tree.entries() if entry.is_file}
        assert names == {
            "tiny/__init__.py",
            "pure.py",
            "plat.so",
            "bin/run",
            "share/a.txt",
            *(f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
        }
        assert {entry.path: stream.read() for entry, stream in tree.read([tree.by_path["pure.py"]])} == {
            "pure.py": b"p = 1"
        }
        assert not list(tree.damaged())


def test_record_names_the_new_places(tmp_path: Path) -> None:
    with open_tree(wheel(tmp_path, DATA)) as tree:
        entry = tree.by_path[f"{INFO}/RECORD"]
        assert entry.size == len(tree.read_bytes(entry))
        (dist,) = read_distributions(Stack([Mount("/var/task", tree)]), ("/var/task",))
        assert {path.removeprefix("/var/task/") for path in dist.record or ()} == {
            item.path for item in tree.entries() if item.is_file
        }


def test_modes_are_an_installers(tmp_path: Path) -> None:
    with open_tree(wheel(tmp_path, DATA, {"tiny/__init__.py": 0o700})) as tree:
        modes = {path: tree.by_path[path].permissions for path in ("tiny/__init__.py", "pure.py", "bin/run")}
    assert modes == {"tiny/__init__.py": 0o755, "pure.py": 0o644, "bin/run": 0o755}


def test_a_damaged_member_is_told_at_its_place(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"tiny-1.0.data/purelib/pure.py": b"p = 1"})
    content = path.read_bytes()
    members = [Member("tiny-1.0.data/purelib/pure.py", b"p = 1", damaged=True), Member(f"{INFO}/WHEEL", b"")]
    write_archive(path, members)
    assert path.read_bytes() != content
    with open_tree(path) as tree:
        assert [entry.path for entry, _ in tree.damaged()] == ["pure.py"]


@pytest.mark.parametrize("members", [[], [Member("a-1.dist-info/WHEEL", b""), Member("b-1.dist-info/WHEEL", b"")]])
def test_what_is_no_wheel(tmp_path: Path, members: list[Member]) -> None:
    write_archive(tmp_path / "x.whl", [Member("a.py", b""), *members])
    with pytest.raises(UnreadableArtifact, match="no wheel"):
        open_tree(tmp_path / "x.whl")


def test_a_zip_with_installed_wheels_is_none(tmp_path: Path) -> None:
    wheel(tmp_path, DATA).rename(tmp_path / "function.zip")
    with open_tree(tmp_path / "function.zip") as tree:
        assert not isinstance(tree, WheelTree)
        assert "tiny-1.0.data/scripts/run" in tree.by_path
