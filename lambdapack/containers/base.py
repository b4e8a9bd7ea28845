"""The image that another one is built on: its configuration and where its layers are kept. Opens no layer.

An image is got from its registry, or read from an OCI layout (`oci:FOLDER`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdapack.containers.pull import pull_image
from lambdapack.containers.reference import parse_reference
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.progress import Progress

# Go's spelling, which images have, of Lambda's.
_MACHINES = {"x86_64": "amd64", "arm64": "arm64"}
_LAYOUT = "oci:"


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """A stored layer: `digest` (`sha256:…`) and `size` of its bytes as they are in `path`, `content` the digest of the
    tar that they decompress to."""

    path: Path
    digest: str
    size: int
    media_type: str
    content: str


@dataclass(frozen=True, slots=True)
class BaseImage:
    """`name` is what was asked for, `digest` that of the manifest for this architecture (`sha256:…`), `config` the
    image's configuration."""

    name: str
    digest: str
    media_type: str
    config: dict[str, Any]
    layers: tuple[BaseLayer, ...]


def base_image(name: str, architecture: str, progress: Progress) -> BaseImage:
    """Returns the image of a name for `architecture` (`x86_64`, `arm64`), with its layers on this machine.

    Raises `MissingRequirement` when it cannot be had, or has nothing for this architecture.
    """
    if name.startswith(_LAYOUT):
        folder = Path(name.removeprefix(_LAYOUT))
        if not (folder / "index.json").is_file():
            raise UsageError(f"{name}: is no folder with an OCI layout (it has no index.json)")
    else:
        folder = pull_image(parse_reference(name.removeprefix("docker://")), architecture, progress)
    try:
        return _read(name, folder, architecture)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingRequirement(f"{name}: is no image that can be built on: {error}") from error


def _read(name: str, folder: Path, architecture: str) -> BaseImage:
    descriptor, document = _manifest(name, folder, json.loads((folder / "index.json").read_bytes()), architecture)
    config = json.loads(_blob(folder, document["config"]["digest"]).read_bytes())
    if config.get("architecture") != _MACHINES[architecture]:
        raise MissingRequirement(f"{name}: is an image for {config.get('architecture')}, not for {architecture}")
    contents = config["rootfs"]["diff_ids"]
    layers = []
    for item, content in zip(document["layers"], contents, strict=True):
        path = _blob(folder, item["digest"])
        layers.append(BaseLayer(path, item["digest"], path.stat().st_size, item["mediaType"], content))
    media_type = document.get("mediaType") or descriptor["mediaType"]
    return BaseImage(name, descriptor["digest"], media_type, config, tuple(layers))


def _manifest(
    name: str, folder: Path, index: dict[str, Any], architecture: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Follows indexes to the manifest of an image; of an index, what is not stored here was not asked for."""
    stored = [item for item in index["manifests"] if _blob(folder, item["digest"]).is_file()]
    wanted = _MACHINES[architecture]
    fitting = [item for item in stored if (item.get("platform") or {}).get("architecture", wanted) == wanted]
    if not fitting:
        raise MissingRequirement(f"{name}: has no image for {architecture}")
    content = _blob(folder, fitting[0]["digest"]).read_bytes()
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != fitting[0]["digest"]:
        raise ValueError("its manifest is damaged: the SHA-256 is another")
    document = json.loads(content)
    return _manifest(name, folder, document, architecture) if "manifests" in document else (fitting[0], document)


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
