"""A container image as a tree: the archive of `docker save`, an OCI layout as a folder or a tar.

Knows layers and how to reach their bytes. Each layer is read once from end to end when the image is opened, which
checks it against its digests; nothing is unpacked to disk. What the image says of itself is its `config`.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from lambdapack.artifact.inflated import (
    GZIP_MAGIC,
    BrokenData,
    CannotDecompress,
    FileSource,
    MemorySource,
    PartSource,
    Source,
    Stored,
    decompressed,
    sha256_of,
)
from lambdapack.artifact.manifest import Files, ImageConfig, LayerPlace, read_manifest
from lambdapack.artifact.overlay import Overlay, Placed, printable
from lambdapack.artifact.tarball import Member, members
from lambdapack.artifact.tree import Entry, Problem, Tree
from lambdapack.errors import UnreadableArtifact, UnreadableMember

ImageForm = Literal["docker-archive", "oci-archive", "oci"]

_TAR_MAGIC_OFFSET = 257
_PIECE = 1 << 20
_MARKS: Mapping[ImageForm, str] = {
    "docker-archive": "manifest.json",
    "oci-archive": "index.json",
    "oci": "index.json",
}


class ImageFiles(Files, Protocol):
    """The opened archive or folder that holds an image."""

    def close(self) -> None: ...


class ImageTree(Tree):
    """The merged layers of one image, whose files the tree closes. Raises `UnreadableArtifact` when layers are
    missing or damaged. `reference` names one of several images, `architecture` (`x86_64`, `arm64`) chooses from an
    index.
    """

    def __init__(self, files: ImageFiles, *, reference: str | None = None, architecture: str | None = None) -> None:
        self.origin = files.origin
        self._files = files
        try:
            self._index(reference, architecture)
        except BaseException:
            files.close()
            raise

    def _index(self, reference: str | None, architecture: str | None) -> None:
        manifest = read_manifest(self._files, reference, architecture)
        self._stored = manifest
        self._layers: list[Source] = []
        self._contents: list[str | None] = []  # SHA-256 of each layer's content, where it has been compared
        overlay = Overlay()
        size = 0
        for number, place in enumerate(manifest.layers):
            source, wrong = self._open_layer(place)
            try:
                size += overlay.add_layer(number, members(source))
                wrong += _wrong_content(source, place)
                self._contents.append(None if wrong else place.content)
            except BrokenData as error:
                raise UnreadableArtifact(
                    f"{self.origin}: layer {place.name} cannot be read: {error}",
                    hint="write the archive again: docker save",
                ) from error
            overlay.problems += [Problem("wrong-digest", place.name, text) for text in wrong]
            self._layers.append(source)
        self.config: ImageConfig = replace(manifest.config, size=size)
        self._problems = tuple(overlay.problems)
        self._placed = overlay.placed
        self._entries = tuple(self._entry(path, overlay.placed[path]) for path in sorted(overlay.placed))

    @property
    def problems(self) -> Sequence[Problem]:
        return self._problems

    def entries(self) -> Sequence[Entry]:
        return self._entries

    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        items = [(self._placed[entry.path], entry) for entry in wanted]
        for placed, entry in sorted(items, key=lambda item: (item[0].layer, item[0].member.offset)):
            try:
                content = placed.member.read(self._layers[placed.layer])
            except (BrokenData, OSError) as error:
                raise UnreadableMember(f"{entry.path}: {error}") from error
            yield entry, io.BytesIO(content)

    def key(self, entry: Entry) -> bytes | None:
        placed = self._placed[entry.path]
        content, member = self._contents[placed.layer], placed.member
        place = f"{content} {member.offset} {member.stretches} {member.size} {entry.path}"
        return hashlib.sha256(place.encode("utf-8", "surrogatepass")).digest() if content is not None else None

    def modified(self, entry: Entry) -> float:
        """Returns when an entry was last changed, in seconds since 1970: compiled Python files go by that."""
        return self._placed[entry.path].member.modified

    def docker_archive(self) -> Iterator[bytes]:
        """Yields the image as `docker load` takes it, layers as they are stored. It has no name there, so that none of
        the engine's own names comes to mean this image."""
        layers = [f"{number}.tar" for number in range(len(self._stored.layers))]
        document = [{"Config": "config.json", "RepoTags": None, "Layers": layers}]
        yield from _member("config.json", self._stored_file(self._stored.config_name))
        for name, place in zip(layers, self._stored.layers, strict=True):
            yield from _member(name, self._stored_file(place.name))
        content = json.dumps(document).encode()
        yield from _member("manifest.json", PartSource(MemorySource(content), 0, len(content)))
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _stored_file(self, name: str) -> Stored:
        stored = self._files.open(name)
        if stored is None:
            raise UnreadableArtifact(f"{self.origin}: the image is not complete, {name} is missing")
        return stored

    def close(self) -> None:
        self._files.close()

    def _open_layer(self, place: LayerPlace) -> tuple[Source, list[str]]:
        stored = self._files.open(place.name)
        if stored is None:
            raise UnreadableArtifact(
                f"{self.origin}: the image is not complete, {place.name} is missing",
                hint="write the archive again: docker save",
            )
        wrong = []
        try:
            source = decompressed(stored)
            if source is not stored and place.digest is not None and sha256_of(stored) != place.digest:
                wrong.append("the compressed layer's SHA-256 is not the one its manifest promises")
        except BrokenData as error:
            raise UnreadableArtifact(f"{self.origin}: layer {place.name} cannot be read: {error}") from error
        except CannotDecompress as error:
            raise UnreadableArtifact(
                f"{self.origin}: layer {place.name}: {error}",
                hint="run lambdapack with Python 3.14, or write the image again with gzip layers",
            ) from error
        return source, wrong

    def _entry(self, path: str, placed: Placed) -> Entry:
        member = placed.member
        link = None if member.link is None else printable(member.link)
        return Entry(path, member.size, member.mode, link, f"{self.origin}, layer {placed.layer + 1}")


def _wrong_content(source: Source, place: LayerPlace) -> list[str]:
    if place.content is None or sha256_of(source) == place.content:
        return []
    return ["the SHA-256 of the layer's content is not the one the image's configuration promises"]


def _member(name: str, content: Stored) -> Iterator[bytes]:
    """A file of a tar archive."""
    head = tarfile.TarInfo(name)
    head.size = content.size
    yield head.tobuf()
    for at in range(0, head.size, _PIECE):
        yield content.read_at(at, min(_PIECE, head.size - at))
    yield bytes(-head.size % tarfile.BLOCKSIZE)


class _Folder:
    """An OCI layout on disk."""

    def __init__(self, path: Path, origin: str | None = None) -> None:
        self.origin = origin or str(path)
        self._root = path
        self._opened: dict[str, FileSource] = {}

    def open(self, name: str) -> Stored | None:
        if name not in self._opened:
            path = self._root / name
            if not path.is_file():
                return None
            try:
                self._opened[name] = FileSource(path)
            except OSError as error:
                raise UnreadableArtifact(f"{path}: cannot be read: {error.strerror or error}") from error
        return self._opened[name]

    def close(self) -> None:
        for source in self._opened.values():
            source.close()


class _Archive:
    """A tar, compressed or not, with the files of an image in it."""

    def __init__(self, path: Path, origin: str | None = None) -> None:
        self.origin = origin or str(path)
        try:
            self._file = FileSource(path)
        except OSError as error:
            raise UnreadableArtifact(f"{path}: cannot be read: {error.strerror or error}") from error
        try:
            self._source = decompressed(self._file)
            self._members = {posixpath.normpath(member.name): member for member in members(self._source)}
        except (BrokenData, CannotDecompress) as error:
            self._file.close()
            raise UnreadableArtifact(
                f"{path}: cannot be read: {error}", hint="write the archive again: docker save"
            ) from error

    def open(self, name: str) -> Stored | None:
        member = self._members.get(posixpath.normpath(name))
        for _ in range(len(self._members)):
            if member is None or (member.link is None and member.twin is None):
                break
            # Older `docker save` writes a layer that comes twice as a link to the first: ../ID/layer.tar
            target = member.twin or posixpath.join(posixpath.dirname(name), member.link or "")
            name = posixpath.normpath(target)
            member = self._members.get(name)
        if member is None or not _is_plain(member):
            return None
        return PartSource(self._source, member.offset, member.size)

    def close(self) -> None:
        self._file.close()


def _is_plain(member: Member) -> bool:
    return member.stretches in ((), ((0, member.size),)) and member.link is None and member.twin is None


def image_files(path: Path, form: ImageForm, *, origin: str | None = None) -> ImageFiles:
    """Opens what is said to be an image; `origin` is shown for `path`. Raises `UnreadableArtifact` when it is none."""
    files: ImageFiles = _Folder(path, origin) if form == "oci" else _Archive(path, origin)
    if files.open(_MARKS[form]) is None:
        files.close()
        raise UnreadableArtifact(f"{files.origin}: is no container image of the form {form}: it has no {_MARKS[form]}")
    return files


def recognised_files(path: Path) -> ImageFiles | None:
    """Opens an image that is told by looking: a folder with `oci-layout`, a tar with a manifest or index; else None."""
    if path.is_dir():
        is_layout = (path / "oci-layout").is_file() and (path / "index.json").is_file()
        return _Folder(path) if is_layout else None
    if not is_tar(path):
        return None
    archive = _Archive(path)
    if any(archive.open(mark) is not None for mark in _MARKS.values()):
        return archive
    archive.close()
    return None


def is_tar(path: Path) -> bool:
    """True for a tar archive, also one in gzip."""
    try:
        file = FileSource(path)
    except OSError:
        return False
    try:
        source = decompressed(file) if file.read_at(0, 2) == GZIP_MAGIC else file
        return source.read_at(_TAR_MAGIC_OFFSET, 5) == b"ustar"
    except BrokenData:
        return False
    finally:
        file.close()
