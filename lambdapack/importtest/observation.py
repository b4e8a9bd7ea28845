"""What the probe watches while the handler loads: imports with their times, opened files, mapped libraries, memory.

Runs inside the target interpreter beside `probe.py`, whose rules hold here: Python 3.8 to 3.15, nothing imported that
Lambda's bootstrap does not import, and nothing left where the handler would see it.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


class ImportClock:
    """Times each import where `-X importtime` does: around the import system's `_find_and_load`.

    `records`: name, index of the record that imported it (-1: none), seconds with and without what it imported.
    """

    def __init__(self) -> None:
        self.records: list[list[Any]] = []
        self.code: Any = None
        self._stacks: dict[int, list[int]] = {}

    def start(self) -> None:
        """Begins to watch. A module that is there already is no import."""
        system: Any = sys.modules["_frozen_importlib"]
        load, now, thread = system._find_and_load, time.perf_counter, sys.modules["_thread"].get_ident
        records, stacks = self.records, self._stacks

        def _find_and_load(name: str, *rest: Any) -> Any:
            stack = stacks.setdefault(thread(), [])
            record = [name, stack[-1] if stack else -1, 0.0, 0.0]
            stack.append(len(records))
            records.append(record)
            began = now()
            try:
                return load(name, *rest)
            finally:
                record[2] = now() - began
                stack.pop()

        # With the import system's file name Python leaves the frame out of tracebacks and warnings, as its own.
        _find_and_load.__code__ = self.code = _find_and_load.__code__.replace(co_filename=_IMPORT_SYSTEM)
        system._find_and_load = _find_and_load

    def told(self) -> list[list[Any]]:
        """The records with the modules' files: name, importer, seconds, own seconds, file or None."""
        modules = dict(sys.modules)
        for record in self.records:
            record[3] += record[2]
            if record[1] >= 0:
                self.records[record[1]][3] -= record[2]
        return [[*record, module_file(modules.get(record[0]))] for record in self.records]


def module_file(module: object) -> str | None:
    """Where a module was loaded from, without asking the module: lazy ones would begin to load."""
    try:
        found = object.__getattribute__(module, "__dict__").get("__file__")
    except Exception:  # noqa: BLE001 - anything may stand in `sys.modules`
        return None
    return found if isinstance(found, str) else None


class OpenedFiles:
    """Notes what Python code opens, by an audit hook (PEP 578), which stays until the process ends."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def start(self) -> None:
        """Begins to watch."""
        add = self.paths.add

        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open" and isinstance(arguments[0], str):
                add(arguments[0])

        sys.addaudithook(hear)

    def told(self, roots: list[str]) -> list[str]:
        """What was opened below the given folders."""
        below = tuple(root + "/" for root in roots)
        return sorted(path for path in map(os.path.abspath, self.paths) if path.startswith(below))


def mapped_files() -> list[str]:
    """The shared objects in the memory of this process, from proc(5) `maps`."""
    found = set()
    for line in read("/proc/self/maps").splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and ".so" in fields[5] and fields[5].startswith("/"):
            found.add(fields[5])
    return sorted(found)


def peak_bytes() -> int | None:
    """The highest resident size so far, from proc(5) `status`."""
    for line in read("/proc/self/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def read(path: str) -> str:
    """A file of /proc, or nothing where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    content = b""
    try:
        while True:
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            content += piece
    finally:
        os.close(descriptor)
    return content.decode("utf-8", "replace")
