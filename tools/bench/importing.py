"""An import test through the docker and the rootfs backend, without what starting lambdapack and inspecting take.

docker against `docker create`, `cp`, `start -a` and `rm` by the command-line client with the same limits, importing the
same module; rootfs against the import alone, as the attempt itself measures it. Needs a container engine that has the
runtime's image or its stand-in (`make standins`).
"""

from __future__ import annotations

import json
import resource
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from images.standin.build import image_name
from lambdapack.artifact import open_tree
from lambdapack.containers import connect_engine
from lambdapack.containers.images import find_image
from lambdapack.errors import MissingRequirement
from lambdapack.importtest.backend import AttemptRequest, Backend
from lambdapack.importtest.docker import DockerBackend
from lambdapack.importtest.rootfs import RootfsBackend
from lambdapack.profiles import RuntimeProfile, load_profile
from tools.bench.measure import Sample, Series, run_once
from tools.bench.table import Row
from tools.bench.workloads import HANDLER, Workload, names, workload

TITLE = "Importing"
UNIT = "the four commands of the docker client, or what the import alone takes"
_DOCKER_GOAL = 1.2
_ROOTFS_SECONDS = 0.15
_LIMITS = (
    *("--network", "none", "--ipc", "none", "--read-only", "--cap-drop", "ALL", "--user", "993:990"),
    *("--security-opt", "no-new-privileges", "--tmpfs", "/tmp:rw,nosuid,nodev,exec,size=512m"),
    *("--memory", "3008m", "--memory-swap", "3008m", "--cpus", "2", "--pids-limit", "1024"),
    *("--ulimit", "nofile=1024:1024", "--ulimit", "core=0:0", "--log-driver", "none", "--volume", "/var/task"),
)
_COMMANDS = """
id=$(docker create "$@") && docker cp -q "$FUNCTION/." "$id:/var/task" && docker start -a "$id"
status=$?
docker rm -v "$id" && exit $status
"""


def rows(folder: Path, rounds: int, chosen: Sequence[str]) -> list[Row]:
    """Measures the chosen workloads. Raises `MissingRequirement` where there is no engine or image."""
    found = []
    for name in names():
        if name in chosen:
            found += _measure(workload(name), folder, rounds)
    return found


def _measure(work: Workload, folder: Path, rounds: int) -> list[Row]:
    profile = load_profile(work.runtime, "x86_64")
    artifact = work.fresh(folder, "imported")
    image, archive = _image(profile, folder)
    unpacked = folder / f"{work.name}-unpacked"
    with zipfile.ZipFile(artifact) as file:
        file.extractall(unpacked)
    for path in unpacked.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    through_docker = _attempts(DockerBackend(image), profile, artifact)
    through_rootfs = _attempts(RootfsBackend(str(archive)), profile, artifact)
    client: list[Sample] = []
    docker: list[tuple[Sample, Sample]] = []
    rootfs: list[tuple[Sample, Sample]] = []
    for _ in range(rounds + 1):
        client.append(_by_client(profile, image, unpacked))
        docker.append(through_docker())
        rootfs.append(through_rootfs())
    shutil.rmtree(unpacked)

    def series(samples: Sequence[Sample]) -> Series:
        return Series(tuple(samples[1:]))  # the first was for warming up

    what = f"{work.name}: {work.unzipped / 1e6:.1f} MB"
    return [
        Row(f"{what}, docker", series([one for one, _ in docker]), series(client), _DOCKER_GOAL),
        Row(
            f"{what}, rootfs",
            series([one for one, _ in rootfs]),
            series([alone for _, alone in rootfs]),
            None,
            allowance=_ROOTFS_SECONDS,
        ),
    ]


def _image(profile: RuntimeProfile, folder: Path) -> tuple[str, Path]:
    """The name of the runtime's image in the engine, and an archive of it."""
    with connect_engine() as engine:
        for name in (profile.image, image_name(profile)):
            if find_image(engine, name, profile.architecture) is not None:
                archive = folder / "image.tar"
                if not archive.exists():
                    engine.save_image(name, archive)
                return name, archive
    raise MissingRequirement(f"the container engine has no image of {profile.runtime}", hint="make standins")


def _attempts(backend: Backend, profile: RuntimeProfile, artifact: Path) -> Callable[[], tuple[Sample, Sample]]:
    def attempt() -> tuple[Sample, Sample]:
        before, started = _cpu(), time.perf_counter()
        with open_tree(artifact) as tree:
            request = AttemptRequest({"/var/task": (tree,)}, profile, HANDLER, time_limit=300.0)
            made = backend.attempt(request)
        wall = time.perf_counter() - started
        if made.status != "ok" or made.seconds is None:
            raise RuntimeError(f"{backend.name}: {made.error_message or made.reason}")
        peak = made.peak_bytes or 0
        return Sample(wall, _cpu() - before, peak, 0), Sample(made.seconds, made.seconds, peak, 0)

    return attempt


def _by_client(profile: RuntimeProfile, image: str, function: Path) -> Sample:
    python = f"/var/lang/bin/{profile.runtime}"
    code = f"import sys; sys.path.insert(0, '/var/task'); import {HANDLER.rpartition('.')[0]}"
    command = ["sh", "-c", _COMMANDS, "sh", *_LIMITS, "--entrypoint", python, image, "-B", "-c", code]
    sample = run_once(command, {"FUNCTION": str(function)})
    if sample.status:
        raise RuntimeError(f"the docker client ended with status {sample.status}: {json.dumps(command)}")
    return sample


def _cpu() -> float:
    """The seconds of CPU time of this process and its children; a container's are not among them."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
