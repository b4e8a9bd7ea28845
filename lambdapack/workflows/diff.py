"""Says why two artifacts differ: opens both, runs nothing of either."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lambdapack.artifact import Tree, open_tree
from lambdapack.artifact.zip import ZipTree
from lambdapack.artifact.zip_form import read_form
from lambdapack.facts.difference import Difference, compare
from lambdapack.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two artifacts. `sha256` (hex) and `size` (bytes) are None for what is no single file; `unzipped_size`
    is in bytes."""

    path: str
    sha256: str | None
    size: int | None
    unzipped_size: int
    files: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two artifacts and how they differ."""

    before: Side
    after: Side
    difference: Difference

    @property
    def is_same(self) -> bool:
        """True when they are the same: byte for byte, or, where one is no single file, file for file."""
        digests = self.before.sha256, self.after.sha256
        return digests[0] == digests[1] is not None or self.difference.is_none


def diff(before: Path | str, after: Path | str, *, progress: Progress = silent) -> Comparison:
    """Compares two artifacts: ZIPs, folders, layers, images. Raises `UnreadableArtifact`."""
    with ExitStack() as exit_stack:
        trees = [exit_stack.enter_context(open_tree(path, progress=progress)) for path in (before, after)]
        zips = all(type(tree) is ZipTree for tree in trees)
        forms = (read_form(Path(before)), read_form(Path(after))) if zips else None
        return Comparison(_side(before, trees[0]), _side(after, trees[1]), compare(trees[0], trees[1], forms))


def _side(path: Path | str, tree: Tree) -> Side:
    place = Path(path)
    files = [entry for entry in tree.entries() if entry.is_file]
    return Side(
        path=str(path),
        sha256=tree.sha256(),
        size=place.stat().st_size if place.is_file() else None,
        unzipped_size=sum(entry.size for entry in files),
        files=len(files),
    )
