"""Which image an archive or folder holds: manifests, indexes and configuration, checked against their digests.

Knows the archives of `docker save` (with `manifest.json`) and the OCI image layout (with `index.json`), as a tar or a
folder. Chooses one image and says what else there is. Does not open layers.
Sources: OCI image specification 1.1 (image-layout, image-index, manifest, config); Moby's image/tarexport.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lambdapack.artifact.inflated import Source, Stored, sha256_of
from lambdapack.errors import UnreadableArtifact, UsageError

_LARGEST_DOCUMENT = 16 << 20  # bytes of JSON; registries take 4 MB
_DEEPEST_INDEX = 5
_DIGEST = re.compile(r"^sha256:([0-9a-f]{64})$")
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_CONFIG_TYPES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
# Go's names, which image configurations have, in the spelling that Lambda and this project use.
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_DEFAULT_ARCHITECTURE = "x86_64"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says of itself.

    `digest` is the image's ID: the SHA-256 of its configuration, in hexadecimal. `architecture` is `x86_64`, `arm64`,
    or another as the configuration spells it, None when it says nothing. `index` is the media type of the index that
    leads to the image (None: a manifest by itself), `platforms` those of all images in it, `attestations` the number of
    its attestation manifests. `manifest_type` and `layer_types` are media types, None and empty where the archive has
    none. `size` is the bytes of the files in all layers, also of those that later layers take away.
    """

    digest: str
    architecture: str | None
    operating_system: str | None
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    working_dir: str
    user: str
    index: str | None = None
    platforms: tuple[str, ...] = ()
    attestations: int = 0
    manifest_type: str | None = None
    layer_types: tuple[str, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """Where a layer is stored. `digest` is the SHA-256 of the stored bytes where the archive promises one, `content`
    that of the uncompressed tar, in hexadecimal."""

    name: str
    digest: str | None
    content: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One chosen image; `layers` from the lowest up. `config_name` is where its configuration is stored."""

    config: ImageConfig
    config_name: str
    layers: tuple[LayerPlace, ...]


class Files(Protocol):
    """The files of the archive or folder that holds the image. `open` returns None for what is not there."""

    origin: str

    def open(self, name: str) -> Stored | None: ...


def read_manifest(files: Files, reference: str | None, architecture: str | None) -> Manifest:
    """Chooses the image of a name, if one is given, and of an architecture, if there are several.

    Raises `UnreadableArtifact` when there is none or something of it is missing, `UsageError` when several fit.
    """
    # The archives of newer `docker save` have both; only the index tells of platforms and attestations.
    if files.open("index.json") is not None:
        return _OciReader(files).read(reference, architecture)
    return _docker(files, reference)


def _docker(files: Files, reference: str | None) -> Manifest:
    listed = [item for item in _list(_document(files, "manifest.json")) if isinstance(item, dict)]
    named = {name: item for item in listed for name in _texts(item.get("RepoTags"))}
    chosen = listed
    if reference is not None:
        chosen = [named[name] for name in (reference, f"{reference}:latest") if name in named]
    if len(chosen) != 1:
        raise _ambiguous(files, reference, sorted(named), len(listed))
    name = str(chosen[0].get("Config"))
    config_source = _source(files, name)
    config = _config(files, name, config_source, {})
    contents = _contents(_document(files, name))
    layers = _texts(chosen[0].get("Layers"))
    if len(layers) != len(contents):
        raise UnreadableArtifact(f"{files.origin}: the image has {len(layers)} layers, its config says {len(contents)}")
    return Manifest(
        config, name, tuple(LayerPlace(layer, None, content) for layer, content in zip(layers, contents, strict=True))
    )


@dataclass(frozen=True, slots=True)
class _Leaf:
    """An image manifest in an index; `top` is the number of the entry of `index.json` that leads to it."""

    top: int
    digest: str
    manifest: Json
    platform: str
    index: str | None


class _OciReader:
    """Reads one OCI image layout."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._attestations = 0
        self._elsewhere: list[str] = []  # platforms whose images are named and not stored

    def read(self, reference: str | None, architecture: str | None) -> Manifest:
        index = _document(self._files, "index.json")
        tops = [item for item in _list(index.get("manifests")) if isinstance(item, dict)]
        distinct = {str(item.get("digest")): item for item in tops}
        names = sorted({name for item in tops for name in _names(item)})
        if reference is not None:
            distinct = {key: item for key, item in distinct.items() if _is_named(tops, key, reference)}
        leaves = [leaf for number, item in enumerate(distinct.values()) for leaf in self._leaves(item, number, None, 0)]
        if not leaves:
            if self._elsewhere:
                raise UnreadableArtifact(
                    f"{self._files.origin}: holds none of the images it names ({', '.join(self._elsewhere)})"
                )
            raise _ambiguous(self._files, reference, names, 0)
        platforms = sorted({leaf.platform for leaf in leaves} | set(self._elsewhere))
        if len({leaf.top for leaf in leaves}) > len({leaf.platform for leaf in leaves}):
            raise _ambiguous(self._files, reference, names, len(leaves))
        chosen = _of_architecture(leaves, architecture)
        several = len(leaves) > 1 or len(distinct) > 1
        found = chosen.index or (str(index.get("mediaType") or _INDEX_TYPES[0]) if several else None)
        return self._manifest(chosen, found, tuple(platforms) if found else ())

    def _leaves(self, item: Json, top: int, index: str | None, depth: int) -> Iterator[_Leaf]:
        digest, platform = str(item.get("digest")), _platform(item.get("platform"))
        annotations = item.get("annotations") or {}
        # https://docs.docker.com/build/metadata/attestations/attestation-storage/
        if annotations.get("vnd.docker.reference.type") == "attestation-manifest" or platform == "unknown/unknown":
            self._attestations += 1
            return
        name = _blob(digest, self._files)
        if self._files.open(name) is None:
            if depth == 0:
                raise _missing(self._files, name)
            self._elsewhere.append(platform or digest)  # `docker save` stores this machine's platform only
            return
        document = _document(self._files, name)
        if "manifests" in document:
            if depth == _DEEPEST_INDEX:
                raise UnreadableArtifact(f"{self._files.origin}: its indexes are nested too deep")
            media_type = str(document.get("mediaType") or item.get("mediaType") or _INDEX_TYPES[0])
            for inner in _list(document.get("manifests")):
                if isinstance(inner, dict):
                    yield from self._leaves(inner, top, media_type, depth + 1)
            return
        if platform is None:
            platform = _platform(_document(self._files, _blob(_digest_in(document, "config"), self._files)))
        yield _Leaf(top, digest, document, platform or "unknown", index)

    def _manifest(self, leaf: _Leaf, index: str | None, platforms: tuple[str, ...]) -> Manifest:
        described = leaf.manifest.get("config") or {}
        media_type = described.get("mediaType")
        if media_type is not None and media_type not in _CONFIG_TYPES:
            raise UnreadableArtifact(f"{self._files.origin}: holds no container image but {media_type}")
        name = _blob(_digest_in(leaf.manifest, "config"), self._files)
        layers = [item for item in _list(leaf.manifest.get("layers")) if isinstance(item, dict)]
        contents = _contents(_document(self._files, name))
        if len(contents) != len(layers):
            raise UnreadableArtifact(
                f"{self._files.origin}: the image has {len(layers)} layers, its config says {len(contents)}"
            )
        config = _config(
            self._files,
            name,
            _source(self._files, name),
            {
                "index": index,
                "platforms": platforms,
                "attestations": self._attestations,
                "manifest_type": leaf.manifest.get("mediaType"),
                "layer_types": tuple(str(item.get("mediaType")) for item in layers),
            },
        )
        places = []
        for item, content in zip(layers, contents, strict=True):
            digest = str(item.get("digest"))
            places.append(LayerPlace(_blob(digest, self._files), digest.removeprefix("sha256:"), content))
        return Manifest(config, name, tuple(places))


def _of_architecture(leaves: list[_Leaf], architecture: str | None) -> _Leaf:
    """The image for an architecture; without one, or where there is none, the default's, or else the first."""
    for wanted in (architecture, _DEFAULT_ARCHITECTURE):
        for leaf in leaves:
            if wanted is not None and _architecture(leaf.platform.split("/")[1:2]) == wanted:
                return leaf
    return leaves[0]


def _architecture(names: list[str]) -> str | None:
    return _ARCHITECTURES.get(names[0], names[0]) if names else None


def _platform(table: Any) -> str | None:
    """`linux/amd64` of a platform, or of a configuration, which has the same keys."""
    if not isinstance(table, dict) or not table.get("architecture"):
        return None
    return f"{table.get('os') or 'unknown'}/{table['architecture']}"


def _names(item: Json) -> list[str]:
    annotations = item.get("annotations") or {}
    return [str(annotations[key]) for key in _NAMES if key in annotations]


def _is_named(tops: list[Json], digest: str, reference: str) -> bool:
    wanted = (reference, f"{reference}:latest")
    return any(item.get("digest") == digest and any(name in wanted for name in _names(item)) for item in tops)


def _config(files: Files, name: str, source: Source, more: Mapping[str, Any]) -> ImageConfig:
    document = _document(files, name)
    settings = document.get("config") or {}
    if not isinstance(settings, dict):
        raise UnreadableArtifact(f"{files.origin}: {name} is no image configuration")
    pairs = (text.partition("=") for text in _texts(settings.get("Env")))
    return ImageConfig(
        digest=sha256_of(source),
        architecture=_architecture([document["architecture"]] if document.get("architecture") else []),
        operating_system=document.get("os"),
        environment={key: value for key, _, value in pairs},
        entrypoint=_texts(settings.get("Entrypoint")),
        command=_texts(settings.get("Cmd")),
        working_dir=str(settings.get("WorkingDir") or "/"),
        user=str(settings.get("User") or ""),
        **more,
    )


def _contents(config: Json) -> tuple[str | None, ...]:
    """The digests of the uncompressed layers; None for one that is no SHA-256."""
    matches = (_DIGEST.match(text) for text in _texts((config.get("rootfs") or {}).get("diff_ids")))
    return tuple(match[1] if match else None for match in matches)


def _digest_in(table: Json, key: str) -> str:
    described = table.get(key)
    return str(described.get("digest")) if isinstance(described, dict) else "None"


def _blob(digest: str, files: Files) -> str:
    match = _DIGEST.match(digest)
    if match is None:
        raise UnreadableArtifact(f"{files.origin}: a manifest names {digest!r}, which is no SHA-256 digest")
    return f"blobs/sha256/{match[1]}"


def _source(files: Files, name: str) -> Source:
    source = files.open(name)
    if source is None:
        raise _missing(files, name)
    return source


def _document(files: Files, name: str) -> Any:
    """Reads a JSON file; one that is named by its digest has to have it."""
    data = _source(files, name).read_at(0, _LARGEST_DOCUMENT)
    wanted = re.search(r"(?:^|/)([0-9a-f]{64})(?:\.json)?$", name)
    if wanted is not None and sha256_of(_source(files, name)) != wanted[1]:
        raise UnreadableArtifact(f"{files.origin}: {name} is damaged: its SHA-256 is another")
    try:
        document = json.loads(data)
    except ValueError as error:
        raise UnreadableArtifact(f"{files.origin}: {name} is not JSON ({error})") from error
    if name != "manifest.json" and not isinstance(document, dict):
        raise UnreadableArtifact(f"{files.origin}: {name} is not what an image has there")
    return document


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    # A shell-form ENTRYPOINT of very old images is one text.
    return (value,) if isinstance(value, str) else tuple(str(item) for item in _list(value))


def _missing(files: Files, name: str) -> UnreadableArtifact:
    return UnreadableArtifact(
        f"{files.origin}: the image is not complete, {name} is missing", hint="write the archive again: docker save"
    )


def _ambiguous(files: Files, reference: str | None, names: list[str], count: int) -> UnreadableArtifact | UsageError:
    if count == 0 and reference is None:
        return UnreadableArtifact(f"{files.origin}: holds no image")
    known = f"; it has {', '.join(names)}" if names else ""
    if reference is not None:
        return UsageError(f"{files.origin}: holds no image (or several) of the name {reference}{known}")
    hint = f"name one: docker-archive:FILE:{names[0]} or oci:FOLDER:{names[0]}" if names else None
    return UsageError(f"{files.origin}: holds {count} images{known}", hint=hint)
