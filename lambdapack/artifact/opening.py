"""Opens whatever the user named as a tree, by looking at it and not at its name."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from lambdapack.artifact.folder import FolderTree
from lambdapack.artifact.image import ImageForm, ImageTree, image_files, is_tar, recognised_files
from lambdapack.artifact.tree import Tree
from lambdapack.artifact.zip import ZipTree
from lambdapack.errors import UnreadableArtifact, UsageError

_IMAGE_FORMS: tuple[ImageForm, ...] = ("docker-archive", "oci-archive", "oci")
_ELSEWHERE = re.compile(r"^(docker-daemon:|docker:[/\\])")


def open_tree(path: Path, *, architecture: str | None = None) -> Tree:
    """Returns the tree in `path`: a folder, a ZIP file of any name (a wheel is one), or a container image.

    An image may be named by what it is, as container tools do: `docker-archive:FILE`, `oci:FOLDER`, `oci-archive:FILE`,
    each with `:NAME` when it holds several. `architecture` chooses from an image for several platforms.
    Raises `UnreadableArtifact` when there is nothing, or nothing readable; `UsageError` for images in a daemon or a
    registry.
    """
    named = _named_image(path)
    if named is not None:
        form, place, reference = named
        if not place.exists():
            raise UnreadableArtifact(f"{place}: no such file or folder")
        if place.is_dir() is not (form == "oci"):
            raise UnreadableArtifact(f"{place}: {form}: takes a {'folder' if form == 'oci' else 'file'}")
        return ImageTree(image_files(place, form), reference=reference, architecture=architecture)
    _refuse_special(path)
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
    return ZipTree(path)


def _refuse_special(path: Path) -> None:
    """A pipe or device would be waited for, or read without end."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UnreadableArtifact(f"{path}: no such file or folder") from None
    except (OSError, ValueError) as error:
        raise UnreadableArtifact(f"{str(path)[:80]}: cannot be read: {error}") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableArtifact(f"{path}: is neither a file nor a folder")


def _named_image(path: Path) -> tuple[ImageForm, Path, str | None] | None:
    """Splits `docker-archive:FILE:NAME` into form, place and name; None for a plain path."""
    text = str(path)
    if _ELSEWHERE.match(text):
        raise UsageError(
            f"{text}: images in a daemon or a registry are not supported yet",
            hint="write it to a file: docker save NAME -o image.tar",
        )
    form = next((form for form in _IMAGE_FORMS if text.startswith(f"{form}:")), None)
    if form is None or path.exists():
        return None
    rest = text.removeprefix(f"{form}:")
    # Both the place and the name may have colons: the longest place that exists counts.
    at = len(rest)
    while at > 0:
        if Path(rest[:at]).exists():
            return form, Path(rest[:at]), rest[at + 1 :] or None
        at = rest.rfind(":", 0, at)
    return form, Path(rest), None
