"""Writes a root file system as an image in one file, as `docker save` does: `docker load` takes it, and so do others.

The same files make the same bytes, wherever and whenever: owners and times are fixed, names sorted.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_EPOCH = 1_700_000_000


def write_archive(root: Path, output: Path, *, tag: str, architecture: str, config: Mapping[str, Any]) -> str:
    """Writes the image `tag` for `architecture` (`amd64`, `arm64`) to `output`; returns its identifier.

    `config` is the part of the same name in the image's configuration (OCI image specification, "config").
    """
    with tempfile.TemporaryFile(dir=output.parent) as layer:
        with tarfile.open(fileobj=layer, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in _sorted_walk(root):
                tar.add(path, arcname=str(path.relative_to(root)), recursive=False, filter=_anonymous)
        size = layer.tell()
        layer.seek(0)
        content = hashlib.file_digest(layer, "sha256").hexdigest()
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_EPOCH))
        description = {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{content}"]},
            "history": [{"created": created, "created_by": "lambdapack images/standin"}],
        }
        text = json.dumps(description, sort_keys=True).encode()
        identifier = hashlib.sha256(text).hexdigest()
        manifest = [{"Config": f"{identifier}.json", "RepoTags": [tag], "Layers": [f"{content}/layer.tar"]}]
        layer.seek(0)
        with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as tar:
            _add(tar, f"{identifier}.json", text)
            tar.addfile(_member(f"{content}/layer.tar", size), layer)
            _add(tar, "manifest.json", json.dumps(manifest).encode())
    return f"sha256:{identifier}"


def _sorted_walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _sorted_walk(Path(entry.path))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _EPOCH
    return member


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = size, _EPOCH
    return member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_member(name, len(content)), io.BytesIO(content))
