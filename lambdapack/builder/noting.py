"""Notes what a resolution went by, so that a build with nothing to do can tell that it has nothing to do.

Knows which files uv and lock files read besides those that are named. Decides nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lambdapack.builder.choice import Source
from lambdapack.builder.inputs import Inputs
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.sources import source_folders
from lambdapack.memo import INDEX_ANSWERS_HOLD, Readings

_BESIDE = {"poetry": ("pyproject.toml",), "pipenv": ("Pipfile",)}
_LOCAL = re.compile(r'\b(?:editable|virtual|directory|path) = "([^"]+)"')


def note_inputs(inputs: Inputs, included: Iterable[Path], readings: Readings) -> None:
    """Notes the files that say what is required, `included` ones too, and where uv reads its settings."""
    for file in (*inputs.files, *included):
        readings.file(file)
        for name in _BESIDE.get(inputs.kind, ()):
            readings.file(file.with_name(name))
    if inputs.kind == "uv":
        _note_members(inputs.files[0], readings)
    _note_settings_of_uv(inputs.folder, readings)


def note_choices(choices: Sequence[ResolvedWheel | Source], readings: Readings, *, pinned: bool) -> None:
    """Notes what was taken. `pinned`: each by its hash; otherwise what an index or a folder offers is an input, too."""
    for choice in choices:
        if isinstance(choice, Source) and choice.kind == "folder":
            for folder, files in source_folders(Path(choice.location)):
                readings.folder(folder)
                for file in files:
                    readings.file(file)
    if pinned:
        return
    wheels = [choice for choice in choices if isinstance(choice, ResolvedWheel)]
    if any(urlsplit(wheel.location).scheme not in ("http", "https") for wheel in wheels):
        readings.doubt("wheels come from a folder, which may have others next time")
    readings.until(time.time() + INDEX_ANSWERS_HOLD)


def _note_members(lock: Path, readings: Readings) -> None:
    """The projects of a workspace: uv reads them all before it believes its lock."""
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return  # whoever reads it for its content says so
    for place in sorted(set(_LOCAL.findall(text))):
        readings.file(Path(os.path.normpath(lock.parent / place)) / "pyproject.toml")


def _note_settings_of_uv(folder: Path, readings: Readings) -> None:
    """Notes where uv reads its settings (docs.astral.sh/uv/concepts/configuration-files)."""
    for place in (folder.resolve(), *folder.resolve().parents):
        readings.file(place / "uv.toml")
        readings.file(place / "pyproject.toml")
    own = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    for path in (Path(own, "uv/uv.toml"), Path("/etc/xdg/uv/uv.toml"), Path("/etc/uv/uv.toml")):
        readings.file(path)
    for variable in ("APPDATA", "SYSTEMDRIVE"):
        if os.environ.get(variable):
            readings.doubt(f"uv may read settings below {variable}")
    if os.environ.get("UV_CONFIG_FILE"):
        readings.file(Path(folder, os.environ["UV_CONFIG_FILE"]))
