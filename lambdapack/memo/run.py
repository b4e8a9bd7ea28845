"""Keeps memos, and finds the one of a command line that still holds.

A memo belongs to a command line in a folder, to the settings of the environment, and to this lambdapack with all that
is installed beside it; another of any of these finds no memo. It holds while every file that was read, every folder
that was listed and every file that was written is what it was. Builds that fail leave none.
"""

from __future__ import annotations

import os
import sys

from lambdapack.memo.kept import key_of, read_kept, write_kept
from lambdapack.memo.readings import Readings
from lambdapack.memo.states import State

FOLDER = "memos"
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FORMAT = 1
_NO_MEMOS = "--no-cache"


class Memo:
    """What a finished run has to say: the texts of both streams. Its exit status was 0."""

    def __init__(self, out: str, err: str) -> None:
        self.out = out
        self.err = err


def recall(arguments: Sequence[str]) -> Memo | None:
    """Returns the memo of a command line (without the program's name), None when there is none that holds."""
    if _NO_MEMOS in arguments or os.environ.get("LAMBDAPACK_NO_CACHE"):
        return None
    data = read_kept(_path(arguments))
    try:
        return None if data is None else Memo(str(data["out"]), str(data["err"]))
    except KeyError:
        return None


def remember(
    arguments: Sequence[str], readings: Readings, outputs: Mapping[str, State | None], *, out: str, err: str
) -> bool:
    """Keeps what a finished run says, unless it is doubtful whether it would say the same; True when it was kept.

    `outputs` are the files that it has written, with their states.
    """
    if None in outputs.values():
        return False
    return write_kept(_path(arguments), readings, {"out": out, "err": err}, outputs)


def _path(arguments: Sequence[str]) -> str:
    """Where the memo of a command line stands."""
    from lambdapack.cache import cache_folder

    try:
        here = os.getcwd()
    except OSError:
        here = ""
    terminals = [stream.isatty() for stream in (sys.stdout, sys.stderr)]
    name = key_of([_FORMAT, list(arguments), here, terminals])
    return os.path.join(cache_folder(), FOLDER, f"{name}.json")
