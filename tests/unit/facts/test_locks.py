"""Lock files, in every form that is read, for two Pythons."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.errors import UsageError
from lambdapack.facts.distributions import marker_environment
from lambdapack.facts.locks import Lock, read_lock

OLD, NEW = (3, 9), (3, 13)


def locked(path: Path, python: tuple[int, int]) -> Lock:
    return read_lock(path, marker_environment(python, "x86_64"))


def summary(lock: Lock) -> dict[str, tuple[list[str], bool]]:
    return {name: (sorted(item.versions), item.needed) for name, item in lock.packages.items()}


def test_requirements_with_hashes_markers_and_includes(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("Six==1.17.0\n", encoding="utf-8")
    path = tmp_path / "requirements.txt"
    path.write_text(
        "-r base.txt\n--no-binary :none:\n./local\n"
        "a==1 ; python_version < '3.10' \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
        "a==2 ; python_version >= '3.10'\nb[x]===3 # why\nc>=1\nd==4.*\n",
        encoding="utf-8",
    )
    assert summary(locked(path, OLD)) == {
        "six": (["1.17.0"], True),
        "a": (["1"], True),
        "b": (["3"], True),
        "c": ([], True),
        "d": ([], True),
    }
    assert locked(path, NEW).packages["a"].versions == {"2"}


def test_pylock_with_groups_and_extras(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text(
        """
lock-version = "1.0"
extras = ["fast"]
dependency-groups = ["dev"]
default-groups = ["main"]
packages = [
  { name = "a", version = "1", marker = "python_version < '3.10'" },
  { name = "A", version = "2", marker = "python_version >= '3.10'" },
  { name = "b", version = "3", marker = "'fast' in extras" },
  { name = "c", version = "4", marker = "'dev' in dependency_groups" },
  { name = "d", version = "5", marker = "'main' in dependency_groups" },
  { name = "e", version = "6", marker = "sys_platform == 'win32'" },
]
""",
        encoding="utf-8",
    )
    assert summary(locked(path, NEW)) == {
        "a": (["2"], True),
        "b": (["3"], False),
        "c": (["4"], False),
        "d": (["5"], True),
    }


def test_poetry_of_both_generations(tmp_path: Path) -> None:
    path = tmp_path / "poetry.lock"
    path.write_text(
        """
[[package]]
name = "a"
version = "1"
groups = ["main"]
[[package]]
name = "b"
version = "2"
groups = ["main"]
markers = "python_version < '3.10'"
[[package]]
name = "c"
version = "3"
groups = ["dev"]
[[package]]
name = "d"
version = "4"
optional = true
groups = ["main"]
[[package]]
name = "e"
version = "5"
optional = false
[metadata]
lock-version = "2.1"
""",
        encoding="utf-8",
    )
    assert summary(locked(path, NEW)) == {
        "a": (["1"], True),
        "c": (["3"], False),
        "d": (["4"], False),
        "e": (["5"], False),
    }
    assert locked(path, OLD).packages["b"].needed


def test_pipenv_with_categories_and_markers(tmp_path: Path) -> None:
    path = tmp_path / "Pipfile.lock"
    path.write_text(
        """{"_meta": {"hash": {"sha256": "00"}, "pipfile-spec": 6},
  "default": {"a": {"version": "==1", "hashes": []},
              "B_b": {"version": "==2", "markers": "python_version < '3.10'"},
              "c": {"git": "https://example.org/c", "ref": "abc"}},
  "develop": {"d": {"version": "==4"}}}""",
        encoding="utf-8",
    )
    assert summary(locked(path, NEW)) == {"a": (["1"], True), "c": ([], True), "d": (["4"], False)}
    assert locked(path, OLD).packages["b-b"].needed


def test_uv_with_a_workspace_needs_nothing_for_certain(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    path.write_text(
        """
version = 1
requires-python = ">=3.9"
[[package]]
name = "one"
version = "0"
source = { editable = "one" }
dependencies = [{ name = "a" }]
[[package]]
name = "two"
source = { virtual = "two" }
dependencies = [{ name = "one" }]
[[package]]
name = "a"
version = "1"
source = { registry = "https://index.example/simple" }
""",
        encoding="utf-8",
    )
    lock = locked(path, NEW)
    assert summary(lock)["a"] == (["1"], False)
    assert lock.packages["one"].allows("7")


@pytest.mark.parametrize(
    ("locked_version", "installed", "allowed"),
    [("1.0", "1.0.0", True), ("1.0", "1.0+local", True), ("1.0", "1.0.post1", False), ("not a version", "1", False)],
)
def test_versions_are_compared_as_versions(tmp_path: Path, locked_version: str, installed: str, allowed: bool) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text(
        f'lock-version = "1.0"\npackages = [{{ name = "a", version = "{locked_version}" }}]\n', encoding="utf-8"
    )
    assert locked(path, NEW).packages["a"].allows(installed) is allowed


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("Pipfile.lock", b"{}", "no lock file"),
        ("Pipfile.lock", b"{", "JSON"),
        ("uv.lock", b"[", "TOML"),
        ("other.toml", b"x = 1", "no lock file"),
        ("requirements.txt", b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_lock_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=words):
        locked(tmp_path / name, NEW)
    with pytest.raises(UsageError, match="cannot be read"):
        locked(tmp_path / "absent.txt", NEW)
