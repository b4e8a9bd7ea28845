"""Builds that are killed, and builds at the same time: real processes, one store, one output."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.golden.conftest import REPOSITORY, Lambdapack
from tests.unit.builder.makers import make_wheel

CONFIGURATION = """
runtime = "python3.13"
[functions.thing]
handler = "handler.lambda_handler"
source = ["source"]
requirements = [{requirements}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function of a few wheels, served from a folder, with enough in them to be killed at."""
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "links"))
    root = tmp_path / "project"
    (root / "source").mkdir(parents=True)
    (root / ".git").mkdir()
    names = [f"part{number}" for number in range(4)]
    for name in names:
        files: dict[str, str | bytes] = {f"{name}/__init__.py": "", f"{name}/data.bin": os.urandom(4 << 20)}
        make_wheel(tmp_path / "links", name, files=files)
    (root / "source" / "handler.py").write_text("import part0\n\n\ndef lambda_handler(event, context): pass\n")
    (root / "source" / "large.bin").write_bytes(os.urandom(6 << 20))
    listed = ", ".join(f'"{name}"' for name in names)
    (root / "lambdapack.toml").write_text(CONFIGURATION.format(requirements=listed))
    return root


def start(project: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lambdapack", "build", *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def beside(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "dist").iterdir())


WHOLE = ["thing.lambdapack.json", "thing.zip"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("first_artifact", [False, True])
def test_killed_at_any_moment(lambdapack: Lambdapack, project: Path, first_artifact: bool) -> None:
    output = project / "dist" / "thing.zip"
    started = time.perf_counter()
    assert lambdapack("build", "--no-verify", "--no-cache", cwd=project).status == 0
    whole = time.perf_counter() - started
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    kept = b"PK\5\6" + bytes(18)  # an older artifact, the smallest there is
    killed = 0
    for step in range(8):
        output.unlink(missing_ok=True)
        if first_artifact:
            output.write_bytes(kept)
        process = start(project, "--no-verify")
        time.sleep(whole * (step + 1) / 9)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if output.exists():
            assert hashlib.sha256(output.read_bytes()).hexdigest() == digest or (
                first_artifact and output.read_bytes() == kept
            )
        else:
            assert not first_artifact
    assert killed, "every build was done before it was killed"
    run = lambdapack("build", cwd=project)
    assert (run.status, hashlib.sha256(output.read_bytes()).hexdigest()) == (0, digest)
    assert beside(project) == WHOLE, "nothing that killed builds have begun is left"


def _finish(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err


def test_at_the_same_time(lambdapack: Lambdapack, project: Path, tmp_path: Path) -> None:
    _finish([start(project) for _ in range(3)])  # with an empty store
    output = project / "dist" / "thing.zip"
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    with zipfile.ZipFile(output) as archive:
        assert archive.testzip() is None
    assert beside(project) == WHOLE
    _finish([start(project, "--no-verify", "-o", str(tmp_path / f"{number}" / "thing.zip")) for number in range(3)])
    for number in range(3):
        assert hashlib.sha256((tmp_path / f"{number}" / "thing.zip").read_bytes()).hexdigest() == digest
    wheels = list((tmp_path / "cache" / "wheels").rglob("*.whl"))
    assert len(wheels) == 4
    for wheel in wheels:
        assert hashlib.sha256(wheel.read_bytes()).hexdigest() == wheel.parent.name
    assert not list((tmp_path / "cache" / "wheels").rglob("*.part"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
def test_terminated_while_several_are_built(project: Path) -> None:
    text = (project / "lambdapack.toml").read_text()
    more = text[text.index("[functions") :].replace("thing", "other")
    (project / "lambdapack.toml").write_text(text + more)
    process = start(project, "--jobs=2", "--no-cache")
    deadline = time.monotonic() + 60
    while not list((project / "dist").glob(".*.zip")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.terminate()
    _, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("both were built before they could be interrupted")
    assert process.returncode == 143, err
    assert not [name for name in beside(project) if name.startswith(".")]


def test_several_at_once(lambdapack: Lambdapack, project: Path) -> None:
    text = (project / "lambdapack.toml").read_text()
    more = text[text.index("[functions") :]
    broken = more.replace("thing", "broken").replace('"part0"', '"nowhere-to-be-found"')
    (project / "lambdapack.toml").write_text(text + more.replace("thing", "other") + broken)
    run = lambdapack("build", "--jobs=3", "--format=json", cwd=project)
    assert run.status == 5
    assert "broken" in run.err
    assert [report["artifact"]["path"] for report in run.report["reports"]] == ["dist/thing.zip", "dist/other.zip"]
    one, other = ((project / "dist" / f"{name}.zip").read_bytes() for name in ("thing", "other"))
    assert one == other
    run = lambdapack("build", "other", "thing", "--jobs=2", cwd=project)
    assert run.status == 0
    assert [line.split()[1] for line in run.out.splitlines()] == ["dist/other.zip", "dist/thing.zip"]
    assert lambdapack("build", "nobody", cwd=project).status == 2
