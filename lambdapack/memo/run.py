"""Keeps memos, and finds the one of a command line that still holds.

A memo belongs to a command line in a folder, to the settings of the environment, and to this lambdapack with all that
is installed beside it; another of any of these finds no memo. It holds while every file that was read, every folder
that was listed and every file that was written is what it was. Builds that fail leave none.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib

from lambdapack.memo.readings import Readings, is_same
from lambdapack.memo.states import State, state_of_file, state_of_folder

FOLDER = "memos"
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_FORMAT = 1
_NO_MEMOS = "--no-cache"
_SETTINGS = ("LAMBDAPACK_", "PIP_", "UV_", "XDG_")
_SETTING = (
    "APPDATA",
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "HOME",
    "NETRC",
    "NO_COLOR",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "USERPROFILE",
)


class Memo:
    """What a finished run has to say: the texts of both streams. Its exit status was 0."""

    def __init__(self, out: str, err: str) -> None:
        self.out = out
        self.err = err


def recall(arguments: Sequence[str]) -> Memo | None:
    """Returns the memo of a command line (without the program's name), None when there is none that holds."""
    if _NO_MEMOS in arguments or os.environ.get("LAMBDAPACK_NO_CACHE"):
        return None
    path = _path(arguments)
    try:
        with open(path, encoding="utf-8") as stream:
            data: dict[str, Any] = json.load(stream)
        expires = data["expires"]
        if expires is not None and not data["written"] - 1 <= time.time() < expires:
            return None
        refreshed = False
        for key, read in (("files", state_of_file), ("outputs", state_of_file), ("folders", state_of_folder)):
            for name, kept in data[key].items():
                state = None if kept is None else (kept[0], tuple(kept[1]), kept[2])
                same = is_same(name, state, read)
                if same is False:
                    return None
                if same is not True:
                    data[key][name] = same
                    refreshed = True
        memo = Memo(str(data["out"]), str(data["err"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    if refreshed:
        _write(path, data)
    return memo


def remember(
    arguments: Sequence[str], readings: Readings, outputs: Mapping[str, State | None], *, out: str, err: str
) -> bool:
    """Keeps what a finished run says, unless it is doubtful whether it would say the same; True when it was kept.

    `outputs` are the files that it has written, with their states.
    """
    if readings.doubts or None in outputs.values() or readings.have_changed():
        return False
    data = {
        "files": readings.files,
        "folders": readings.folders,
        "outputs": outputs,
        "written": time.time(),
        "expires": readings.holds_until,
        "out": out,
        "err": err,
    }
    return _write(_path(arguments), data)


def _path(arguments: Sequence[str]) -> str:
    """Where the memo of a command line stands."""
    import hashlib

    from lambdapack.cache import cache_folder

    environment = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS) or name in _SETTING}
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    terminals = [stream.isatty() for stream in (sys.stdout, sys.stderr)]
    key = json.dumps([_FORMAT, list(arguments), here, environment, terminals, _tool()], sort_keys=True)
    name = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    return os.path.join(cache_folder(), FOLDER, f"{name}.json")


def _tool() -> list[object]:
    """What this lambdapack is: its own files, the distributions that it could import, and the interpreter."""
    own = os.path.dirname(os.path.dirname(__file__))
    files = []
    folders = [own]
    while folders:
        with os.scandir(folders.pop()) as listing:
            for entry in listing:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        folders.append(entry.path)
                    continue
                status = entry.stat()
                files.append((entry.path, status.st_size, status.st_mtime_ns))
    installed = []
    for place in sys.path:
        try:
            installed += [name for name in os.listdir(place or ".") if name.endswith(".dist-info")]
        except OSError:
            continue
    return [sorted(files), sorted(installed), sys.version, sys.executable, zlib.ZLIB_RUNTIME_VERSION]


def _write(path: str, data: Mapping[str, object]) -> bool:
    """Writes a memo so that it appears whole or not at all; where that cannot be, there is none."""
    temporary = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(data, stream)
        os.replace(temporary, path)
    except (OSError, UnicodeEncodeError):
        return False
    return True
