"""Which root file system an attempt runs in: a base image from its registry, an archive, an OCI layout, or a folder.

What was unpacked once is found again without reading the image: archives and layouts by their size and time, names in a
registry for a day, or as long as the registry cannot be asked. Knows nothing of sandboxes.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdapack.artifact import ImageTree, open_tree
from lambdapack.errors import LambdapackError, MissingRequirement
from lambdapack.eviction import note_use
from lambdapack.importtest.unpacking import unpack_image
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress
from lambdapack.settings import cache_folder

_ASKED_AGAIN_AFTER = 24 * 3600.0
_REGISTRY = "docker://"


@dataclass(frozen=True, slots=True)
class RootFileSystem:
    """A folder with a whole system. `name` is what was asked for, `digest` the image's ID in hexadecimal (None: a
    folder that somebody unpacked); `architecture` and `environment` as the image says, None where nothing does."""

    folder: Path
    name: str
    digest: str | None = None
    architecture: str | None = None
    environment: Mapping[str, str] | None = None


def unpacked_already(source: str, profile: RuntimeProfile) -> RootFileSystem | None:
    """Returns the root file system if nothing has to be fetched or unpacked for it."""
    folder = Path(source)
    if folder.is_dir() and not (folder / "oci-layout").is_file():
        return RootFileSystem(folder.absolute(), source)
    found = _recall(source, profile)
    return found[0] if found is not None and _fresh(found[1], source) else None


def root_of(source: str, profile: RuntimeProfile, progress: Progress) -> RootFileSystem:
    """Returns the root file system that `source` names for a profile's architecture; fetches and unpacks it if need be.

    `source` is an image's name in a registry (with or without `docker://`), or a path. Raises `MissingRequirement`.
    """
    found = unpacked_already(source, profile)
    if found is not None:
        return found
    path = Path(source)
    wanted = source if path.exists() or source.startswith(_REGISTRY) else f"{_REGISTRY}{source}"
    try:
        tree = open_tree(wanted, architecture=profile.architecture, progress=progress)
    except LambdapackError as error:
        kept = _recall(source, profile)
        if kept is not None and not path.exists():
            progress(f"{source}: the registry cannot be asked ({error}); taking what was pulled earlier")
            return kept[0]
        raise MissingRequirement(str(error), hint=error.hint) from error
    with tree:
        if not isinstance(tree, ImageTree):
            raise MissingRequirement(f"{source}: is no container image and no root file system")
        if tree.config.architecture not in (None, profile.architecture):
            raise MissingRequirement(
                f"{source}: is for {tree.config.architecture}, not for {profile.architecture}",
                hint=f"name an image for {profile.architecture}",
            )
        made = root_of_tree(tree, source, profile, progress)
    _remember(made, source, profile)
    return made


def root_of_tree(tree: ImageTree, name: str, profile: RuntimeProfile, progress: Progress) -> RootFileSystem:
    """Returns the root file system of an opened image."""
    folder = unpack_image(tree, cache_folder() / "rootfs", progress, largest=profile.quotas.image_bytes)
    config = tree.config
    return RootFileSystem(folder, name, config.digest, config.architecture, dict(config.environment))


def _index(source: str, profile: RuntimeProfile) -> Path:
    path = Path(source)
    name = str(path.absolute()) if path.exists() else source
    key = hashlib.sha256(f"{name}\n{profile.architecture}".encode()).hexdigest()[:32]
    return cache_folder() / "rootfs" / f"{key}.json"


def _stamp(source: str) -> list[int]:
    """What changes when a file or layout does."""
    path = Path(source)
    try:
        status = (path / "index.json" if path.is_dir() else path).stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _recall(source: str, profile: RuntimeProfile) -> tuple[RootFileSystem, dict[str, Any]] | None:
    try:
        record = json.loads(_index(source, profile).read_text("utf-8"))
        root = RootFileSystem(**record["root"] | {"folder": Path(record["root"]["folder"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not root.folder.is_dir():
        return None
    note_use(root.folder)
    return root, record


def _fresh(record: Mapping[str, Any], source: str) -> bool:
    if Path(source).exists() or record["stamp"]:
        return bool(record["stamp"] == _stamp(source))
    pinned = "@sha256:" in source
    return pinned or bool(0 <= time.time() - record["asked"] < _ASKED_AGAIN_AFTER)


def _remember(root: RootFileSystem, source: str, profile: RuntimeProfile) -> None:
    index = _index(source, profile)
    data = {
        "folder": str(root.folder),
        "name": root.name,
        "digest": root.digest,
        "architecture": root.architecture,
        "environment": dict(root.environment or {}),
    }
    record = {"root": data, "stamp": _stamp(source), "asked": time.time()}
    temporary = index.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(record), "utf-8")
    temporary.replace(index)
