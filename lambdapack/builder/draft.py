"""A draft: all files of an artifact before it is written, so that one who knows more can still change what goes in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lambdapack.builder.archive import Piece, write_archive
from lambdapack.builder.installed import InstalledWheel
from lambdapack.builder.plan import LeftOut, ResolvedWheel
from lambdapack.errors import BuildFailed


@dataclass(frozen=True, slots=True)
class Draft:
    """The files by their path in the artifact, what was left out, what the user should know of it, and the wheels that
    are packed, each with all of its files. `reasons` says of files that were chosen one by one why they are in."""

    pieces: Mapping[str, Piece]
    left_out: tuple[LeftOut, ...] = ()
    told: tuple[str, ...] = ()
    packed: tuple[tuple[ResolvedWheel, InstalledWheel], ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    def without(self, removed: Iterable[LeftOut], told: str) -> Draft:
        """Returns the draft without the files that are named; `told` says why."""
        gone = {item.path: item for item in removed}
        kept = {path: piece for path, piece in self.pieces.items() if path not in gone}
        return replace(self, pieces=kept, left_out=(*self.left_out, *gone.values()), told=(*self.told, told))

    def having(self, added: Iterable[Piece], told: str = "") -> Draft:
        """Returns the draft with further files, which take the place of what stands at their path."""
        pieces = {**self.pieces, **{piece.path: piece for piece in added}}
        return replace(self, pieces=pieces, told=(*self.told, *([told] if told else ())))


def write_draft(draft: Draft, path: Path) -> None:
    """Writes a draft as a ZIP, to be looked at. Raises `BuildFailed` when it cannot be written."""
    try:
        with path.open("xb") as stream:
            write_archive(draft.pieces.values(), stream)
    except OSError as error:
        raise BuildFailed(f"{path}: cannot be written: {error.strerror or error}") from error


def excluded_words(left_out: Iterable[LeftOut]) -> Iterator[str]:
    """Says in one sentence for each pattern of the configuration what it has taken out, the most first."""
    found: dict[str, list[LeftOut]] = {}
    for item in left_out:
        if item.by_user:
            found.setdefault(item.pattern, []).append(item)
    for pattern, items in sorted(found.items(), key=lambda entry: (-sum(item.size for item in entry[1]), entry[0])):
        folders = sum(item.path.endswith("/") for item in items)
        files = len(items) - folders
        parts = [
            f"{count:,} {word}{'' if count == 1 else 's'}"
            for count, word in ((files, "file"), (folders, "folder"))
            if count
        ]
        size = sum(item.size for item in items)
        yield f"exclude {pattern!r} took out {' and '.join(parts)}{f' with {size:,} bytes' if size else ''}"
