"""Writes container images by hand: the archive of `docker save`, the OCI layout as folder and as tar.

Knows the formats (OCI image specification 1.1, Moby's image/tarexport) and nothing of recipes. The same members give
the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.recipes.archive import Member

_OCI = "application/vnd.oci.image"
ImageLayout = Literal["docker-archive", "oci-archive", "oci"]


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is written with. `layers` are the uncompressed tars, lowest first. `index` puts the manifest into
    an index below `index.json`; `platforms` are further ones in it whose images are not stored; `attestations` is how
    many attestation manifests it has. `layer_type` is what the layers are said to be, whatever they are."""

    layers: Sequence[bytes] = ()
    architecture: str | None = "amd64"
    entrypoint: Sequence[str] = ("/lambda-entrypoint.sh",)
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = "/var/task"
    name: str = "recipe:latest"
    compressed: bool = False
    index: bool = False
    platforms: Sequence[str] = ()
    attestations: int = 0
    operating_system: str = "linux"
    layer_type: str | None = None

    @property
    def config(self) -> bytes:
        """The image's configuration."""
        settings = {
            "Cmd": list(self.command),
            "Entrypoint": list(self.entrypoint),
            "Env": [f"{key}={value}" for key, value in self.environment.items()],
            "WorkingDir": self.working_dir,
        }
        contents = [f"sha256:{sha256(layer)}" for layer in self.layers]
        return as_json(
            {"os": self.operating_system, "config": settings, "rootfs": {"type": "layers", "diff_ids": contents}}
            | ({"architecture": self.architecture} if self.architecture else {})
        )


def sha256(data: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def as_json(value: Any) -> bytes:
    """JSON in one spelling."""
    return json.dumps(value, sort_keys=True).encode()


def tar(members: Iterable[Member | tarfile.TarInfo]) -> bytes:
    """An uncompressed tar. A path that ends with `/` is a folder; a `TarInfo` is written as it stands."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member.path)
            info.mode = member.mode
            if member.path.endswith("/"):
                info.type = tarfile.DIRTYPE
            elif member.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, member.link
            else:
                info.size = len(member.content)
            archive.addfile(info, io.BytesIO(member.content) if info.isreg() else None)
    return written.getvalue()


def hard_link(path: str, target: str) -> tarfile.TarInfo:
    """A second name for a file of the same or a lower layer."""
    info = tarfile.TarInfo(path)
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


def write_image(target: Path, image: Image, layout: ImageLayout) -> None:
    """Writes an image as a file, or as a folder for the layout `oci`."""
    files = docker_files(image) if layout == "docker-archive" else oci_files(image)
    write_files(target, files, folder=layout == "oci")


def write_files(target: Path, files: Mapping[str, bytes], *, folder: bool = False) -> None:
    """Writes the files of an image as a tar or into a folder."""
    if not folder:
        target.write_bytes(tar(Member(name, content) for name, content in files.items()))
        return
    for name, content in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def docker_files(image: Image) -> dict[str, bytes]:
    """What `docker save` wrote before it took up the OCI layout."""
    files = {f"{sha256(image.config)}.json": image.config}
    layers = []
    for layer in image.layers:
        layers.append(f"{sha256(layer)}/layer.tar")
        files[layers[-1]] = gzip.compress(layer, mtime=0) if image.compressed else layer
    entry = {"Config": next(iter(files)), "RepoTags": [image.name], "Layers": layers}
    return {**files, "manifest.json": as_json([entry])}


def oci_files(image: Image) -> dict[str, bytes]:
    """An OCI layout: blobs by their digest and `index.json`."""
    blobs: dict[str, bytes] = {}

    def stored(media_type: str, data: bytes) -> dict[str, Any]:
        blobs[f"blobs/sha256/{sha256(data)}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{sha256(data)}", "size": len(data)}

    kind = image.layer_type or f"{_OCI}.layer.v1.tar" + ("+gzip" if image.compressed else "")
    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": stored(f"{_OCI}.config.v1+json", image.config),
            "layers": [
                stored(kind, gzip.compress(layer, mtime=0) if image.compressed else layer) for layer in image.layers
            ],
        }
    )
    top = stored(f"{_OCI}.manifest.v1+json", manifest)
    if image.index:
        top["platform"] = {"os": "linux", "architecture": image.architecture}
        inner = [top]
        for platform in image.platforms:
            system, _, architecture = platform.partition("/")
            inner.append(
                {
                    "mediaType": f"{_OCI}.manifest.v1+json",
                    "digest": f"sha256:{sha256(platform.encode())}",
                    "size": 1,
                    "platform": {"os": system, "architecture": architecture},
                }
            )
        for number in range(image.attestations):
            attestation = stored(f"{_OCI}.manifest.v1+json", as_json({"schemaVersion": 2, "number": number}))
            attestation["platform"] = {"os": "unknown", "architecture": "unknown"}
            attestation["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
            inner.append(attestation)
        media_type = f"{_OCI}.index.v1+json"
        top = stored(media_type, as_json({"schemaVersion": 2, "mediaType": media_type, "manifests": inner}))
    top["annotations"] = {"org.opencontainers.image.ref.name": image.name}
    return {
        "oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
        **blobs,
        "index.json": as_json({"schemaVersion": 2, "manifests": [top]}),
    }
