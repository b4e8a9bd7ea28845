"""Programs that build the same artifacts, and the commands that make them do so.

They are installed on first use, in an environment of their own in the user's cache folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs

_NEEDED = ("aws-sam-cli", "pex", "pip")


def rival(name: str) -> str:
    """Returns the path of a program (`sam`, `pex3`, `pip`). Needs a package registry on first use."""
    folder = platformdirs.user_cache_path("lambdapack-bench") / "rivals"
    program = folder / ("Scripts" if sys.platform == "win32" else "bin") / name
    if not program.exists():
        uv = find_uv()
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        python = str(program.with_name("python"))
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *_NEEDED], check=True)
    return str(program)


def find_uv() -> str:
    """Returns the path of uv, which comes with lambdapack."""
    return shutil.which("uv") or str(Path(sys.executable).with_name("uv"))


def versions() -> tuple[str, ...]:
    """What is compared with, by name and version."""
    listed = subprocess.run(
        [find_uv(), "pip", "list", "--format=freeze", "--python", str(Path(rival("pip")).with_name("python"))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    uv = subprocess.run([find_uv(), "--version"], capture_output=True, text=True, check=True).stdout.split()[:2]
    return (" ".join(uv), *(line.replace("==", " ") for line in listed if line.partition("==")[0] in _NEEDED))
