"""Runs one process in a container that holds it within limits, and takes the container away afterwards, always.

The container has no network, a read-only root, and an unprivileged user. The engine itself removes it when its process
ends (`AutoRemove`), and the process is given a standard input that ends when this program does: so nothing is left
behind even when this program is killed. Files go in through the engine's own connection, never by a path of this
machine: the engine may be on another one. Knows nothing of what runs in the container.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from lambdapack.containers.engine import Engine
from lambdapack.errors import MissingRequirement

LABEL = "lambdapack.run"

# What the engine makes read-only by itself, which naming others replaces (moby, oci/defaults.go).
_READ_ONLY_PATHS = ("/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_CPU_PERIOD = 100_000  # microseconds, the kernel's own
_ABANDONED_SECONDS = 600
_REMOVAL_SECONDS = 30.0
_FRAME_HEADER = 8

Stream = Literal["stdout", "stderr"]


class CannotRun(MissingRequirement):
    """The engine has not started the process; the text has its own words."""


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """A folder in memory; `size` in bytes, `mode` as in `chmod`."""

    size: int
    mode: int = 0o1777
    owner: tuple[int, int] = (0, 0)
    executable: bool = True

    @property
    def options(self) -> str:
        user, group = self.owner
        execution = "exec" if self.executable else "noexec"
        return f"rw,nosuid,nodev,{execution},size={self.size},mode={self.mode:o},uid={user},gid={group}"


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What is to run. `filled` are folders that files can be put into while it runs, read-only for the process.

    `environment` counts on top of the image's. `memory` in bytes, `cpus` as a number of processors.
    """

    image: str
    command: Sequence[str]
    user: tuple[int, int]
    environment: Mapping[str, str]
    folder: str
    filled: Sequence[str]
    tmpfs: Mapping[str, Tmpfs]
    memory: int | None
    cpus: float
    processes: int
    open_files: int


class Container:
    """A container whose process runs. Not thread-safe."""

    def __init__(self, engine: Engine, identifier: str, socket: Any) -> None:
        self._api = engine.client.api
        self._identifier = identifier
        # The SDK hands out what the HTTP library reads from; what can be written to is inside.
        self._socket = getattr(socket, "_sock", socket)
        self._kept = socket
        self._buffer = bytearray()

    def put(self, folder: str, archive: Iterable[bytes]) -> None:
        """Unpacks a tar stream into one of the plan's `filled` folders."""
        import docker.errors
        import requests

        try:
            self._api.put_archive(self._identifier, folder, archive)
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise CannotRun(f"the files cannot be put into the container: {explanation(error)}") from error

    def send(self, data: bytes) -> None:
        """Writes to the process's standard input. Raises `CannotRun` when it has ended."""
        try:
            self._socket.settimeout(60)
            self._socket.sendall(data)
        except OSError as error:
            raise CannotRun(f"the container does not listen: {error.strerror or error}") from error

    def output(self, deadline: float) -> Iterator[tuple[Stream, bytes]]:
        """Yields what the process prints, as it comes, until it ends. Raises `TimeoutError` when `time.monotonic()`
        reaches `deadline`. May be called again to go on."""
        while True:
            while len(self._buffer) >= _FRAME_HEADER:
                length = int.from_bytes(self._buffer[4:8], "big")
                if len(self._buffer) < _FRAME_HEADER + length:
                    break
                kind: Stream = "stderr" if self._buffer[0] == 2 else "stdout"
                piece = bytes(self._buffer[_FRAME_HEADER : _FRAME_HEADER + length])
                del self._buffer[: _FRAME_HEADER + length]
                yield kind, piece
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            try:
                received = self._socket.recv(65536)
            except TimeoutError:
                raise
            except OSError:
                received = b""
            if not received:
                return
            self._buffer += received

    def close(self) -> None:
        """Ends the process, whatever it does, and waits until the container is gone."""
        import docker.errors
        import requests

        with contextlib.suppress(OSError):
            self._socket.close()
            self._kept.close()
        trouble = (docker.errors.DockerException, requests.RequestException)
        with contextlib.suppress(*trouble):
            self._api.kill(self._identifier)
        with contextlib.suppress(*trouble):
            self._api.wait(self._identifier, timeout=_REMOVAL_SECONDS, condition="removed")
        with contextlib.suppress(*trouble):  # where it has not been started, nothing removes it
            self._api.remove_container(self._identifier, v=True, force=True)


@contextmanager
def running(engine: Engine, plan: ContainerPlan) -> Iterator[Container]:
    """Starts a plan's process and yields its container, which is gone when the block is left.

    Raises `CannotRun` with the engine's words when it does not start.
    """
    import docker.errors
    import requests

    api = engine.client.api
    trouble = (docker.errors.DockerException, requests.RequestException)
    identifier = None
    try:
        identifier = api.create_container_from_config(_configuration(plan))["Id"]
        # Attached before it starts: nothing it prints is lost, and its input ends with this connection.
        socket = api.attach_socket(identifier, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        api.start(identifier)
    except BaseException as error:
        if identifier is not None:
            with contextlib.suppress(*trouble):
                api.remove_container(identifier, v=True, force=True)
        if isinstance(error, trouble):
            raise CannotRun(explanation(error)) from error
        raise
    container = Container(engine, identifier, socket)
    try:
        yield container
    finally:
        container.close()


def remove_abandoned(engine: Engine) -> None:
    """Removes containers that a killed run created and did not come to start; others remove themselves."""
    import docker.errors
    import requests

    trouble = (docker.errors.DockerException, requests.RequestException)
    with contextlib.suppress(*trouble):
        for found in engine.client.api.containers(all=True, filters={"label": LABEL, "status": "created"}):
            if time.time() - found["Created"] > _ABANDONED_SECONDS:
                with contextlib.suppress(*trouble):
                    engine.client.api.remove_container(found["Id"], v=True)


def explanation(error: Exception) -> str:
    """The engine's own words in one line."""
    text = getattr(error, "explanation", None) or str(error)
    return " ".join(str(text).split())


def _configuration(plan: ContainerPlan) -> dict[str, Any]:
    """The body of the request that creates a container (Docker Engine API, ContainerCreate)."""
    user, group = plan.user
    host: dict[str, Any] = {
        "AutoRemove": True,
        "ReadonlyRootfs": True,
        # A volume takes files while the root is read-only, and this makes it read-only for the process.
        "ReadonlyPaths": [*_READ_ONLY_PATHS, *plan.filled],
        "Tmpfs": {path: tmpfs.options for path, tmpfs in plan.tmpfs.items()},
        "NetworkMode": "none",
        "IpcMode": "none",  # no /dev/shm
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "CpuPeriod": _CPU_PERIOD,
        "CpuQuota": int(plan.cpus * _CPU_PERIOD),
        "PidsLimit": plan.processes,
        "Ulimits": [
            {"Name": "nofile", "Soft": plan.open_files, "Hard": plan.open_files},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "LogConfig": {"Type": "none"},
    }
    if plan.memory is not None:
        host |= {"Memory": plan.memory, "MemorySwap": plan.memory}
    return {
        "Image": plan.image,
        "Entrypoint": list(plan.command),
        "Cmd": [],
        "User": f"{user}:{group}",
        "Env": [f"{name}={value}" for name, value in plan.environment.items()],
        "WorkingDir": plan.folder,
        "Volumes": {folder: {} for folder in plan.filled},
        "Labels": {LABEL: "1"},
        "Healthcheck": {"Test": ["NONE"]},
        "NetworkDisabled": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "HostConfig": host,
    }
