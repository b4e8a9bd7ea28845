"""A control group for one attempt: limits of memory and processes that no process can get away from.

Knows both versions of the kernel's interface (cgroups(7)). Where none can be made - as a normal user, or in a container
whose groups are read-only - there is none, and the limits are watched instead.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "lambdapack-"
_CONTROLLERS = frozenset(("memory", "pids"))
_REMOVAL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """`folders`: one per controller (version 1) or one for all (version 2)."""

    folders: tuple[Path, ...]

    @property
    def members(self) -> list[str]:
        """The files into which a process writes its number to be in the group."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def killed_for_memory(self) -> bool:
        """True when the kernel ended a process of the group because of its memory."""
        for name in ("memory.oom_control", "memory.events"):
            for folder in self.folders:
                with contextlib.suppress(OSError):
                    for line in (folder / name).read_text("ascii").splitlines():
                        word, _, count = line.partition(" ")
                        if word == "oom_kill" and int(count) > 0:
                            return True
        return False

    def remove(self) -> None:
        """Ends what is left in the group and removes it."""
        deadline = time.monotonic() + _REMOVAL_SECONDS
        for folder in self.folders:
            while True:
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:  # its processes are about to end
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.005)


def make_control_group(memory: int | None, processes: int) -> ControlGroup | None:
    """Returns a new group below this process's own, or None where none can be made. `memory` is in bytes."""
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    places = _places()
    if not places:
        return None
    made: list[Path] = []
    try:
        for parent in places.values():
            _sweep(parent)
        for controllers, parent in places.items():
            folder = parent / name
            folder.mkdir()
            made.append(folder)
            if "memory" in controllers and memory is not None:
                _limit_memory(folder, memory)
            if "pids" in controllers:
                (folder / "pids.max").write_text(str(processes), "ascii")
    except OSError:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        return None
    return ControlGroup(tuple(made))


def _sweep(parent: Path) -> None:
    """Removes what a killed lambdapack left; a group with processes cannot be removed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _limit_memory(folder: Path, memory: int) -> None:
    # The second file bounds memory and swap together (1) or swap alone (2); it is not there where swap is not counted.
    for limit, swap, bound in (
        ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", memory),
        ("memory.max", "memory.swap.max", 0),
    ):
        if (folder / limit).exists():
            (folder / limit).write_text(str(memory), "ascii")
            if (folder / swap).exists():
                (folder / swap).write_text(str(bound), "ascii")
            return
    raise FileNotFoundError(folder)


def _places(process: Path = Path("/proc/self")) -> dict[frozenset[str], Path]:
    """Where groups can be made, by controllers, of those with memory and pids; empty when one of the two is missing.

    With version 1 below the process's own group; with version 2 below the nearest one that hands both down: one with
    processes in it may not (cgroups(7), "no internal processes"), but that of a systemd slice above it does.
    """
    try:
        lines = (process / "cgroup").read_text("utf-8").splitlines()
        own = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
        mounts = [line.split() for line in (process / "mountinfo").read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return {}
    found: dict[frozenset[str], Path] = {}
    for row in mounts:
        dash = row.index("-")
        kind, options = row[dash + 1], frozenset(row[dash + 3].split(","))
        wanted = options & _CONTROLLERS
        if kind == "cgroup" and wanted:
            path = next((path for names, path in own.items() if wanted & {*names.split(",")}), None)
            if path is not None:
                found[wanted] = _below(row[4], row[3], path)
        elif kind == "cgroup2" and "" in own:
            folder = _handing_down(_below(row[4], row[3], own[""]), Path(row[4]))
            if folder is not None:
                found[_CONTROLLERS] = folder
    have = {controller for controllers in found for controller in controllers}
    return found if have == _CONTROLLERS else {}


def _handing_down(folder: Path, top: Path) -> Path | None:
    """The nearest group from `folder` up that gives its children both controllers and lets this user make some."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            controllers = (place / "cgroup.subtree_control").read_text("ascii").split()
            if set(controllers) >= _CONTROLLERS and os.access(place, os.W_OK):
                return place
        if place == top:
            break
    return None


def _below(mounted: str, root: str, path: str) -> Path:
    """Where a group's path stands: what the mount shows begins at `root`."""
    inside = path.removeprefix(root) if root != "/" and path.startswith(root) else path
    return Path(mounted, *inside.strip("/").split("/")) if inside.strip("/") else Path(mounted)
