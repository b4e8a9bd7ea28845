"""Finds the Python that matches a target: same version, same machine, and one that really answers.

Looks on PATH, into pyenv's versions (its shims refuse to run a version that is not selected, which also makes
`uv python find` fail) and among the ones uv manages; lets uv install one when that is allowed. Knows nothing of
artifacts.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uv

from lambdapack.importtest.backend import Unavailable

Progress = Callable[[str], None]

_ANSWER_SECONDS = 10.0
_DOWNLOAD_SECONDS = 300.0
# uv waits 10 s for a connection and tries three times: with no network that is half a minute in vain.
_DOWNLOAD_ENVIRONMENT = {"UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_RETRIES": "1"}

# Runs under any Python 3; one line, tab-separated. CS_GNU_LIBC_VERSION is there under glibc only.
_QUESTION = """
import os, platform, sys
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, ValueError, OSError):
    libc = "musl" if sys.platform == "linux" else ""
print("\\t".join([
    "lambdapack", platform.python_version(), platform.machine(), sys.implementation.name,
    getattr(sys, "abiflags", ""), libc, str(sys.maxsize > 2**32),
]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that answered. `machine` is spelled as ELF and wheels do; `libc` is e.g. `glibc 2.36`, `musl`, or empty;
    `source` says how it was found (`PATH`, `pyenv`, `uv`)."""

    path: Path
    version: str
    machine: str
    source: str
    libc: str = ""


def same_spelling(machine: str) -> str:
    """Returns a machine name as ELF and wheels spell it: macOS says `arm64`, Windows `AMD64`."""
    lowered = machine.lower()
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(lowered, lowered)


def find_interpreter(
    python: tuple[int, int],
    machine: str,
    *,
    downloads: bool = True,
    progress: Progress | None = None,
) -> Interpreter | Unavailable:
    """Returns the newest patch of CPython `python` for `machine` on this computer, or why there is none.

    `downloads`: uv may install one; `UV_PYTHON_DOWNLOADS=never` or `manual` forbids it as well.
    """
    found = _newest(_candidates(python), python, machine)
    if found is not None:
        return found
    version = f"{python[0]}.{python[1]}"
    here = same_spelling(platform.machine())
    if here != machine:
        spoken = "arm64" if machine == "aarch64" else machine
        return Unavailable(
            f"Python {version} for {spoken} cannot run here: this machine is {here}",
            f"run the import test on a machine with {spoken}, for example a CI runner of that architecture",
        )
    remedy = f"install it with `uv python install {version}` or `pyenv install {version}`"
    missing = f"no Python {version} on this machine (looked on PATH, in pyenv and uv)"
    if not downloads:
        return Unavailable(f"{missing}, and downloading one is not allowed", remedy)
    if os.environ.get("UV_PYTHON_DOWNLOADS", "").lower() in {"never", "manual", "false", "0"}:
        return Unavailable(f"{missing}, and UV_PYTHON_DOWNLOADS forbids downloading one", remedy)
    if progress is not None:
        progress(f"Python {version} is not on this machine: installing it with uv")
    trouble = _install(version)
    if trouble is None:
        found = _newest(_managed(version), python, machine)
        if found is not None:
            return found
        trouble = "what uv installed does not run here"
    return Unavailable(f"{missing}, and uv could not install it: {trouble}", f"{remedy} where the network allows it")


def _newest(candidates: Iterator[tuple[Path, str]], python: tuple[int, int], machine: str) -> Interpreter | None:
    best: Interpreter | None = None
    seen: set[Path] = set()
    for path, source in candidates:
        real = path.resolve()
        # A venv's `python` links to the real one but is the same interpreter; a shim resolves to itself.
        if real in seen:
            continue
        seen.add(real)
        answer = ask(path, source)
        if answer is None or answer.machine != machine or _release(answer.version)[:2] != python:
            continue
        if best is None or _release(answer.version) > _release(best.version):
            best = answer
    return best


def _release(version: str) -> tuple[int, ...]:
    """`3.15.0rc1` → (3, 15, 0)."""
    numbers: list[int] = []
    for part in version.split(".")[:3]:
        digits = "".join(character for character in part[:3] if character.isdigit())
        numbers.append(int(digits or 0))
    return tuple(numbers)


def ask(path: Path, source: str) -> Interpreter | None:
    """Runs an interpreter to learn what it is; None when it does not answer or cannot stand in for Lambda's CPython."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-S", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    fields = done.stdout.decode("utf-8", "replace").strip("\r\n").split("\t")
    if done.returncode != 0 or len(fields) != 7 or fields[0] != "lambdapack":
        return None
    _, version, machine, implementation, abiflags, libc, is_64_bit = fields
    # Free-threaded (`t`) and debug (`d`) builds have another ABI than Lambda's: its extensions do not load there.
    if implementation != "cpython" or is_64_bit != "True" or set(abiflags) & {"t", "d"}:
        return None
    return Interpreter(path, version, same_spelling(machine), source, libc)


def _candidates(python: tuple[int, int]) -> Iterator[tuple[Path, str]]:
    version = f"{python[0]}.{python[1]}"
    if sys.version_info[:2] == python:
        yield Path(sys.executable), "the Python that runs lambdapack"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in os.get_exec_path():
        path = Path(folder, f"python{version}")
        # A pyenv shim costs 0.1 s and answers 127 unless its version is selected; what it hides is looked at directly.
        if folder and Path(folder) != pyenv / "shims" and path.is_file():
            yield path, "PATH"
    for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")):
        yield path, "pyenv"
    yield from _managed(version)


def _managed(version: str) -> Iterator[tuple[Path, str]]:
    """The one uv manages: `--managed-python` keeps uv from asking the shims on PATH."""
    arguments = ["python", "find", version, "--managed-python", "--no-python-downloads", "--no-project", "--no-config"]
    done = _uv(arguments, _ANSWER_SECONDS)
    if done is not None and done.returncode == 0:
        path = Path(done.stdout.decode("utf-8", "replace").strip())
        if path.is_file():
            yield path, "uv"


def _install(version: str) -> str | None:
    """Returns None when uv installed it, else the last cause it gave."""
    done = _uv(["python", "install", version, "--no-config"], _DOWNLOAD_SECONDS)
    if done is None:
        return f"it took longer than {_DOWNLOAD_SECONDS:.0f} s, or uv could not be started"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("cause: ").removeprefix("error: ") if lines else f"exit status {done.returncode}"


def _uv(arguments: list[str], seconds: float) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            [uv.find_uv_bin(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env=_DOWNLOAD_ENVIRONMENT | dict(os.environ),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
