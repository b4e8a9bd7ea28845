"""Opens whatever the user named as a tree, by looking at it; a prefix says what it is where looking cannot.

An image in a container engine or a registry is brought here by `containers`, and read like one in a file.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdapack.artifact.folder import FolderTree
from lambdapack.artifact.tree import Tree
from lambdapack.artifact.wheel import WheelTree
from lambdapack.artifact.zip import ZipTree
from lambdapack.errors import MissingRequirement, UnreadableArtifact, UsageError
from lambdapack.progress import Progress, silent

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from lambdapack.artifact.image import ImageFiles, ImageForm
    from lambdapack.artifact.inflated import Stored
    from lambdapack.containers import Engine


_IMAGE_FORMS: tuple[ImageForm, ...] = ("docker-archive", "oci-archive", "oci")
_ZIP_MAGIC = b"PK"
_DAEMON = "docker-daemon:"
_REGISTRY = re.compile(r"docker:[/\\]{1,2}")  # pathlib makes one slash of the two


def open_tree(source: Path | str, *, architecture: str | None = None, progress: Progress = silent) -> Tree:
    """Returns the tree in a folder, a ZIP file of any name, a wheel (as it is installed), or a container image.

    An image may be named by where it is, as container tools do: `docker-archive:FILE`, `oci:FOLDER` and
    `oci-archive:FILE`, each with `:NAME` when it holds several, `docker-daemon:NAME`, `docker://REGISTRY/NAME`. A bare
    name that is no path is looked for in the container engine, never in a registry. `architecture` chooses from several
    platforms. Raises `UnreadableArtifact` when there is nothing, or nothing readable, and `MissingRequirement` when an
    engine or a registry cannot give what was asked of it.
    """
    text = str(source)
    if text.startswith(_DAEMON):
        name = text.removeprefix(_DAEMON)
        if not name:
            raise UsageError(f"{text}: names no image", hint="write docker-daemon:NAME:TAG")
        from lambdapack.containers import connect_engine  # what reaches hosts takes longer to load than a ZIP to read

        with connect_engine() as engine:
            return _from_engine(engine, name, text, architecture, progress)
    registry = _REGISTRY.match(text)
    if registry is not None:
        from lambdapack.artifact.image import ImageTree, image_files
        from lambdapack.containers import parse_reference, pull_image

        folder = pull_image(parse_reference(text[registry.end() :]), architecture, progress)
        return ImageTree(image_files(folder, "oci", origin=text), architecture=architecture)
    named = _named_image(text)
    if named is not None:
        from lambdapack.artifact.image import ImageTree, image_files

        form, place, reference = named
        if not place.exists():
            raise UnreadableArtifact(f"{place}: no such file or folder")
        if place.is_dir() is not (form == "oci"):
            raise UnreadableArtifact(f"{place}: {form}: takes a {'folder' if form == 'oci' else 'file'}")
        return ImageTree(image_files(place, form), reference=reference, architecture=architecture)
    path = Path(source)
    if _is_missing(path):
        return _by_bare_name(text, architecture, progress)
    return _open_path(path, architecture)


def _open_path(path: Path, architecture: str | None) -> Tree:
    if not _begins_like_a_zip(path):
        from lambdapack.artifact.image import ImageTree, is_tar, recognised_files

        files = recognised_files(path)
        if files is not None:
            return ImageTree(files, architecture=architecture)
        if path.is_dir():
            return FolderTree(path)
        if is_tar(path):
            raise UnreadableArtifact(
                f"{path}: is a tar archive without a container image (no manifest.json, no index.json)",
                hint="give the function's ZIP file, its unpacked folder, or an image written by docker save",
            )
    # By its name: a function's ZIP has the metadata of installed wheels at its root, too.
    return WheelTree(path) if path.suffix == ".whl" else ZipTree(path)


def _begins_like_a_zip(path: Path) -> bool:
    """True for a file that no look has to be taken at as an image: what reads those takes a while to load."""
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    except OSError:
        return False


def _is_missing(path: Path) -> bool:
    """True when there is nothing; a pipe or device, which would be waited for or read without end, is refused."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return True
    except (OSError, ValueError) as error:
        raise UnreadableArtifact(f"{str(path)[:80]}: cannot be read: {error}") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableArtifact(f"{path}: is neither a file nor a folder")
    return False


def _named_image(text: str) -> tuple[ImageForm, Path, str | None] | None:
    """Splits `docker-archive:FILE:NAME` into form, place and name; None for a plain path."""
    form = next((form for form in _IMAGE_FORMS if text.startswith(f"{form}:")), None)
    if form is None or Path(text).exists():
        return None
    rest = text.removeprefix(f"{form}:")
    # Both the place and the name may have colons: the longest place that exists counts.
    at = len(rest)
    while at > 0:
        if Path(rest[:at]).exists():
            return form, Path(rest[:at]), rest[at + 1 :] or None
        at = rest.rfind(":", 0, at)
    return form, Path(rest), None


def _by_bare_name(name: str, architecture: str | None, progress: Progress) -> Tree:
    """Looks for an image of this name in the container engine, where it can be the name of one."""
    from lambdapack.containers import connect_engine, looks_like_reference

    if not looks_like_reference(name):
        raise UnreadableArtifact(f"{name}: no such file or folder")
    registry = f"to read an image from its registry, write docker://{name}"
    try:
        with connect_engine() as engine:
            if engine.has_image(name):
                return _from_engine(engine, name, f"{_DAEMON}{name}", architecture, progress)
            where = engine.address
    except MissingRequirement as error:
        problem = f"{name}: no such file or folder, nor an image that can be had: {error}"
        raise UnreadableArtifact(problem, hint=registry) from error
    raise UnreadableArtifact(
        f"{name}: no such file or folder, and no image of this name in the container engine ({where})", hint=registry
    )


def _from_engine(engine: Engine, name: str, origin: str, architecture: str | None, progress: Progress) -> Tree:
    """Saves an image to a temporary file, which is removed when the tree is closed."""
    from tempfile import TemporaryDirectory

    from lambdapack.artifact.image import ImageTree, image_files

    folder = TemporaryDirectory(prefix="lambdapack-image-", ignore_cleanup_errors=True)
    try:
        progress(f"saving {name} from the container engine")
        file = Path(folder.name) / "image.tar"
        engine.save_image(name, file)
        return ImageTree(
            _Temporary(image_files(file, "docker-archive", origin=origin), folder), architecture=architecture
        )
    except BaseException:
        folder.cleanup()
        raise


class _Temporary:
    """The files of an image in a folder that goes when they are closed."""

    def __init__(self, files: ImageFiles, folder: TemporaryDirectory[Any]) -> None:
        self.origin = files.origin
        self._files = files
        self._folder = folder

    def open(self, name: str) -> Stored | None:
        return self._files.open(name)

    def close(self) -> None:
        self._files.close()
        self._folder.cleanup()
