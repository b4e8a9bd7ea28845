"""Puts an image that was written here into its registry: what is not there yet, then the manifest under its tag.

Source: OCI distribution specification 1.1 (pushing blobs in one chunk, mounting them, pushing manifests).
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlencode

import urllib3

from lambdapack.containers.reference import ImageReference, parse_reference
from lambdapack.containers.registry import Registry, Request
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.progress import Progress

_ATTEMPTS = 3


def push_image(archive: Path, name: str, base: str, progress: Progress) -> str:
    """Pushes the one image of an OCI archive under a name; returns its digest (`sha256:…`).

    Layers of `base` are taken over in the registry itself where it has them. Raises `MissingRequirement`.
    """
    reference = parse_reference(name)
    registry = Registry(reference, writes=True)
    try:
        with tarfile.open(archive) as files:
            descriptor = json.loads(_read(files, "index.json"))["manifests"][0]
            manifest = _read(files, _blob(descriptor["digest"]))
            document = json.loads(manifest)
            upload = _Upload(registry, files, _neighbour(reference, base), progress)
            for part in (*document["layers"], document["config"]):
                upload.put(part)
        request = Request(
            f"manifests/{reference.tag or 'latest'}", {"Content-Type": descriptor["mediaType"]}, "PUT", manifest
        )
        with registry.send(request) as response:
            if response.status not in (200, 201, 202):
                raise _refused(registry, response)
    finally:
        registry.close()
    return str(descriptor["digest"])


class _Upload:
    """Puts blobs into one repository."""

    def __init__(self, registry: Registry, files: tarfile.TarFile, source: str | None, progress: Progress) -> None:
        self._registry = registry
        self._files = files
        self._source = source
        self._progress = progress

    def put(self, part: dict[str, Any]) -> None:
        """Makes sure that the registry has a part of the image."""
        digest = part["digest"]
        with self._registry.send(Request(f"blobs/{digest}", {}, "HEAD")) as response:
            if response.status == 200:
                return
            if response.status not in (404, 405):
                raise _refused(self._registry, response)
        repository = self._registry.reference.repository
        self._progress(f"pushing {digest[:19]} ({part['size'] / 1e6:.1f} MB) to {repository}")
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._upload(digest, part["size"])
                return
            except (MissingRequirement, urllib3.exceptions.HTTPError):
                if attempt == _ATTEMPTS:
                    raise

    def _upload(self, digest: str, size: int) -> None:
        mount = f"?{urlencode({'mount': digest, 'from': self._source})}" if self._source else ""
        with self._registry.send(Request(f"blobs/uploads/{mount}", {"Content-Length": "0"}, "POST")) as response:
            if response.status == 201:
                return  # taken over from the base's repository
            place = self._place(response, (202,))
        content = self._files.extractfile(_blob(digest))
        assert content is not None
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._registry.send(Request(place, headers, "PATCH", cast(BinaryIO, content))) as response:
            place = self._place(response, (202, 204))
        joint = "&" if "?" in place else "?"
        finish = f"{place}{joint}{urlencode({'digest': digest})}"
        with self._registry.send(Request(finish, {"Content-Length": "0"}, "PUT")) as response:
            if response.status != 201:
                raise _refused(self._registry, response)

    def _place(self, response: urllib3.BaseHTTPResponse, wanted: tuple[int, ...]) -> str:
        """Where the upload goes on: a path, or a URL, perhaps of another host."""
        location = response.headers.get("Location")
        if response.status not in wanted or not location:
            raise _refused(self._registry, response)
        return location


def _refused(registry: Registry, response: urllib3.BaseHTTPResponse) -> MissingRequirement:
    """What the registry's answer means, in its own words where it has some."""
    reference, status = registry.reference, response.status
    if status in (401, 403, 429):
        return registry.refused(status)
    if status == 404:
        return MissingRequirement(
            f"{reference}: {reference.registry} has no repository {reference.repository}",
            hint="create it there; some registries (ECR) make none by themselves",
        )
    try:
        errors = json.loads(response.data)["errors"]
        words = "; ".join(str(error.get("message") or error.get("code")) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError, urllib3.exceptions.HTTPError):
        words = ""
    return MissingRequirement(f"{reference}: {reference.host} refuses it ({status}){f': {words}' if words else ''}")


def _neighbour(reference: ImageReference, base: str) -> str | None:
    """The repository of the base, where the same registry has it."""
    try:
        other = parse_reference(base.removeprefix("docker://"))
    except UsageError:
        return None
    return other.repository if other.registry == reference.registry else None


def _read(files: tarfile.TarFile, name: str) -> bytes:
    content = files.extractfile(name)
    assert content is not None  # a build has written it
    return content.read()


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"
