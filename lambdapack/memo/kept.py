"""What is kept from run to run for as long as the files that it was made from are what they were.

Knows how such things are written, found to hold, and named; not what they say.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib

from lambdapack.memo.readings import Readings, is_same
from lambdapack.memo.states import State, state_of_file, state_of_folder

TYPE_CHECKING = False  # `typing` takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SETTINGS = ("LAMBDAPACK_", "PIP_", "UV_", "XDG_")
_SETTING = (
    "APPDATA",
    "COLUMNS",
    "FORCE_COLOR",
    "HOME",
    "NETRC",
    "NO_COLOR",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "USERPROFILE",
)


def read_kept(path: str) -> dict[str, Any] | None:
    """Returns what is kept at a path, None when there is nothing or it holds no more."""
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
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    if refreshed:
        _write(path, data)
    return data


def write_kept(
    path: str, readings: Readings, said: Mapping[str, object], outputs: Mapping[str, State | None] | None = None
) -> bool:
    """Keeps something that was made from what was read, unless it is doubtful whether it would be made again; True when
    it was kept. `outputs` are files that belong to it, with their states."""
    if readings.doubts or readings.have_changed():
        return False
    data = {
        **said,
        "files": readings.files,
        "folders": readings.folders,
        "outputs": outputs or {},
        "written": time.time(),
        "expires": readings.holds_until,
    }
    return _write(path, data)


def key_of(what: object) -> str:
    """Returns a name for what is made from something (JSON data) by this lambdapack, with these settings of the
    environment: 64 hexadecimal digits."""
    import hashlib

    environment = {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS) or name in _SETTING}
    text = json.dumps([what, environment, _tool()], sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


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
