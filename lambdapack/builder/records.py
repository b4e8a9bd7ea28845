"""RECORD, kept true: what was taken out of a distribution on purpose is not listed any more, what was changed has its
new hash (the "Recording installed projects" specification)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from lambdapack.builder.archive import Piece

_RECORD = ".dist-info/RECORD"


def with_true_records(
    pieces: Mapping[str, Piece], removed: Iterable[str], changed: Mapping[str, Piece]
) -> dict[str, Piece]:
    """Returns the files with their RECORDs rewritten for what is removed and changed, by path in the artifact."""
    gone = frozenset(removed)
    kept = {path: changed.get(path, piece) for path, piece in pieces.items() if path not in gone}
    for path in [path for path in kept if path.endswith(_RECORD)]:
        piece = _rewritten(kept[path], gone, changed)
        if piece is not None:
            kept[path] = piece
    return kept


def _rewritten(record: Piece, gone: frozenset[str], changed: Mapping[str, Piece]) -> Piece | None:
    """The RECORD with other rows, None where none is another."""
    with record.open() as stream:
        text = stream.read().decode("utf-8")
    root = posixpath.dirname(posixpath.dirname(record.path))
    rows = [row for row in csv.reader(text.splitlines()) if row]
    new = list(_rows(rows, root, gone, changed))
    if new == rows:
        return None
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(new)
    content = out.getvalue().encode()
    return replace(record, size=len(content), open=partial(io.BytesIO, content), packed=None)


def _rows(
    rows: Iterable[list[str]], root: str, gone: frozenset[str], changed: Mapping[str, Piece]
) -> Iterator[list[str]]:
    for row in rows:
        path = posixpath.normpath(posixpath.join(root, row[0]))
        if path in gone:
            continue
        piece = changed.get(path)
        if piece is None:
            yield row
            continue
        with piece.open() as stream:
            digest = hashlib.file_digest(stream, "sha256").digest()  # type: ignore[arg-type]  # readable and seekable
        yield [row[0], f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}", str(piece.size)]
