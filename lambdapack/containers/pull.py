"""Pulls one image from its registry into an OCI layout on disk. Knows platforms and blobs, not what is in the layers.

The layout stands in the cache beside the blobs, which several images share. An image for several platforms keeps its
index, so that a reader can tell that there was one; of its images only the wanted one is fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import urllib3

from lambdapack.containers.blobs import BlobStore
from lambdapack.containers.reference import ImageReference
from lambdapack.containers.registry import Manifest, Registry
from lambdapack.errors import MissingRequirement
from lambdapack.eviction import bound
from lambdapack.progress import Progress
from lambdapack.settings import cache_folder

# Lambda's spelling to that of Go, which platforms have.
_MACHINES = {"x86_64": "amd64", "arm64": "arm64"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DOWNLOADS_AT_ONCE = 4
_DEEPEST_INDEX = 5


def image_store() -> Path:
    """Returns the folder that pulled images are kept in."""
    return cache_folder() / "images"


def pull_image(
    reference: ImageReference, architecture: str | None, progress: Progress, store: Path | None = None
) -> Path:
    """Returns the folder of an OCI layout with the image for `architecture` (`x86_64`, `arm64`).

    Without one it is that for x86_64, or else the one there is. Layers that are in the store already are not fetched
    again. Raises `MissingRequirement` when the image cannot be had, or has none for this architecture.
    """
    blobs = BlobStore(store or image_store())
    registry = Registry(reference)
    try:
        progress(f"asking {reference.host} for {reference.repository}")
        documents = _choose(registry, architecture)
        image = documents[-1].document
        parts = [item for item in (image.get("config"), *(image.get("layers") or ())) if isinstance(item, dict)]
        for document in documents:
            blobs.put(document.digest, document.content)
        fetched = _fetch_all(registry, blobs, parts, progress)
    finally:
        registry.close()
    digests = [*(document.digest for document in documents), *(str(part.get("digest")) for part in parts)]
    return _lay_out(blobs, reference, documents, digests, anew=fetched)


def _choose(registry: Registry, architecture: str | None) -> list[Manifest]:
    """Returns the way from what the name stands for to the image: one manifest, or an index before it."""
    found = [registry.manifest(registry.reference.wanted)]
    while found[-1].is_index:
        if len(found) > _DEEPEST_INDEX:
            raise MissingRequirement(f"{registry.reference}: its indexes are nested too deep")
        listed = [item for item in found[-1].document.get("manifests") or () if isinstance(item, dict)]
        digest = str(_of_platform(registry.reference, listed, architecture).get("digest"))
        if not _DIGEST.fullmatch(digest):
            raise MissingRequirement(f"{registry.reference}: its index names an image without SHA-256")
        found.append(registry.manifest(digest))
    return found


def _of_platform(reference: ImageReference, listed: list[dict[str, Any]], architecture: str | None) -> dict[str, Any]:
    platforms: dict[str, dict[str, Any]] = {}
    for item in listed:
        platform = item.get("platform") or {}
        platforms.setdefault(f"{platform.get('os')}/{platform.get('architecture')}", item)
    platforms.pop("unknown/unknown", None)  # attestations
    wanted = [_MACHINES.get(architecture, architecture)] if architecture else list(_MACHINES.values())
    for machine in wanted:
        if f"linux/{machine}" in platforms:
            return platforms[f"linux/{machine}"]
    if "None/None" in platforms:  # nothing is said of platforms: an index of indexes
        return platforms["None/None"]
    known = ", ".join(sorted(platforms)) or "none"
    raise MissingRequirement(f"{reference}: has no image for linux/{' or linux/'.join(wanted)}; it has {known}")


def _fetch_all(registry: Registry, blobs: BlobStore, parts: list[dict[str, Any]], progress: Progress) -> bool:
    """Brings the parts that are not in the store; returns whether there were any."""
    wanted: dict[str, int] = {}
    for part in parts:
        digest, size = str(part.get("digest")), part.get("size")
        if not _DIGEST.fullmatch(digest) or not isinstance(size, int):
            raise MissingRequirement(f"{registry.reference}: its manifest names a part without SHA-256 or size")
        wanted[digest] = size
    pool = ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, thread_name_prefix="pull")

    def bring(digest: str, size: int) -> bool:
        if blobs.has(digest):
            return False

        def opener(at: int) -> AbstractContextManager[urllib3.BaseHTTPResponse]:
            return registry.open(f"blobs/{digest}", {"Range": f"bytes={at}-"} if at else {})

        progress(f"fetching {digest[:19]} ({size / 1e6:.1f} MB) of {registry.reference.repository}")
        blobs.fetch(digest, size, str(registry.reference), opener)
        return True

    try:
        futures = [pool.submit(bring, digest, size) for digest, size in wanted.items()]
        fetched = [future.result() for future in as_completed(futures)]
    finally:
        blobs.stop()  # the first failure, or Ctrl-C, ends the others
        pool.shutdown(wait=True, cancel_futures=True)
    return any(fetched)


def _lay_out(
    blobs: BlobStore, reference: ImageReference, documents: list[Manifest], digests: list[str], *, anew: bool
) -> Path:
    """Makes the folder of the OCI layout out of links to the blobs; the same image has the same folder."""
    top = documents[0]
    entry = {
        "mediaType": top.media_type,
        "digest": top.digest,
        "size": len(top.content),
        "annotations": {"org.opencontainers.image.ref.name": str(reference)},
    }
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}, indent=1).encode()
    name = hashlib.sha256(index + documents[-1].digest.encode()).hexdigest()
    target = blobs.root / "layouts" / name
    if not anew and all((target / "blobs" / "sha256" / digest[7:]).is_file() for digest in digests):
        with suppress(OSError):
            os.utime(target)
        return target
    scratch = target.with_name(f".{uuid4().hex}.part")
    try:
        folder = scratch / "blobs" / "sha256"
        folder.mkdir(parents=True)
        for digest in digests:
            _link(blobs.path_of(digest), folder / digest[7:])
        (scratch / "index.json").write_bytes(index)
        (scratch / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="ascii")
        if target.exists():  # incomplete, or with a blob that was found damaged
            shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if not (target / "index.json").is_file():  # or else another process was faster
            raise MissingRequirement(f"{target}: cannot be written: {error.strerror or error}") from error
    for kind in ("layouts", "blobs/sha256"):
        bound(blobs.root / kind)
    return target


def _link(blob: Path, name: Path) -> None:
    """A second name for the same bytes; a copy where the file system knows no such thing."""
    if name.exists():  # a layer that comes twice
        return
    try:
        os.link(blob, name)
    except OSError:
        shutil.copyfile(blob, name)
