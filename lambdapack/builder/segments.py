"""Segments: a wheel as it is installed, kept in the wheel store as the ZIP that a build of it alone would write.

A wheel is opened, held against its RECORD and laid out once; every later build copies ranges of its segment. A
segment is the wheel's in another form, so it stands beside it, by the content of the wheel and all that its layout
depends on, and it is hashed again before it is used: a damaged one is made anew. Knows nothing of other wheels.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from lambdapack.builder.archive import Piece, entry_date, write_archive
from lambdapack.builder.installed import InstalledWheel, check_tags
from lambdapack.builder.kept import digest_of, pieces_of
from lambdapack.builder.plan import BuildPlan, LeftOut, ResolvedWheel
from lambdapack.builder.store import WheelStore
from lambdapack.errors import BuildFailed
from lambdapack.progress import Progress, silent

# Part of a segment's name: raise it when the layout of wheels or the writing of archives changes.
_FORMAT = 2
_AT_ONCE = 4
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Description:
    """What stands beside a segment: its own SHA-256, the tags of the wheel's file name and of its WHEEL file, what was
    not laid out."""

    sha256: str
    by_name: tuple[str, ...]
    tags: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def install_wheels(plan: BuildPlan, store: WheelStore, progress: Progress = silent) -> list[InstalledWheel]:
    """Returns the plan's wheels as they are installed, in its order; fetches those that are not there.

    Raises `BuildFailed` when one cannot be had, is damaged, or does not fit the target.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="segment") as pool:
        found = list(pool.map(lambda wheel: _read(wheel, plan, store), plan.wheels))
        missing = [wheel for wheel, segment in zip(plan.wheels, found, strict=True) if segment is None]
        paths = dict(zip(missing, store.fetch(missing, progress), strict=True))
        if missing:
            progress(f"opening {len(missing)} {'wheel' if len(missing) == 1 else 'wheels'}")
        made = pool.map(lambda wheel: _make(wheel, paths[wheel], plan, store), missing)
        by_wheel = dict(zip(missing, made, strict=True))
    return [segment or by_wheel[wheel] for wheel, segment in zip(plan.wheels, found, strict=True)]


def _place(wheel: ResolvedWheel, plan: BuildPlan, store: WheelStore) -> Path:
    """Where a segment stands: scripts name the interpreter, and every entry has the date."""
    date = "".join(f"{part:02}" for part in entry_date())
    return store.path_of(wheel).parent / f"installed-{_FORMAT}-{plan.runtime}-{date}.zip"


def _make(wheel: ResolvedWheel, path: Path, plan: BuildPlan, store: WheelStore) -> InstalledWheel:
    from lambdapack.builder.wheels import open_wheel, tags_of_name  # what a segment that is there has no need of

    place = _place(wheel, plan, store)
    with ExitStack() as exit_stack:
        installed = open_wheel(wheel, path, plan, exit_stack)
        for piece in installed.pieces:
            _read_through(piece)
        store.put(place, lambda stream: write_archive(installed.pieces, stream))
    described = _Description(
        digest_of(place),
        tags_of_name(wheel),
        installed.tags,
        tuple((item.pattern, item.path) for item in installed.left_out),
    )
    store.put(_description_of(place), lambda stream: stream.write(_to_json(described)))
    return _installed(wheel, place, described)


def _read(wheel: ResolvedWheel, plan: BuildPlan, store: WheelStore) -> InstalledWheel | None:
    """Returns a wheel's segment, None when there is none that is whole."""
    place = _place(wheel, plan, store)
    try:
        described = _from_json(_description_of(place).read_bytes())
        if digest_of(place) != described.sha256:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    check_tags(wheel, described.by_name, described.tags, plan)
    return _installed(wheel, place, described)


def _installed(wheel: ResolvedWheel, place: Path, described: _Description) -> InstalledWheel:
    left_out = tuple(LeftOut(rule, path, wheel.label, by_user=False) for rule, path in described.left_out)
    return InstalledWheel(tuple(pieces_of(place, wheel.label)), left_out, described.tags)


def _read_through(piece: Piece) -> None:
    """Reads a piece to its end: what it holds is compared with RECORD on the way, its size here."""
    size = 0
    with piece.open() as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
    if size != piece.size:
        raise BuildFailed(f"{piece.owner}: {piece.path} has {size} bytes, and the wheel's directory says {piece.size}")


def _description_of(place: Path) -> Path:
    return place.with_suffix(".json")


def _to_json(described: _Description) -> bytes:
    return json.dumps(asdict(described), sort_keys=True).encode()


def _from_json(data: bytes) -> _Description:
    values = json.loads(data)
    left_out = tuple((str(rule), str(path)) for rule, path in values["left_out"])
    by_name, tags = tuple(map(str, values["by_name"])), tuple(map(str, values["tags"]))
    return _Description(str(values["sha256"]), by_name, tags, left_out)
