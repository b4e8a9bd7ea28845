"""Where a control group can be made: version 2's rules, on a folder laid out as its file system is.

Version 1 and the kernel itself are met by `test_limits.py` and `test_sandbox.py`, where this machine has groups.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.importtest.cgroups import _CONTROLLERS, _places

BOTH = "cpu memory pids"


@pytest.fixture
def process(tmp_path: Path) -> Path:
    """A process in /user.slice/session.scope, as proc(5) shows it."""
    top = tmp_path / "cgroup"
    (top / "user.slice/session.scope").mkdir(parents=True)
    for folder, handed in (("", BOTH), ("user.slice", ""), ("user.slice/session.scope", "")):
        (top / folder / "cgroup.subtree_control").write_text(handed)
    shown = tmp_path / "proc"
    shown.mkdir()
    (shown / "cgroup").write_text("0::/user.slice/session.scope\n")
    (shown / "mountinfo").write_text(f"30 23 0:26 / {top} rw,nosuid shared:9 - cgroup2 cgroup2 rw\n")
    return shown


def test_the_nearest_group_that_hands_both_down(process: Path, tmp_path: Path) -> None:
    top = tmp_path / "cgroup"
    assert _places(process) == {_CONTROLLERS: top}
    (top / "user.slice/cgroup.subtree_control").write_text(BOTH)
    assert _places(process) == {_CONTROLLERS: top / "user.slice"}


def test_nobody_hands_both_down(process: Path, tmp_path: Path) -> None:
    (tmp_path / "cgroup/cgroup.subtree_control").write_text("cpu pids")
    assert _places(process) == {}


def test_a_mount_that_begins_at_the_own_group(process: Path, tmp_path: Path) -> None:
    top = tmp_path / "cgroup/user.slice/session.scope"
    (process / "mountinfo").write_text(f"30 23 0:26 /user.slice/session.scope {top} rw - cgroup2 cgroup2 rw\n")
    assert _places(process) == {}  # as in a container: above it there is nothing to be seen
    (top / "cgroup.subtree_control").write_text(BOTH)
    assert _places(process) == {_CONTROLLERS: top}


def test_version_1_counts_only_with_both(process: Path) -> None:
    (process / "cgroup").write_text("4:memory:/job\n8:pids:/\n0::/\n")
    row = "31 23 0:27 / /sys/fs/cgroup/{0} rw - cgroup cgroup rw,{0}\n"
    (process / "mountinfo").write_text(row.format("memory"))
    assert _places(process) == {}
    (process / "mountinfo").write_text(row.format("memory") + row.format("pids"))
    assert _places(process) == {
        frozenset({"memory"}): Path("/sys/fs/cgroup/memory/job"),
        frozenset({"pids"}): Path("/sys/fs/cgroup/pids"),
    }
