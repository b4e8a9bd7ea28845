"""Lays the inputs of a build over each other: first-party code, then wheels, into one set of paths.

Collects first-party files (and tells what it leaves out), applies the project's exclude patterns, and refuses two
inputs that want the same path with different content. Reads the project, writes nothing, fetches nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from lambdapack.builder.archive import EXECUTABLE, PLAIN, Piece
from lambdapack.builder.exclude import LEFT_OUT_BY_DEFAULT, Patterns
from lambdapack.builder.plan import BILL_SUFFIX, SIDECAR_SUFFIX, FirstPartyFile, LeftOut
from lambdapack.errors import BuildFailed
from lambdapack.memo import Readings

OUTPUT_RULE = "artifacts beside the output"
VIRTUAL_ENVIRONMENT_RULE = "virtual environment"
SPECIAL_FILE_RULE = "not a regular file"

_COMPARED_AT_ONCE = 1 << 20


@dataclass(slots=True)
class FirstParty:
    """What the project itself contributes."""

    files: list[FirstPartyFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def collect_first_party(
    source: Sequence[Path],
    shared: Sequence[Path],
    *,
    exclude: Patterns,
    output: Path,
    repository: Path,
    readings: Readings | None = None,
) -> FirstParty:
    """Lists the contents of each `source` (at the root) and each `shared` (under its own name).

    `repository`: symbolic links may lead anywhere in it. `output`: the artifact's own path; neither it nor
    any artifact beside it is packed. Raises `BuildFailed` for links that leave the repository or run in circles, and
    for two sources with different content on one path.
    """
    walk = _Walk(exclude, output, repository, readings if readings is not None else Readings(noting=False))
    for place in source:
        if place.is_dir():
            walk.folder(place, "", place, ())
        else:
            walk.file(place, place.name, place)
    for place in shared:
        name = place.resolve().name if place.name in ("", "..") else place.name
        if place.is_dir():
            if not walk.is_left_out(place, name, place, is_folder=True):
                walk.folder(place, f"{name}/", place, ())
        else:
            walk.file(place, name, place)
    merged = merge([first_party_piece(file) for file in walk.found.files])
    kept: dict[str, FirstPartyFile] = {}
    for file in walk.found.files:
        kept.setdefault(file.path, file)
    return FirstParty([kept[path] for path in sorted(merged)], walk.found.left_out)


def first_party_piece(file: FirstPartyFile) -> Piece:
    """A first-party file as it goes into the artifact.

    Its mode follows from its content, not from its permission bits: those depend on umask, file system and Windows,
    and the artifact must not. A script with `#!` and a program are executable, everything else is not.
    """
    try:
        size = file.source.stat().st_size
        with file.source.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        raise BuildFailed(f"{file.source}: cannot be read: {error.strerror or error}") from error
    program = head == b"\x7fELF" and ".so" not in file.source.name
    mode = EXECUTABLE if program or head.startswith(b"#!") else PLAIN
    return Piece(file.path, mode, size, str(file.source), lambda: _open(file.source), own=True)


def without_excluded(pieces: Iterable[Piece], exclude: Patterns) -> tuple[list[Piece], list[LeftOut]]:
    """Splits the files of a wheel into those that stay and those that the project's patterns take out."""
    if not exclude:
        return list(pieces), []
    kept: list[Piece] = []
    removed: list[LeftOut] = []
    for piece in pieces:
        pattern = exclude.match(piece.path)
        if pattern is None:
            kept.append(piece)
        else:
            removed.append(LeftOut(pattern, piece.path, piece.owner, by_user=True, size=piece.size))
    return kept, removed


def merge(pieces: Iterable[Piece]) -> dict[str, Piece]:
    """Puts all pieces on one tree, by path.

    The same bytes twice on one path are fine (of two modes the executable one wins). Raises `BuildFailed`, naming
    both owners, for different bytes, and for a path that one input wants as a file and another as a folder.
    """
    merged: dict[str, Piece] = {}
    for piece in pieces:
        other = merged.get(piece.path)
        if other is None:
            merged[piece.path] = piece
        elif not _same_content(piece, other):
            raise BuildFailed(
                f"{piece.path}: {other.owner} and {piece.owner} both bring this file, with different content",
                hint="remove one of them, or rename it",
            )
        elif piece.mode > other.mode:
            merged[piece.path] = piece
    folders: dict[str, Piece] = {}
    for path, piece in merged.items():
        parent = path.rpartition("/")[0]
        while parent and parent not in folders:
            folders[parent] = piece
            parent = parent.rpartition("/")[0]
    for path in sorted(merged.keys() & folders.keys()):
        raise BuildFailed(
            f"{path}: is a file in {merged[path].owner} and a folder in {folders[path].owner}",
            hint="rename one of them",
        )
    return merged


class _Walk:
    """Walks first-party folders in a fixed order, following links inside the repository."""

    def __init__(self, exclude: Patterns, output: Path, repository: Path, readings: Readings) -> None:
        self.exclude = exclude
        self.readings = readings
        self.defaults = Patterns(LEFT_OUT_BY_DEFAULT)
        self.output = output.resolve()
        self.suffixes = (self.output.suffix, SIDECAR_SUFFIX, BILL_SUFFIX)
        self.repository = repository.resolve()
        self.found = FirstParty()

    def folder(self, folder: Path, prefix: str, owner: Path, above: tuple[Path, ...]) -> None:
        """Takes the contents of a folder; `prefix` is its path in the artifact with a `/`, or empty."""
        real = folder.resolve()
        if real in above:
            raise BuildFailed(f"{folder}: this symbolic link leads back to a folder above it")
        self.readings.folder(folder)
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            raise BuildFailed(f"{folder}: cannot be read: {error.strerror or error}") from error
        for entry in entries:
            path, place = f"{prefix}{entry.name}", Path(entry.path)
            is_folder = _is_folder(entry)
            if self.is_left_out(place, path, owner, is_folder=is_folder):
                continue
            if entry.is_symlink():
                self._check_link(place, owner)
            if is_folder:
                self.folder(place, f"{path}/", owner, (*above, real))
            elif entry.is_file():
                self.file(place, path, owner, checked=True)
            else:
                self._leave_out(SPECIAL_FILE_RULE, path, owner)

    def file(self, place: Path, path: str, owner: Path, *, checked: bool = False) -> None:
        """Takes one file."""
        if not checked and self.is_left_out(place, path, owner, is_folder=False):
            return
        try:
            path.encode()
        except UnicodeEncodeError:
            raise BuildFailed(f"{path!r} in {owner}: the file name is not UTF-8", hint="rename the file") from None
        self.readings.file(place)
        self.found.files.append(FirstPartyFile(path, place))

    def is_left_out(self, place: Path, path: str, owner: Path, *, is_folder: bool) -> bool:
        """Asks the rules in order: ours, then the project's; notes the one that took it out."""
        rule = self.defaults.match(path, is_folder=is_folder) or self._own_rule(place, is_folder)
        if rule is not None:
            self._leave_out(rule, f"{path}/" if is_folder else path, owner)
            return True
        pattern = self.exclude.match(path, is_folder=is_folder)
        if pattern is not None:
            self.found.left_out.append(LeftOut(pattern, f"{path}/" if is_folder else path, str(owner), by_user=True))
            return True
        return False

    def _own_rule(self, place: Path, is_folder: bool) -> str | None:
        if is_folder:
            if not (place / "pyvenv.cfg").is_file():
                return None
            self.readings.file(place / "pyvenv.cfg")
            return VIRTUAL_ENVIRONMENT_RULE
        # An artifact that packs the previous one, or that of another function, grows with every build.
        beside_output = place.name.endswith(self.suffixes) and place.resolve().parent == self.output.parent
        return OUTPUT_RULE if beside_output else None

    def _leave_out(self, rule: str, path: str, owner: Path) -> None:
        self.found.left_out.append(LeftOut(rule, path, str(owner), by_user=False))

    def _check_link(self, place: Path, owner: Path) -> None:
        try:
            target = place.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a circle, before Python 3.13
            raise BuildFailed(
                f"{place}: is a symbolic link to {place.readlink()}, which cannot be opened",
                hint="remove the link, or exclude it",
            ) from error
        if not (target.is_relative_to(self.repository) or target.is_relative_to(owner.resolve())):
            raise BuildFailed(
                f"{place}: is a symbolic link to {target}, outside of {self.repository}",
                hint="copy the file into the repository, or name it under `source` or `shared`",
            )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself; it is refused later, unless it is left out
        return False


def _same_content(first: Piece, second: Piece) -> bool:
    if first.size != second.size:
        return False
    with first.open() as left, second.open() as right:
        while True:
            one, two = left.read(_COMPARED_AT_ONCE), right.read(_COMPARED_AT_ONCE)
            if one != two:
                return False
            if not one:
                return True


def _open(path: Path) -> BinaryIO:
    try:
        return cast(BinaryIO, path.open("rb"))
    except OSError as error:
        raise BuildFailed(f"{path}: cannot be read: {error.strerror or error}") from error
