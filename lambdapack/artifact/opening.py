"""Opens whatever the user named as a tree, by looking at it and not at its name."""

from __future__ import annotations

from pathlib import Path

from lambdapack.artifact.folder import FolderTree
from lambdapack.artifact.tree import Tree
from lambdapack.artifact.zip import ZipTree
from lambdapack.errors import UnreadableArtifact

_TAR_MAGIC_OFFSET = 257


def open_tree(path: Path) -> Tree:
    """Returns the tree in `path`: a folder, or a ZIP file of any name (a wheel is one).

    Raises `UnreadableArtifact` when there is nothing, or nothing readable.
    """
    if path.is_dir():
        return FolderTree(path)
    if not path.exists():
        raise UnreadableArtifact(f"{path}: no such file or folder")
    if _is_tar(path):
        raise UnreadableArtifact(
            f"{path}: is a tar archive; container images cannot be opened yet",
            hint="give the function's ZIP file or its unpacked folder",
        )
    return ZipTree(path)


def _is_tar(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(_TAR_MAGIC_OFFSET)
            return file.read(5) == b"ustar"
    except OSError:
        return False
