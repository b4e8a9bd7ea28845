"""Container images: a base image, the dependencies and the project's own code as layers of their own on it.

Written as one tar that is an OCI layout and an archive of `docker save` at the same time, so that every engine and tool
loads it: one manifest, no index of platforms and no attestations, which Lambda refuses. The same pieces on the same
base give the same bytes. Reaches no host: the base is here already.

Sources: OCI image specification 1.1 (layout, manifest, config); Moby's image/tarexport.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import tarfile
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lambdapack.builder.archive import USUAL_LEVEL, Piece, entry_date
from lambdapack.builder.image_layer import WrittenLayer, write_layer
from lambdapack.builder.plan import ImagePlan, WrittenImage

if TYPE_CHECKING:
    from lambdapack.containers.base import BaseImage

_FOLDER = "/var/task"  # where Lambda's images have the function, unless LAMBDA_TASK_ROOT says otherwise
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_OCI = {"config": "application/vnd.oci.image.config.v1+json", "layer": "application/vnd.oci.image.layer.v1.tar+gzip"}
_DOCKER = {
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
# What a configuration may have of the container that it was once committed from; it says nothing of the new image.
_OF_CONTAINERS = ("id", "parent", "parent_id", "container", "container_config", "docker_version", "throwaway")


def write_image(
    pieces: Iterable[Piece], plan: ImagePlan, stream: BinaryIO, *, scratch: Path, level: int = USUAL_LEVEL
) -> WrittenImage:
    """Writes the image to an empty file; `scratch` takes layers until their size is known.

    Raises what reading a piece or writing a file raises.
    """
    base, name = plan.base, plan.name
    seconds = calendar.timegm(entry_date())
    folder = _task_root(base).strip("/")
    every = list(pieces)
    parts = (("dependencies", [piece for piece in every if not piece.own]), ("code", [p for p in every if p.own]))
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as temporary:
        layers: list[tuple[str, WrittenLayer, Path]] = []
        for what, files in parts:
            if files:
                path = Path(temporary, what)
                with path.open("wb") as out:
                    layers.append((what, write_layer(files, folder, seconds, out, level=level), path))
        config = _json(_config(base, [(what, layer) for what, layer, _ in layers], plan.handler, seconds))
        manifest = _json(_manifest(base, config, [layer for _, layer, _ in layers]))
        blobs: dict[str, bytes | Path] = {layer.digest: layer.path for layer in base.layers}
        blobs |= {layer.digest: path for _, layer, path in layers}
        blobs |= {_digest(config): config, _digest(manifest): manifest}
        stored = [*(layer.digest for layer in base.layers), *(layer.digest for _, layer, _ in layers)]
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
            # First, so that what the file is can be told from its beginning.
            _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}', seconds)
            _add(archive, "index.json", _json(_index(base, manifest, name)), seconds)
            _add(archive, "manifest.json", _json(_docker_manifest(config, stored, name)), seconds)
            for digest in sorted(blobs):
                _add(archive, _blob(digest), blobs[digest], seconds)
    return WrittenImage(name, _digest(manifest), _digest(config), base.name, base.digest)


def _task_root(base: BaseImage) -> str:
    for item in base.config.get("config", {}).get("Env") or ():
        key, _, value = str(item).partition("=")
        if key == "LAMBDA_TASK_ROOT" and value.startswith("/"):
            return value
    return _FOLDER


def _config(base: BaseImage, layers: list[tuple[str, WrittenLayer]], handler: str, seconds: int) -> dict[str, Any]:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    config = {key: value for key, value in base.config.items() if key not in _OF_CONTAINERS}
    contents = [*base.config["rootfs"]["diff_ids"], *(layer.content for _, layer in layers)]
    history = [{"created": created, "created_by": f"lambdapack: {what}"} for what, _ in layers]
    command = {"created": created, "created_by": f'CMD ["{handler}"]', "empty_layer": True}
    return config | {
        "created": created,
        "config": {**(base.config.get("config") or {}), "Cmd": [handler]},
        "rootfs": {"type": "layers", "diff_ids": contents},
        "history": [*(base.config.get("history") or ()), *history, command],
    }


def _manifest(base: BaseImage, config: bytes, layers: list[WrittenLayer]) -> dict[str, Any]:
    """In the family of media types that the base is in: registries and engines take one, but not always a mixture."""
    types = _OCI if base.media_type == _MANIFEST else _DOCKER
    below = [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in base.layers]
    above = [{"mediaType": types["layer"], "digest": layer.digest, "size": layer.size} for layer in layers]
    return {
        "schemaVersion": 2,
        "mediaType": base.media_type,
        "config": {"mediaType": types["config"], "digest": _digest(config), "size": len(config)},
        "layers": [*below, *above],
    }


def _index(base: BaseImage, manifest: bytes, name: str) -> dict[str, Any]:
    entry = {
        "mediaType": base.media_type,
        "digest": _digest(manifest),
        "size": len(manifest),
        "platform": {key: base.config[key] for key in ("architecture", "os", "variant") if key in base.config},
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
    }
    return {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}


def _docker_manifest(config: bytes, layers: list[str], name: str) -> list[dict[str, Any]]:
    return [{"Config": _blob(_digest(config)), "RepoTags": [name], "Layers": [_blob(digest) for digest in layers]}]


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path, seconds: int) -> None:
    member = tarfile.TarInfo(name)
    member.mtime = seconds
    if isinstance(content, bytes):
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        return
    with content.open("rb") as source:
        member.size = source.seek(0, io.SEEK_END)
        source.seek(0)
        archive.addfile(member, source)


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
