"""Byte code beside its sources: `__pycache__/NAME.cpython-313.pyc` for modules that are named.

Who compiles is a callable. What a distribution's modules compile to is kept in the store, by the content of its wheel,
so that the next build copies it. Chooses no modules and knows no interpreter.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from lambdapack.builder.archive import PLAIN, Piece, entry_date
from lambdapack.builder.kept import keep_pieces, kept_pieces
from lambdapack.builder.store import WheelStore
from lambdapack.errors import BuildFailed

_FORMAT = 2  # part of a name: raise it when what is kept changes

# Takes (path on Lambda, source), returns for each its .pyc, or why there is none.
Compile = Callable[[Sequence[tuple[str, bytes]]], Sequence[bytes | str]]


@dataclass(frozen=True, slots=True)
class ByteCodeMaker:
    """`compile` turns sources into byte code; `name` says of which Python, exactly: what is kept is kept by it."""

    compile: Compile
    name: str
    python: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The new files, and by the path of the module why there is none."""

    pieces: tuple[Piece, ...]
    refused: dict[str, str]


def compiled(modules: Iterable[Piece], point: str, maker: ByteCodeMaker, store: WheelStore) -> Compiled:
    """Compiles modules that stand below `point` on Lambda (`/var/task`). Raises what reading them raises."""
    by_owner: dict[str, list[Piece]] = {}
    for piece in sorted(modules, key=lambda piece: piece.path):
        by_owner.setdefault("" if piece.own else piece.owner, []).append(piece)
    places = {
        owner: store.root / "byte-code" / f"{_key(pieces, point, maker)}.zip"
        for owner, pieces in by_owner.items()
        if all(piece.packed is not None for piece in pieces)
    }
    found: list[Piece] = []
    missing: dict[str, list[Piece]] = {}
    for owner, pieces in by_owner.items():
        kept = kept_pieces(places[owner], owner) if owner in places else None
        if kept is None or len(kept) != len(pieces):
            missing[owner] = pieces
        else:
            found += kept
    refused: dict[str, str] = {}
    for owner, new in _compile(missing, point, maker, refused).items():
        if owner in places and new:
            keep_pieces(store, places[owner], new)
        found += new
    return Compiled(tuple(found), refused)


def cached_path(module: str, python: tuple[int, int]) -> str:
    """Returns where Python looks for the byte code of a module's file (PEP 3147)."""
    folder, _, name = module.rpartition("/")
    file = f"__pycache__/{name.removesuffix('.py')}.cpython-{python[0]}{python[1]}.pyc"
    return f"{folder}/{file}" if folder else file


def _compile(
    wanted: dict[str, list[Piece]], point: str, maker: ByteCodeMaker, refused: dict[str, str]
) -> dict[str, list[Piece]]:
    pieces = [piece for group in wanted.values() for piece in group]
    if not pieces:
        return {}
    made: dict[str, list[Piece]] = {owner: [] for owner in wanted}
    results = maker.compile([(f"{point}/{piece.path}", _content(piece)) for piece in pieces])
    for piece, content in zip(pieces, results, strict=True):
        if isinstance(content, str):
            refused[piece.path] = content
            continue
        path = cached_path(piece.path, maker.python)
        new = Piece(path, PLAIN, len(content), piece.owner, partial(io.BytesIO, content), own=piece.own)
        made["" if piece.own else piece.owner].append(new)
    return made


def _content(piece: Piece) -> bytes:
    with piece.open() as stream:
        content = stream.read()
    if len(content) != piece.size:
        raise BuildFailed(f"{piece.owner}: {piece.path} changed while it was read")
    return content


def _key(pieces: Sequence[Piece], point: str, maker: ByteCodeMaker) -> str:
    """What the byte code of one distribution depends on: its wheel's content stands in the archive's path."""
    files = [[str(piece.packed.archive.parent.name) if piece.packed else "", piece.path] for piece in pieces]
    data = [_FORMAT, maker.name, point, list(entry_date()), files]
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()
