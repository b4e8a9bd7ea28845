"""lambdapack in a container as it comes, where no namespaces can be made: the faithful test without a container engine.

The container is made of the runtime's own image, since that has a Python; its engine's default seccomp profile refuses
`unshare`, as that of most CI services does.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

import lambdapack
from lambdapack.containers.engine import connect_engine
from tests.containers.conftest import missing

ROOT = Path(lambdapack.__file__).parent.parent
RUNTIME = "python3.13"
GOOD = "def lambda_handler(event, context): return event\n"
TIMEOUT = 5

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lambdapack needs at run time, for the interpreter of the image."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    folder = tmp_path_factory.mktemp("site")
    version = RUNTIME.removeprefix("python")
    platform = ("--python-version", version, "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:")
    command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-python-downloads", "--target", str(folder)]
    done = subprocess.run([*command, *platform, *wanted], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"the package index does not give lambdapack's requirements: {done.stderr}")
    return folder


@pytest.fixture
def box(image_of: Callable[[str], str], dependencies: Path) -> Iterator[Container]:
    """A container with lambdapack in it, and with the runtime's image as an archive."""
    with connect_engine() as engine, tempfile.TemporaryDirectory() as name:
        image = image_of(RUNTIME)
        archive = Path(name, "image.tar")
        engine.save_image(image, archive)
        made = engine.client.containers.run(
            image, ["600"], entrypoint="/bin/sleep", detach=True, init=True, environment={"PYTHONPATH": "/site"}
        )
        try:
            with tempfile.TemporaryFile() as packed:
                with tarfile.open(fileobj=packed, mode="w") as tar:
                    tar.add(dependencies, "site")
                    tar.add(ROOT / "lambdapack", "site/lambdapack")
                    tar.add(archive, "work/image.tar")
                packed.seek(0)
                made.put_archive("/", packed)
            yield made
        finally:
            made.remove(force=True, v=True)


@pytest.fixture
def run(box: Container) -> Run:
    """Runs a verb of lambdapack in the container on a function of the given source; returns status and output."""

    def call(verb: str, source: str, *options: str) -> tuple[int, str]:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, text in (("function/handler.py", source), ("event.json", "{}")):
                member = tarfile.TarInfo(f"work/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        box.put_archive("/", packed.getvalue())
        given = ["--runtime", RUNTIME, "--handler", "handler.lambda_handler", "--rootfs", "/work/image.tar", *options]
        limit = [] if "--event" in options else ["--timeout", str(TIMEOUT)]
        command = ["timeout", "90", "python3", "-m", "lambdapack", verb, "function", *given, *limit]
        status, output = box.exec_run(command, workdir="/work")
        return status, output.decode()

    return call


def code(text: str) -> str:
    return textwrap.dedent(text) + GOOD


def test_the_handler_is_loaded_and_the_label_says_what_that_proves(run: Run) -> None:
    status, said = run("test", GOOD, "--backend", "rootfs", "-v")
    assert status == 0, said
    for word in ("plain chroot", "no /proc", "awslambdaric"):
        assert word in said


def test_what_fails_fails_in_the_words_of_the_runtime(run: Run) -> None:
    status, said = run("test", "import nothere\n", "--backend", "rootfs")
    assert status == 1, said
    assert "Runtime.ImportModuleError: Unable to import module 'handler': No module named 'nothere'" in said


def test_what_somebody_else_made_goes_there_only_when_told_to(run: Run) -> None:
    status, said = run("test", GOOD)
    assert status == 4
    assert "--backend rootfs" in said


def test_the_handler_can_touch_nothing_of_the_container(run: Run) -> None:
    status, said = run(
        "test",
        code("""
            import os, socket
            assert os.getuid() == 993 and os.getgid() == 990 and os.getgroups() == []
            assert not os.path.exists("/work") and not os.path.exists("/site")
            for place in ("/x", "/var/task/x", "/opt/x", "/etc/passwd", __file__, "/.lambdapack/probe.py"):
                try:
                    open(place, "a")
                except OSError:
                    continue
                raise SystemExit(place)
            open("/tmp/x", "w").write("x")
            open("/dev/null", "w").write("x")
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as out:
                    here = ("127.0.0.1", 9)
                    for reach in (lambda: out.connect(here), lambda: out.sendto(b"x", here)):
                        try:
                            reach()
                        except OSError as error:
                            assert error.errno in (101, 32), error
                        else:
                            raise SystemExit("reached")
            for process in (1, os.getppid()):
                try:
                    os.kill(process, 9)
                except PermissionError:
                    continue
                raise SystemExit("killed")
        """),
        "--backend",
        "rootfs",
    )
    assert status == 0, said


@pytest.mark.parametrize(
    ("hostile", "told"),
    [
        (
            "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n",
            "RUN001",
        ),
        ("while True: pass\n", "Sandbox.Timedout"),
        ("import os\nos.kill(-1, 9)\nos._exit(3)\n", "exit status 3"),
        (
            "import os\nos.setsid()\nif os.fork() == 0:\n    import time\n    time.sleep(500)\nos._exit(4)\n",
            "exit status 4",
        ),
    ],
    ids=["fork bomb", "endless loop", "kills all", "leaves a daemon"],
)
def test_hostile_handlers_end_in_a_finding_and_leave_nothing(run: Run, box: Container, hostile: str, told: str) -> None:
    status, said = run("test", hostile, "--backend", "rootfs")
    assert (status, told in said) == (1, True), said
    assert len((box.top() or {})["Processes"]) == 2  # docker-init and sleep
    left = box.exec_run(["find", "/tmp", "-mindepth", "1"])[1]
    assert left == b""


def test_an_event_is_answered(run: Run) -> None:
    status, said = run("invoke", GOOD, "--backend", "rootfs", "--event", "/work/event.json")
    assert status == 0, said
    assert "plain chroot" in said
