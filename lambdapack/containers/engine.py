"""The container engine of this machine, through Docker's SDK, which is imported nowhere else.

Found as the `docker` command finds it: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the current context of Docker's
configuration, then the default socket. Podman answers the same protocol under `DOCKER_HOST`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lambdapack.errors import MissingRequirement

if TYPE_CHECKING:
    import docker

_CHUNK = 1 << 20
_CONNECT_SECONDS = 5.0
_START = "start Docker, or point DOCKER_HOST or a docker context at an engine that runs"


class Engine:
    """An engine that has answered. `client` is Docker's SDK, for those who run containers; `address` is to be shown."""

    def __init__(self, client: docker.DockerClient, address: str) -> None:
        self.client = client
        self.address = address

    def has_image(self, name: str) -> bool:
        """True when the engine has an image of this name or ID."""
        import docker.errors

        try:
            self.client.api.inspect_image(name)
        except docker.errors.ImageNotFound:
            return False
        except docker.errors.APIError as error:
            raise MissingRequirement(f"{name}: the container engine refuses: {error.explanation or error}") from error
        return True

    def save_image(self, name: str, file: Path) -> None:
        """Writes an image, as `docker save` does, to `file`. Raises `MissingRequirement` when it is not there."""
        import docker.errors
        import requests

        if not self.has_image(name):
            raise MissingRequirement(
                f"{name}: no such image in the container engine at {self.address}",
                hint=f"docker pull {name}, build it, or read it from its registry: docker://{name}",
            )
        try:
            with file.open("wb") as out:
                for chunk in self.client.api.get_image(name, chunk_size=_CHUNK):
                    out.write(chunk)
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise MissingRequirement(f"{name}: the container engine broke off: {error}") from error
        except OSError as error:
            raise MissingRequirement(
                f"{name}: cannot be written to {file}: {error.strerror or error}",
                hint="set TMPDIR to a folder with room for the image",
            ) from error


@contextmanager
def connect_engine() -> Iterator[Engine]:
    """Connects to the engine and closes the connection afterwards. Raises `MissingRequirement` when none answers."""
    try:
        import docker
        import docker.errors
    except ImportError as error:
        raise MissingRequirement(
            f"Docker's SDK for Python cannot be imported ({error})", hint="install it: pip install docker"
        ) from error
    settings, address = _settings()
    _find(settings.get("base_url") or "", address)
    try:
        client = docker.DockerClient(**settings)
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise MissingRequirement(
            f"no container engine answers at {address}: {_reason(error)}", hint=_advice(error)
        ) from error
    try:
        yield Engine(client, address)
    finally:
        client.close()


def _find(url: str, address: str) -> None:
    """Raises `MissingRequirement` where a host does not take a connection soon: the SDK would wait for a minute."""
    parts = urlsplit(url)
    if parts.scheme not in ("tcp", "http", "https") or parts.hostname is None:
        return
    try:
        socket.create_connection((parts.hostname, parts.port or 2375), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise MissingRequirement(
            f"no container engine answers at {address}: {error.strerror or error}", hint=_START
        ) from error


def _settings() -> tuple[dict[str, Any], str]:
    """What the SDK's client is made with, and the address for messages. The SDK knows contexts, but looks at none."""
    import docker.errors
    from docker.constants import DEFAULT_NPIPE, DEFAULT_UNIX_SOCKET
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    default = DEFAULT_NPIPE if os.name == "nt" else DEFAULT_UNIX_SOCKET
    if os.environ.get("DOCKER_HOST"):
        try:
            return kwargs_from_env(), os.environ["DOCKER_HOST"]
        except docker.errors.DockerException as error:
            raise MissingRequirement(f"DOCKER_HOST: {error}", hint="mend or unset DOCKER_HOST") from error
    name = os.environ.get("DOCKER_CONTEXT") or None
    try:
        context = ContextAPI.get_context(name)
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise MissingRequirement(f"the docker context {name or ''} cannot be read: {error}") from error
    if context is None:
        raise MissingRequirement(
            f"there is no docker context {name}" if name else "the current docker context does not exist",
            hint="docker context ls lists them; DOCKER_CONTEXT or docker context use chooses one",
        )
    if context.Name == "default":
        return {"base_url": default}, default.replace("http+unix://", "unix://")
    settings = {"base_url": context.Host}
    if context.TLSConfig is not None:
        settings["tls"] = context.TLSConfig
    return settings, f"{context.Host} (docker context {context.Name})"


def _reason(error: BaseException) -> str:
    """The innermost reason: the SDK wraps what requests wraps around what urllib3 was told."""
    seen: BaseException = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return (seen.strerror if isinstance(seen, OSError) else None) or str(seen) or type(seen).__name__


def _advice(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, PermissionError):
            return "let this user talk to the engine: add it to the group docker, or set DOCKER_HOST to its own engine"
        seen = seen.__cause__ or seen.__context__
    return _START
