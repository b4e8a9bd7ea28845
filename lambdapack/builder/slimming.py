"""What of the wheels a function does not need while it runs: steps that each take one kind of it out of a draft.

What the handler's import reaches stays, and so does every distribution's metadata. RECORD is kept true. Whether the
artifact still works afterwards is for others to prove.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from lambdapack.builder.archive import Piece, entry_date
from lambdapack.builder.draft import Draft
from lambdapack.builder.kept import keep_pieces, kept_pieces
from lambdapack.builder.plan import LeftOut
from lambdapack.builder.records import with_true_records
from lambdapack.builder.store import WheelStore
from lambdapack.builder.stripping import stripped

_FORMAT = 2  # part of a name: raise it when stripping changes
_METADATA = re.compile(r"(?:^|/)[^/]+\.(?:dist|egg)-info/")
_TESTS = frozenset(("test", "tests"))
_DOCS = frozenset(("doc", "docs", "example", "examples"))
_DATA_DOCS = re.compile(r"^(?:python/)?share/(?:doc|man|info)/")
_SERVICES = re.compile(r"^((?:python/)?botocore/data/)([^/]+)/")
# What botocore asks for by itself, to find credentials (botocore.credentials, botocore.tokens).
_ASKED_BY_BOTOCORE = frozenset(("sts", "sso", "sso-oidc", "signin"))


@dataclass(frozen=True, slots=True)
class Needs:
    """What is known of the handler. `reached`: paths of modules that it may load. `services`: the names of AWS services
    that its code has, None where they cannot be known. `dropped`: names of distributions that go with the SDK."""

    reached: frozenset[str] = frozenset()
    services: frozenset[str] | None = None
    dropped: frozenset[str] = frozenset()


Step = Callable[[Draft, Needs, WheelStore], Draft]


def without_tests(draft: Draft, needs: Needs, _: WheelStore) -> Draft:
    """Takes out folders of tests that no reached module is in."""
    return _without(draft, "tests", _in_folders(draft, needs, _TESTS))


def without_docs(draft: Draft, needs: Needs, _: WheelStore) -> Draft:
    """Takes out folders of documentation and examples."""
    data = [path for path, piece in draft.pieces.items() if not piece.own and _DATA_DOCS.match(path)]
    return _without(draft, "docs", [*_in_folders(draft, needs, _DOCS), *data])


def without_stubs(draft: Draft, _: Needs, __: WheelStore) -> Draft:
    """Takes out what type checkers read."""
    ends = (".pyi", "/py.typed")
    return _without(
        draft, "pyi", [path for path, piece in draft.pieces.items() if not piece.own and path.endswith(ends)]
    )


def without_service_data(draft: Draft, needs: Needs, _: WheelStore) -> Draft:
    """Takes out botocore's descriptions of services that no code names; of none where it cannot be known."""
    found = [(path, match[2]) for path in draft.pieces if (match := _SERVICES.match(path)) is not None]
    if not found:
        return draft
    if needs.services is None:
        told = "slim botocore-data: nothing; the code names services that cannot be known, or there is no handler"
        return replace(draft, told=(*draft.told, told))
    kept = needs.services | _ASKED_BY_BOTOCORE
    return _without(draft, "botocore-data", [path for path, service in found if service not in kept])


def without_sdk(draft: Draft, needs: Needs, _: WheelStore) -> Draft:
    """Takes out the AWS SDK, which the runtime brings, with what nothing else in the artifact needs."""
    gone = [(wheel, installed) for wheel, installed in draft.packed if wheel.name in needs.dropped]
    if not gone:
        return draft
    labels = {wheel.label for wheel, _ in gone}
    paths = [path for path, piece in draft.pieces.items() if not piece.own and piece.owner in labels]
    slimmer = _without(draft, "sdk", paths, f" ({', '.join(sorted(labels))}: the runtime brings them)")
    return replace(slimmer, packed=tuple(item for item in draft.packed if item not in gone))


def without_symbols(draft: Draft, _: Needs, store: WheelStore) -> Draft:
    """Cuts debug symbols off native files."""
    by_owner: dict[str, list[Piece]] = {}
    for path, piece in sorted(draft.pieces.items()):
        if ".so" in posixpath.basename(path) and not piece.own and piece.packed is not None:
            by_owner.setdefault(piece.owner, []).append(piece)
    changed: dict[str, Piece] = {}
    for owner, pieces in by_owner.items():
        changed |= {piece.path: piece for piece in _stripped_of(owner, pieces, store)}
    saved = sum(draft.pieces[path].size - piece.size for path, piece in changed.items())
    files = "file" if len(changed) == 1 else "files"
    told = f"slim debug-symbols: {saved:,} bytes less in {len(changed):,} native {files}"
    return replace(draft, pieces=with_true_records(draft.pieces, (), changed), told=(*draft.told, told))


STEPS: Mapping[str, Step] = {
    "sdk": without_sdk,
    "botocore-data": without_service_data,
    "tests": without_tests,
    "docs": without_docs,
    "pyi": without_stubs,
    "debug-symbols": without_symbols,
}
"""The steps by the word of the configuration, in the order in which they are taken."""


def _without(draft: Draft, step: str, paths: Iterable[str], more: str = "") -> Draft:
    removed = sorted(set(paths))
    size = sum(draft.pieces[path].size for path in removed)
    left = [LeftOut(f"slim {step}", path, draft.pieces[path].owner, by_user=False) for path in removed]
    files = "file" if len(removed) == 1 else "files"
    told = f"slim {step}: {len(removed):,} {files} with {size:,} bytes less{more}"
    true = with_true_records(draft.pieces, removed, {})
    return replace(draft, pieces=true, left_out=(*draft.left_out, *left), told=(*draft.told, told))


def _in_folders(draft: Draft, needs: Needs, names: frozenset[str]) -> Iterator[str]:
    """Yields the files of wheels below a folder of such a name that holds nothing the handler may load."""
    folders: dict[str, list[str]] = {}
    for path, piece in draft.pieces.items():
        folder = None if piece.own or _METADATA.search(path) else _outermost(path, names)
        if folder is not None:
            folders.setdefault(folder, []).append(path)
    for paths in folders.values():
        if needs.reached.isdisjoint(paths):
            yield from paths


def _outermost(path: str, names: frozenset[str]) -> str | None:
    parts = path.split("/")[:-1]
    return next(("/".join(parts[: at + 1]) for at, part in enumerate(parts) if part in names), None)


def _stripped_of(owner: str, pieces: list[Piece], store: WheelStore) -> tuple[Piece, ...]:
    """The files of one distribution that are shorter without symbols: kept, like segments, since reading them takes
    longer than a build."""
    files = [[piece.packed.archive.parent.name if piece.packed else "", piece.path] for piece in pieces]
    key = hashlib.sha256(json.dumps([_FORMAT, list(entry_date()), files]).encode()).hexdigest()
    place = store.root / "stripped" / f"{key}.zip"
    kept = kept_pieces(place, owner)
    if kept is not None:
        return kept
    made = []
    for piece in pieces:
        with piece.open() as stream:
            content = stripped(stream.read())
        if content is not None:
            made.append(Piece(piece.path, piece.mode, len(content), owner, partial(io.BytesIO, content)))
    keep_pieces(store, place, made)
    return kept_pieces(place, owner) or tuple(made)
