"""Finding the interpreter: made-up ones on PATH, in pyenv and from uv, as small scripts that answer as told."""

from __future__ import annotations

import ast
import platform
import sys
from pathlib import Path

import pytest

from lambdapack.importtest import Interpreter, Unavailable, find_interpreter, interpreters, probe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the made-up interpreters are shell scripts")

HERE = interpreters.same_spelling(platform.machine())
# No Python of this version exists, so that only made-up ones can answer.
VERSION = (3, 77)


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.delenv("UV_PYTHON_DOWNLOADS", raising=False)


def fake(path: Path, patch: int = 0, **answer: str) -> Path:
    """A script that answers like an interpreter."""
    fields = {
        "mark": "lambdapack",
        "version": f"3.77.{patch}",
        "machine": platform.machine(),
        "implementation": "cpython",
        "abiflags": "",
        "libc": "glibc 2.36",
        "is_64_bit": "True",
    } | answer
    return script(path, "printf '%s\\n' '" + "\t".join(fields.values()) + "'")


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def find(machine: str = HERE, *, downloads: bool = False) -> Interpreter | Unavailable:
    return find_interpreter(VERSION, machine, downloads=downloads)


def test_found_on_path(tmp_path: Path) -> None:
    path = fake(tmp_path / "bin" / "python3.77", 4)
    assert find() == Interpreter(path, "3.77.4", HERE, "PATH", "glibc 2.36")


def test_newest_patch_wins_and_pyenv_s_versions_are_seen_behind_its_shims(tmp_path: Path) -> None:
    fake(tmp_path / "bin" / "python3.77", 4)
    fake(tmp_path / "pyenv/versions/3.77.9/bin/python3.77", 9)
    path = fake(tmp_path / "pyenv/versions/3.77.10/bin/python3.77", 10)
    assert find() == Interpreter(path, "3.77.10", HERE, "pyenv", "glibc 2.36")


def test_one_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "python3.77", "echo 'pyenv: python3.77: command not found' >&2; exit 127")
    path = fake(tmp_path / "pyenv/versions/3.77.1/bin/python3.77", 1)
    found = find()
    assert isinstance(found, Interpreter)
    assert found.path == path


def test_shims_of_pyenv_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    script(tmp_path / "pyenv/shims/python3.77", f"touch {asked}")
    monkeypatch.setenv("PATH", str(tmp_path / "pyenv/shims"))
    assert isinstance(find(), Unavailable)
    assert not asked.exists()


@pytest.mark.parametrize(
    "answer",
    [
        {"version": "3.76.1"},
        {"machine": "riscv64"},
        {"implementation": "pypy"},
        {"abiflags": "t"},
        {"is_64_bit": "False"},
        {"mark": "Python 3.77.0"},
    ],
    ids=lambda answer: next(iter(answer)),
)
def test_one_that_cannot_stand_in_is_passed_over(tmp_path: Path, answer: dict[str, str]) -> None:
    fake(tmp_path / "bin" / "python3.77", 0, **answer)
    assert isinstance(find(), Unavailable)


def test_uv_managed_one_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / "managed" / "python3.77", 2)
    uv = script(tmp_path / "uv-program", f'[ "$1 $2 $3" = "python find 3.77" ] && echo {path}')
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
    assert find() == Interpreter(path, "3.77.2", HERE, "uv", "glibc 2.36")


def test_uv_installs_one_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "managed" / "python3.77"
    fake(tmp_path / "ready")
    uv = script(
        tmp_path / "uv-program",
        f"""case "$1 $2" in
        "python install") mkdir -p {path.parent} && mv {tmp_path / "ready"} {path} ;;
        "python find") [ -e {path} ] && echo {path} ;;
        esac""",
    )
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
    told: list[str] = []
    found = find_interpreter(VERSION, HERE, progress=told.append)
    assert isinstance(found, Interpreter)
    assert (found.path, found.source) == (path, "uv")
    assert len(told) == 1
    assert "3.77" in told[0]


def test_failed_download_names_its_cause_and_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = script(tmp_path / "uv-program", "echo 'error: Failed to install' >&2; echo '  cause: no route' >&2; exit 1")
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
    found = find(downloads=True)
    assert isinstance(found, Unavailable)
    assert found.reason.endswith("no route")
    assert "uv python install 3.77" in found.remedy
    assert "pyenv install 3.77" in found.remedy


def test_downloads_can_be_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = tmp_path / "tried"
    uv = script(tmp_path / "uv-program", f'[ "$2" = install ] && touch {tried}; exit 1')
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
    found = find(downloads=False)
    assert isinstance(found, Unavailable)
    assert "uv python install 3.77" in found.remedy
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    found = find(downloads=True)
    assert isinstance(found, Unavailable)
    assert "UV_PYTHON_DOWNLOADS" in found.reason
    assert not tried.exists()


def test_another_machine_is_not_worth_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = tmp_path / "tried"
    uv = script(tmp_path / "uv-program", f'[ "$2" = install ] && touch {tried}; exit 1')
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(uv))
    other = "x86_64" if HERE == "aarch64" else "aarch64"
    found = find(other, downloads=True)
    assert isinstance(found, Unavailable)
    assert HERE in found.reason
    assert ("arm64" if other == "aarch64" else other) in found.remedy
    assert not tried.exists()


def test_the_python_that_runs_this_answers_for_its_own_version() -> None:
    found = find_interpreter((sys.version_info.major, sys.version_info.minor), HERE, downloads=False)
    assert isinstance(found, Interpreter)
    assert found.version.startswith("{}.{}.".format(*sys.version_info))


def test_probe_is_python_3_8() -> None:
    source = Path(probe.__file__).read_text("utf-8")
    ast.parse(source, feature_version=(3, 8))
    # What is imported there hides a module of the function with that name: see the module's docstring.
    imported = {name.name for node in ast.parse(source).body if isinstance(node, ast.Import) for name in node.names}
    client = {"json", "logging", "os", "site", "sys", "time", "traceback", "warnings", "importlib"}
    assert imported == client | {"faulthandler"}
