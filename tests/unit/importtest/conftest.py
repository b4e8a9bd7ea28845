"""What import tests need: profiles, real interpreters, the real runtime client, and a one-line way to try a handler."""

from __future__ import annotations

import platform
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uv

from lambdapack.artifact import open_tree
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import AttemptRequest, Interpreter, LocalBackend, Unavailable
from lambdapack.profiles import RuntimeProfile, load_profile

MINORS = (9, 10, 11, 12, 13)

Try = Callable[..., ImportAttempt]


BACKEND = LocalBackend()


def profile_here(minor: int) -> RuntimeProfile:
    """The profile of a runtime, on this machine's architecture."""
    machine = platform.machine().lower()
    return load_profile(f"python3.{minor}", "arm64" if machine in {"arm64", "aarch64"} else "x86_64")


def interpreter_or_skip(minor: int) -> Interpreter:
    found = BACKEND.interpreter(profile_here(minor), downloads=False)
    if isinstance(found, Unavailable):
        pytest.skip(f"needs CPython 3.{minor}: {found}")
    return found


@pytest.fixture(params=MINORS, ids=lambda minor: f"3.{minor}")
def minor(request: pytest.FixtureRequest) -> int:
    """Every runtime whose interpreter is here."""
    number: int = request.param
    interpreter_or_skip(number)
    return number


@pytest.fixture(scope="session")
def newest_minor() -> int:
    """The newest runtime whose interpreter is here."""
    for minor in reversed(MINORS):
        if BACKEND.available(profile_here(minor)) is None:
            return minor
    pytest.skip("needs one of CPython 3.9 to 3.13: `uv python install 3.13`")


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives a folder with the real runtime client, or skips when the package index is out of reach."""
    folders: dict[tuple[int, str], Path | str] = {}

    def get(minor: int, version: str = "") -> Path:
        key = (minor, version)
        if key not in folders:
            interpreter = interpreter_or_skip(minor)
            folder = tmp_path_factory.mktemp(f"client-{minor}")
            folder.chmod(0o755)  # pytest's are closed to others, also to Lambda's user in a sandbox
            wanted = f"awslambdaric=={version}" if version else "awslambdaric"
            command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--only-binary", ":all:"]
            command += ["--python", str(interpreter.path), "--target", str(folder), wanted]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            folders[key] = folder if done.returncode == 0 else done.stderr.strip()
        found = folders[key]
        if isinstance(found, str):
            pytest.skip(f"needs awslambdaric from the package index: {found}")
        return found

    return get


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> Unavailable:
    """Lets no sandbox be made, as on a machine that forbids it."""
    reason = Unavailable("sandboxes are forbidden for this test", "run another")
    monkeypatch.setattr("lambdapack.importtest.local.provide", lambda *_: reason)
    return reason


@pytest.fixture
def attempt(tmp_path: Path, newest_minor: int) -> Try:
    """Tries a handler: `attempt({"handler.py": "..."}, "handler.f", layers=[{...}], minor=13, time_limit=2)`."""

    def run(
        files: Mapping[str, str],
        handler: str = "handler.f",
        *,
        layers: tuple[Mapping[str, str], ...] = (),
        minor: int | None = None,
        profile: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> ImportAttempt:
        chosen = minor or newest_minor
        interpreter_or_skip(chosen)
        trees = [write(tmp_path / f"tree{number}", content) for number, content in enumerate((files, *layers))]
        mounts = {"/var/task": [open_tree(trees[0])], "/opt": [open_tree(tree) for tree in trees[1:]]}
        target = replace(profile_here(chosen), **(profile or {}))
        return BACKEND.attempt(AttemptRequest(mounts, target, handler, no_python_downloads=True, **options))

    return run


def write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


@pytest.fixture
def wheel(tmp_path: Path) -> Callable[..., Path]:
    """Makes a ZIP file with the given name and members."""

    def make(name: str, members: Mapping[str, str]) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as file:
            for member, content in members.items():
                file.writestr(member, content)
        return path

    return make
