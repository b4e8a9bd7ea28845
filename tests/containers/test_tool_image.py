"""The image of lambdapack itself, built as `make tool-image` does it, on an image that is here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.containers.conftest import missing

ROOT = Path(__file__).parents[2]
NAME = "lambdapack-test/tool:latest"


def docker(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_it_inspects_what_is_mounted(image_of: Callable[[str], str], tmp_path: Path) -> None:
    if shutil.which("docker") is None:
        missing("docker's command-line client is not here: apt-get install docker.io")
    base = image_of("python3.13")
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(ROOT / "images" / "tool" / "Dockerfile", context)
    # The wheels have to be those of the base image's Python, which need not be this one's.
    wheel = tmp_path / "own"
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, wheel], cwd=ROOT, check=True, capture_output=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", context / "wheels"]
    command += ["--only-binary", ":all:", "--python-version", "3.13", "--implementation", "cp"]
    command += [f"--platform={level}_x86_64" for level in ("manylinux_2_28", "manylinux2014")]
    command += [f"--abi={abi}" for abi in ("cp313", "abi3", "none")]
    collected = subprocess.run(
        list(map(str, [*command, "pip", *wheel.glob("*.whl")])), capture_output=True, text=True, check=False
    )
    if collected.returncode:
        missing(f"the wheels cannot be fetched: {collected.stderr[-300:]}")
    built = docker("build", "--tag", NAME, "--build-arg", f"BASE={base}", context)
    assert built.returncode == 0, built.stdout + built.stderr
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("import not_there\ndef handler(event, context): ...\n")
    container = docker(
        "create", NAME, "inspect", "src", "--runtime", "python3.13", "--handler", "app.handler"
    ).stdout.strip()
    try:
        assert docker("cp", tmp_path / "src", f"{container}:/work/src").returncode == 0
        done = docker("start", "--attach", container)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "error[IMP001] missing-module  /var/task/app.py" in done.stdout
    finally:
        docker("rm", "--force", container)
        docker("rmi", NAME)
