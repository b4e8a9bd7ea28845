"""A build as data: what goes in, from where, and where the artifact will stand. Nothing is fetched or written yet.

Knows no uv, no network and no ZIP. A plan is complete: `build` needs nothing else but the wheel store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lambdapack.memo import State
from lambdapack.settings import PackageKind

if TYPE_CHECKING:
    from lambdapack.containers.base import BaseImage


SIDECAR_SUFFIX = ".lambdapack.json"
BILL_SUFFIX = ".cdx.json"


@dataclass(frozen=True, slots=True)
class ResolvedWheel:
    """One wheel that goes into the artifact. `location` is a URL (`https://`, `file://`) or an absolute path.

    `name` is normalised (PEP 503). `sha256` is in hex. `size` is in bytes, or None where the index does not tell it.
    """

    name: str
    version: str
    filename: str
    location: str
    sha256: str
    size: int | None = None

    @property
    def label(self) -> str:
        """`pydantic-core 2.41.5`: how a message names it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class FirstPartyFile:
    """One file of the project itself: its path in the artifact and the file its bytes are read from."""

    path: str
    source: Path


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was there and is not packed. `pattern` is the rule that took it out.

    `path` is its path in the artifact, with a `/` at the end for a whole folder. `owner` is the input it belongs to:
    a distribution (`pydantic 2.12.4`) or a path as configured. `by_user`: an `exclude` of the configuration did it.
    `size` is in bytes, 0 where it was not looked at: of folders, which are not entered.
    """

    pattern: str
    path: str
    owner: str
    by_user: bool
    size: int = 0


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What a container image is made of besides files: its name, the image it is built on, the handler it starts."""

    name: str
    base: BaseImage
    handler: str


@dataclass(frozen=True, slots=True)
class WrittenImage:
    """`digest` is that of the manifest, which a registry knows the image by; `identifier` that of its configuration,
    which an engine knows it by (both `sha256:…`). `base_digest` is that of the manifest it is built on."""

    name: str
    digest: str
    identifier: str
    base: str
    base_digest: str


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything a build does, before it does any of it.

    `handler`: as Lambda is given it, empty for a layer. `python`, `machine` and `wheel_tags` (accepted tags, best
    first) describe the target, as in the runtime profile.
    `requirements` are the inputs as configured: paths of files, or requirement strings.
    `wheels` are sorted by name, `first_party` by path. `exclude` also holds for the files of the wheels, which are
    not known before the wheels are there; `left_out` tells what it and the built-in rules took out of first-party code.
    `layers` are the outputs of the configured layers that it runs with, by name. `image` is None for ZIPs.
    `notes` are lines about the resolution that the user has to be told. `built_from`: folders that wheels were built
    from (workspace members, path dependencies): what changes in them changes the artifact.
    """

    function: str
    handler: str
    runtime: str
    architecture: str
    machine: str
    python: tuple[int, int]
    wheel_tags: tuple[str, ...]
    requirements: tuple[str, ...]
    wheels: tuple[ResolvedWheel, ...]
    first_party: tuple[FirstPartyFile, ...]
    exclude: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    output: Path
    package: PackageKind = "zip"
    layers: Mapping[str, Path] = field(default_factory=dict)
    image: ImagePlan | None = None
    notes: tuple[str, ...] = ()
    built_from: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build made. Sizes are in bytes, `sha256` (of the file) is in hex, `seconds` is wall time without
    resolving. `image` is None for ZIPs. `told` is what its user should know, one sentence each.

    `rejected`: the verification of the finished file said no; `output` is then still whatever it was before.
    `states` of the files as they were put in place, for a memo; None where another build may have replaced one since.
    """

    output: Path
    sha256: str
    zipped_size: int
    unzipped_size: int
    files: int
    wheels: tuple[ResolvedWheel, ...]
    left_out: tuple[LeftOut, ...]
    seconds: float
    rejected: bool = False
    states: Mapping[str, State | None] = field(default_factory=dict)
    image: WrittenImage | None = None
    told: tuple[str, ...] = ()
