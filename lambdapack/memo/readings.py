"""What a run reads, noted before it is read: so a memo never holds content that came too late for the run.

Whoever reads an input says so here first. What decides a result and is no file is a doubt: then there is no memo.
"""

from __future__ import annotations

from lambdapack.memo.states import State, is_settled, signature_of, state_of_file, state_of_folder

TYPE_CHECKING = False  # `typing` takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Read = Callable[[str], State | None]

INDEX_ANSWERS_HOLD = 600
"""Seconds. PyPI lets its answers be kept so long (`Cache-Control: max-age=600` of the simple API), and uv does: it
would not ask again before."""


class Readings:
    """Files and folders by absolute path; a State of None: there was none."""

    def __init__(self, *, noting: bool = True) -> None:
        self._noting = noting
        self.files: dict[str, State | None] = {}
        self.folders: dict[str, State | None] = {}
        self.doubts: list[str] = []
        self.holds_until: float | None = None

    def file(self, path: object) -> None:
        """Notes a file that is about to be read, or looked for."""
        name = str(path)
        if name in self.files or not self._noting:
            return
        state = state_of_file(name)
        if state is None and signature_of(name) is not None:
            self.doubt(f"{name} changes, or cannot be read")
        self.files[name] = state

    def folder(self, path: object) -> None:
        """Notes a folder whose names are about to be listed. What is in its files is not looked at."""
        if self._noting and str(path) not in self.folders:
            self.folders[str(path)] = state_of_folder(str(path))

    def doubt(self, reason: str) -> None:
        """Notes that something other than these files decides the result."""
        self.doubts.append(reason)

    def until(self, end: float) -> None:
        """Notes that the result does not hold for ever: `end` is in seconds since 1970."""
        self.holds_until = end if self.holds_until is None else min(end, self.holds_until)

    def take(self, kept: Mapping[str, Any]) -> None:
        """Takes over what went into something that was kept and still holds (`read_kept`)."""
        other = Readings()
        for name, state in kept["files"].items():
            other.files[name] = None if state is None else (state[0], tuple(state[1]), state[2])
        for name, state in kept["folders"].items():
            other.folders[name] = None if state is None else (state[0], tuple(state[1]), state[2])
        self.join(other)

    def join(self, other: Readings) -> None:
        """Takes over what another part of the run has noted."""
        self.files = {**other.files, **self.files}
        self.folders = {**other.folders, **self.folders}
        self.doubts += other.doubts
        if other.holds_until is not None:
            self.until(other.holds_until)

    def have_changed(self) -> bool:
        """True when one of them is no longer what was noted."""
        return not (
            all(is_same(name, state, state_of_file) for name, state in self.files.items())
            and all(is_same(name, state, state_of_folder) for name, state in self.folders.items())
        )


def is_same(name: str, state: State | None, read: Read) -> State | bool:
    """Compares with what is there now: False when it is something else, True when nothing was to be read, else the
    new state with the same content."""
    signature = signature_of(name)
    if state is None or signature is None:
        return state is None and signature is None
    if signature == state[1] and is_settled(state):
        return True
    now = read(name)
    return now if now is not None and now[0] == state[0] else False
