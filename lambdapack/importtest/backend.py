"""The seam every backend fits: what is asked (`AttemptRequest`), who can answer (`Backend`), and when one cannot.

Knows no interpreter, container or process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lambdapack.artifact import ImageTree, Tree
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.profiles.profile import RuntimeProfile

TASK_ROOT = "/var/task"
LAYER_ROOT = "/opt"

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImageArtifact:
    """A container image that is tested as itself: what it was opened as, and what its processes start with.

    `tree` are its files, `identifier` is its ID (`sha256:…`), `python` the path of its interpreter; `environment` and
    `folder` its ENV and WORKDIR.
    """

    origin: str
    tree: ImageTree
    identifier: str
    python: str
    environment: Mapping[str, str]
    folder: str


@dataclass(frozen=True, slots=True)
class AttemptRequest:
    """One import of one handler.

    `mounts`: the absolute mount point and the trees merged there, later ones on top (`/var/task`, `/opt`).
    `runtime_packages`: the folder that stands where the runtime keeps its own packages (`awslambdaric`, boto3).
    `time_limit` is in seconds, `memory_limit` in bytes of resident memory (None: none).
    `extra_env`: what the function's configuration sets. `contracts`: names that have to be there afterwards
    (`shared.config:Config.load`). `module`: import this one instead of loading the handler; `modules`: these, too, each
    in a process of its own. `no_python_downloads` forbids fetching an interpreter. `image`: the artifact is this
    image; then nothing is mounted.
    """

    mounts: Mapping[str, Sequence[Tree]]
    profile: RuntimeProfile
    handler: str
    runtime_packages: Path | None = None
    time_limit: float = 60.0
    memory_limit: int | None = 3008 * MEGABYTE
    extra_env: Mapping[str, str] = field(default_factory=dict)
    contracts: tuple[str, ...] = ()
    module: str | None = None
    modules: tuple[str, ...] = ()
    no_python_downloads: bool = False
    image: ImageArtifact | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why something cannot be had, and what to do about it; `str()` is both in one line."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


class Backend(Protocol):
    """Where an attempt runs."""

    @property
    def name(self) -> str:
        """The word for `--backend`."""
        ...

    def available(self, profile: RuntimeProfile) -> Unavailable | None:
        """Returns why this backend cannot serve the profile as things are, or None when it can. Fetches nothing."""
        ...

    def attempt(self, request: AttemptRequest) -> ImportAttempt:
        """Loads the handler once. What the handler does wrong is in the attempt, never an exception."""
        ...
