"""A disk that runs full in the middle of a build: one line, and the artifact that was there stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.builder.makers import make_wheel


@pytest.fixture
def unshare() -> list[str]:
    program = shutil.which("unshare")
    command = [str(program), "--map-root-user", "--mount", "--fork"]
    if program is None or subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here: needs unshare (util-linux) and user namespaces")
    return command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A function that needs a wheel of three megabytes, with an older artifact."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "handler.py").write_text("def lambda_handler(event, context): return 1\n")
    wheel = make_wheel(tmp_path / "wheels", files={"data.bin": os.urandom(3_000_000)})
    (folder / "lambdapack.toml").write_text(
        '[functions.f]\nhandler = "handler.lambda_handler"\nruntime = "python3.13"\nsource = ["src"]\n'
        f'requirements = ["{wheel.location}"]\noutput = "dist/f.zip"\n'
    )
    (folder / "dist").mkdir()
    (folder / "dist" / "f.zip").write_bytes(b"PK\5\6" + bytes(18))
    (tmp_path / "cache").mkdir()
    return folder


@pytest.mark.parametrize("full", ["cache", "project/dist"])
def test_one_line_and_the_old_artifact_stays(unshare: list[str], project: Path, tmp_path: Path, full: str) -> None:
    place = tmp_path / full
    listing = tmp_path / "listing"
    # What is in the small file system afterwards is listed from inside.
    script = (
        'cp -r "$1" "$1.kept" && mount -t tmpfs -o size=1m none "$1" && cp -r "$1.kept/." "$1" || exit 99\n'
        '"$2" -m lambdapack build --config "$3"; status=$?\n'
        'find "$1" -type f -size +0 > "$4"; cmp "$5/dist/f.zip" "$6" || exit 98\nexit $status\n'
    )
    old = tmp_path / "old.zip"
    shutil.copy(project / "dist" / "f.zip", old)
    arguments = [place, sys.executable, project / "lambdapack.toml", listing, project, old]
    run = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", *map(str, arguments)],
        env={**os.environ, "LAMBDAPACK_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 5, run.stderr
    (error,) = [line for line in run.stderr.splitlines() if line.startswith("error")]
    assert "No space left on device" in error
    assert "Traceback" not in run.stderr
    left = [Path(line).name for line in listing.read_text().splitlines()]
    assert [name for name in left if name.endswith((".part", ".whl", ".tmp"))] == []
