"""The same files deflated anew, with more effort, on all cores.

What stands in a segment is recompressed once, and kept beside it: the next build copies that. Changes no content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lambdapack.builder.archive import Piece
from lambdapack.builder.kept import keep_pieces, kept_pieces, pieces_of
from lambdapack.builder.store import WheelStore
from lambdapack.progress import Progress


def recompressed(pieces: Mapping[str, Piece], level: int, store: WheelStore, progress: Progress) -> dict[str, Piece]:
    """Returns the files with smaller compressed bytes where `level` makes any. Raises `BuildFailed`."""
    archives = sorted({piece.packed.archive for piece in pieces.values() if piece.packed is not None})
    smaller: dict[tuple[Path, int], Piece] = {}
    for number, archive in enumerate(archives, 1):
        progress(f"recompressing {number} of {len(archives)}")
        smaller |= _smaller(archive, level, store)
    found = dict(pieces)
    for path, piece in pieces.items():
        if piece.packed is None:
            continue
        new = smaller.get((piece.packed.archive, piece.packed.offset))
        if new is not None and new.packed is not None and new.packed.size < piece.packed.size:
            found[path] = replace(piece, packed=new.packed._replace(headed=new.path == path), open=new.open)
    return found


def _smaller(archive: Path, level: int, store: WheelStore) -> dict[tuple[Path, int], Piece]:
    """The files of a kept archive in its smaller form, by where they stand in the larger one."""
    place = archive.with_name(f"{archive.stem}-level-{level}.zip")
    usual = {piece.path: piece for piece in pieces_of(archive, "")}
    smaller = kept_pieces(place, "")
    if smaller is None or len(smaller) != len(usual):
        keep_pieces(store, place, [replace(piece, packed=None) for piece in usual.values()], level=level)
        smaller = kept_pieces(place, "") or ()
    return {(archive, packed.offset): piece for piece in smaller if (packed := usual[piece.path].packed) is not None}
