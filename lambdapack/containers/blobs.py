"""Blobs on this machine, each under the SHA-256 of its content. Knows nothing of images and hosts.

What comes in is hashed on its way and appears whole, by a rename; what is there is hashed again before it is used.
Several processes may share a store. A download that breaks off is resumed; one that a process left behind is taken over
by the next, once nobody has written to it for a while.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from uuid import uuid4

import urllib3

from lambdapack.errors import MissingRequirement
from lambdapack.network import plain_reason
from lambdapack.settings import CACHE_VARIABLE

_CHUNK = 1 << 20
_ATTEMPTS = 5
_ABANDONED = 600.0  # seconds; a download that runs writes, or gives up after the time limit of a read

# Opens a blob from a byte on; the answer's status tells whether the source can.
Opener = Callable[[int], AbstractContextManager[urllib3.BaseHTTPResponse]]


class BlobStore:
    """Blobs below `root`, which is made when something is first put in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Makes the downloads that still run give up; what they have is kept for the next one."""
        self._stopped.set()

    def path_of(self, digest: str) -> Path:
        """Returns where a blob (`sha256:…`) stands, or would stand."""
        return self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        """True when the blob is there with the content its name promises; a damaged one is taken away."""
        path = self.path_of(digest)
        try:
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == digest.removeprefix("sha256:"):
                    os.utime(path)  # what is used last is removed last
                    return True
        except OSError:
            return False
        with suppress(OSError):
            path.unlink()
        return False

    def put(self, digest: str, content: bytes) -> None:
        """Keeps a blob whose digest is known to be right."""
        self._finish(self._begin(digest, adopt=False), digest, content)

    def fetch(self, digest: str, size: int, label: str, opener: Opener) -> None:
        """Brings a blob of `size` bytes from where `opener` opens it. Raises `MissingRequirement`, with `label`."""
        part = self._begin(digest, adopt=True)
        try:
            self._download(part, size, label, opener)
        except BaseException:
            with suppress(OSError):
                os.utime(part, (0, 0))  # nobody writes to it any more
            raise
        with part.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != digest.removeprefix("sha256:"):
            part.unlink(missing_ok=True)
            raise MissingRequirement(f"{label}: {digest} arrived with another content (sha256:{found})")
        self._finish(part, digest)

    def _download(self, part: Path, size: int, label: str, opener: Opener) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._append(part, size, label, opener)
                break
            except urllib3.exceptions.HTTPError as error:
                if attempt == _ATTEMPTS:
                    raise MissingRequirement(f"{label}: the download broke off: {plain_reason(error)}") from error
                time.sleep(0.3 * attempt)
            except OSError as error:
                raise self._unwritable(part, error) from error

    def _append(self, part: Path, size: int, label: str, opener: Opener) -> None:
        with part.open("ab") as out:
            at = out.tell()
            if at == size:
                return
            if at > size:
                out.truncate(0)
                at = 0
            with opener(at) as response:
                if at and response.status != 206:
                    out.truncate(0)
                    at = 0
                if response.status not in (200, 206):
                    raise MissingRequirement(f"{label}: the registry answered {response.status}")
                for chunk in response.stream(_CHUNK, decode_content=False):
                    if self._stopped.is_set():
                        raise MissingRequirement(f"{label}: given up after another download failed")
                    at += len(chunk)
                    if at > size:
                        out.truncate(0)
                        raise MissingRequirement(f"{label}: is longer than the {size} bytes its manifest promises")
                    out.write(chunk)
        if at < size:
            raise urllib3.exceptions.ProtocolError(f"it ended after {at} of {size} bytes")

    def _begin(self, digest: str, *, adopt: bool) -> Path:
        """Returns a file of this process alone, with what an abandoned download has left of the blob."""
        folder = self.path_of(digest).parent
        stem = f".{digest.removeprefix('sha256:')}."
        mine = folder / f"{stem}{uuid4().hex}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left in self._left(folder, stem) if adopt else ():
                with suppress(OSError):  # another process was faster
                    left.rename(mine)
                    os.utime(mine)
                    return mine
            mine.touch()
        except OSError as error:
            raise self._unwritable(folder, error) from error
        return mine

    def _left(self, folder: Path, stem: str) -> Iterator[Path]:
        for path in sorted(folder.glob(f"{stem}*.part")):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    yield path

    def _finish(self, part: Path, digest: str, content: bytes | None = None) -> None:
        target = self.path_of(digest)
        try:
            if content is not None:
                part.write_bytes(content)
            part.replace(target)
        except OSError as error:
            # Windows does not replace a file that another process has open; by its name it holds the same bytes.
            if not target.is_file():
                raise self._unwritable(target, error) from error
            part.unlink(missing_ok=True)

    def _unwritable(self, path: Path, error: OSError) -> MissingRequirement:
        return MissingRequirement(
            f"{path}: cannot be written: {error.strerror or error}",
            hint=f"set {CACHE_VARIABLE} to a folder that can be written and has room",
        )
