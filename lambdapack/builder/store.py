"""The wheel store: wheels on this machine, each under the SHA-256 of its content.

uv's own cache holds unpacked trees and no wheels, so there is this one. What is in it was hashed on its way in and
is hashed again before it is used: a damaged file is fetched anew, never packed. Several processes may share a store:
files appear whole, by a rename. Knows no tags, no versions, no ZIP. How the network is reached: `transport.py`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from lambdapack.builder.plan import ResolvedWheel
from lambdapack.errors import BuildFailed
from lambdapack.progress import Progress, silent
from lambdapack.settings import CACHE_VARIABLE, cache_folder

if TYPE_CHECKING:
    from lambdapack.builder.credentials import IndexCredentials
    from lambdapack.builder.transport import Transport

_DOWNLOADS_AT_ONCE = 8
_UV_NO_CACHE = "UV_NO_CACHE"
_CHUNK = 1 << 20


class WheelStore:
    """Wheels by content. `root` is created when something is first put in; the default is `cache_folder()`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else cache_folder()

    @cached_property
    def credentials(self) -> IndexCredentials:
        """Who may fetch what; in memory only."""
        from lambdapack.builder.credentials import IndexCredentials

        return IndexCredentials()

    @classmethod
    @contextmanager
    def opened(cls, *, cached: bool = True) -> Iterator[WheelStore]:
        """Gives the store of this user; unless `cached`, an empty one that is gone afterwards, and uv's cache is not
        used meanwhile, either."""
        if cached:
            yield cls()
            return
        before = os.environ.get(_UV_NO_CACHE)
        os.environ[_UV_NO_CACHE] = "1"  # uv's settings are uv's own to read, and this is one of them
        import tempfile

        try:
            with tempfile.TemporaryDirectory(prefix="lambdapack-", ignore_cleanup_errors=True) as folder:
                yield cls(Path(folder))
        finally:
            if before is None:
                del os.environ[_UV_NO_CACHE]
            else:
                os.environ[_UV_NO_CACHE] = before

    def path_of(self, wheel: ResolvedWheel) -> Path:
        """Returns where a wheel stands, or would stand. Its file name is kept, since it carries name and tags."""
        return self.root / "wheels" / wheel.sha256[:2] / wheel.sha256 / wheel.filename

    def fetch(self, wheels: Sequence[ResolvedWheel], progress: Progress = silent) -> list[Path]:
        """Returns the path of each wheel, in the same order, after fetching those that are not there.

        Raises `BuildFailed` when one cannot be had or its content is not what the lock promised.
        """
        for wheel in wheels:
            if len(wheel.sha256) != 64:
                raise BuildFailed(f"{wheel.label}: has no SHA-256 to verify {wheel.filename} with")
        if not wheels:
            return []
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, thread_name_prefix="hash") as pool:
            digests = pool.map(lambda wheel: digest_of(self.path_of(wheel)), wheels)
            missing = [wheel for wheel, digest in zip(wheels, digests, strict=True) if digest != wheel.sha256]
        if missing:
            self._fetch_missing(missing, progress)
        return [self.path_of(wheel) for wheel in wheels]

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Gives a folder in the store for temporary files and removes it afterwards."""
        import tempfile

        self._make(self.root)
        with tempfile.TemporaryDirectory(prefix="scratch-", dir=self.root, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def read_text(self, name: str) -> str | None:
        """Returns a text kept under a name (`runtime-client/python3.13-x86_64.toml`), or None."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def write_text(self, name: str, text: str) -> None:
        """Keeps a text under a name."""
        self.put(self.root / name, lambda stream: stream.write(text.encode()))

    def _fetch_missing(self, wheels: Sequence[ResolvedWheel], progress: Progress) -> None:
        from concurrent.futures import ThreadPoolExecutor, as_completed

        from lambdapack.builder.transport import Transport  # loads urllib3, which takes as long as a warm build

        transport = Transport(self.credentials)
        pool = ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, thread_name_prefix="fetch")
        try:
            for future in as_completed(pool.submit(self._fetch_one, wheel, transport, progress) for wheel in wheels):
                future.result()
        finally:
            # The first failure (or Ctrl-C) ends the rest: what is not started is dropped, what runs is given up.
            transport.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            transport.close()

    def _fetch_one(self, wheel: ResolvedWheel, transport: Transport, progress: Progress) -> None:
        progress(f"fetching {wheel.label}")
        source = _local_path(wheel.location)

        def copy_checked(out: BinaryIO) -> None:
            digest = hashlib.sha256()

            def take(chunk: bytes) -> None:
                digest.update(chunk)
                out.write(chunk)

            if source is not None:
                _read_local(source, wheel, take)
            else:

                def restart() -> None:
                    nonlocal digest
                    digest = hashlib.sha256()
                    out.seek(0)
                    out.truncate()

                transport.download(wheel.location, wheel.label, take, restart)
            if digest.hexdigest() != wheel.sha256:
                raise BuildFailed(
                    f"{wheel.label}: {wheel.filename} has SHA-256 {digest.hexdigest()}, the lock says {wheel.sha256}",
                    hint="do not use the file; ask who serves the index why it changed, then resolve again",
                )

        self.put(self.path_of(wheel), copy_checked)

    def put(self, target: Path, write: Callable[[BinaryIO], object]) -> None:
        """Writes a file of the store so that it appears whole or not at all. Raises `BuildFailed`."""
        self._make(target.parent)
        temporary = target.with_name(f".{os.urandom(16).hex()}.part")
        try:
            with temporary.open("xb") as stream:
                write(stream)
            try:
                temporary.replace(target)
            except PermissionError:
                # Windows does not replace a file that another build has open; by its name it holds the same bytes.
                if not target.is_file():
                    raise
        except OSError as error:
            raise BuildFailed(
                f"{target}: cannot be written: {error.strerror or error}", hint=f"see {CACHE_VARIABLE}"
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BuildFailed(
                f"{folder}: the wheel store cannot be made: {error.strerror or error}",
                hint=f"set {CACHE_VARIABLE} to a folder that can be written",
            ) from error


def digest_of(path: Path) -> str | None:
    """Returns the SHA-256 of a file in hexadecimal digits, None when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def _local_path(location: str) -> Path | None:
    """The file a location means when it is none on the network."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        from urllib.request import url2pathname  # loads http.client

        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(location)


def _read_local(source: Path, wheel: ResolvedWheel, take: Callable[[bytes], None]) -> None:
    try:
        with source.open("rb") as stream:
            shutil.copyfileobj(stream, _Sink(take), _CHUNK)
    except OSError as error:
        raise BuildFailed(f"{wheel.label}: {source} cannot be read: {error.strerror or error}") from error


class _Sink:
    """A callable as the target of `copyfileobj`."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.write = take
