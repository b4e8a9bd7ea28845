"""What the user configured: `[tool.lambdapack]` of `pyproject.toml`, or `lambdapack.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PackageKind = Literal["zip", "layer", "image"]


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """One `[tool.lambdapack.functions.NAME]`. All paths are absolute; `source` and `shared` exist.

    `source`: files or folders whose *contents* stand at the artifact's root.
    `shared`: first-party packages or modules (a folder or a `.py` file) that stand at the root under their own name.
    `requirements`: requirement files (`requirement_files`) or requirement strings (`requirement_list`), not both.
    `exclude`: glob patterns over paths in the artifact.
    `output`: where the artifact is written, `dist/NAME.zip` beside the configuration by default.
    """

    name: str
    handler: str
    runtime: str
    architecture: str
    source: tuple[Path, ...]
    shared: tuple[Path, ...]
    requirement_files: tuple[Path, ...]
    requirement_list: tuple[str, ...]
    exclude: tuple[str, ...]
    package: PackageKind
    output: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration and the file it was read from (None: there is none)."""

    path: Path | None
    functions: dict[str, FunctionSettings]
