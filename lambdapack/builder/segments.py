"""Segments: a wheel as it is installed, kept in the wheel store as the ZIP that a build of it alone would write.

A wheel is opened, held against its RECORD and laid out once; every later build copies ranges of its segment. A
segment is the wheel's in another form, so it stands beside it, by the content of the wheel and all that its layout
depends on. It is hashed again before it is used, unless nothing can have changed it since it was (`memo.states`); a
damaged one is made anew. Knows nothing of other wheels.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lambdapack.builder.archive import Piece, entry_date, write_archive
from lambdapack.builder.installed import InstalledWheel, check_tags
from lambdapack.builder.kept import pieces_of
from lambdapack.builder.plan import BuildPlan, LeftOut, ResolvedWheel
from lambdapack.builder.store import WheelStore
from lambdapack.errors import BuildFailed
from lambdapack.memo import State, is_same, state_of_file
from lambdapack.progress import Progress, silent

# Part of a segment's name: raise it when the layout of wheels or the writing of archives changes.
_FORMAT = 3
_AT_ONCE = 4
_CHUNK = 1 << 20
_MOST_TRIES = 50
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class _Description:
    """What stands beside a segment: its state, by which it is found whole without being read, the tags of the wheel's
    file name and of its WHEEL file, what was not laid out."""

    state: State
    by_name: tuple[str, ...]
    tags: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def install_wheels(plan: BuildPlan, store: WheelStore, progress: Progress = silent) -> list[InstalledWheel]:
    """Returns the plan's wheels as they are installed, in its order; fetches those that are not there.

    Raises `BuildFailed` when one cannot be had, is damaged, or does not fit the target.
    """
    found = [_read(wheel, plan, store) for wheel in plan.wheels]
    missing = [wheel for wheel, segment in zip(plan.wheels, found, strict=True) if segment is None]
    by_wheel = _make_missing(missing, plan, store, progress) if missing else {}
    return [segment or by_wheel[wheel] for wheel, segment in zip(plan.wheels, found, strict=True)]


def _make_missing(
    missing: Sequence[ResolvedWheel], plan: BuildPlan, store: WheelStore, progress: Progress
) -> dict[ResolvedWheel, InstalledWheel]:
    from concurrent.futures import ThreadPoolExecutor  # takes longer to load than to find segments that are there

    paths = dict(zip(missing, store.fetch(missing, progress), strict=True))
    progress(f"opening {len(missing)} {'wheel' if len(missing) == 1 else 'wheels'}")
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="segment") as pool:
        made = pool.map(lambda wheel: _make(wheel, paths[wheel], plan, store), missing)
        return dict(zip(missing, made, strict=True))


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
        _state_of(place),
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
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    same = is_same(str(place), described.state, state_of_file)
    if same is False:
        return None
    if same is not True:
        described = replace(described, state=same)
        store.put(_description_of(place), lambda stream: stream.write(_to_json(described)))
    check_tags(wheel, described.by_name, described.tags, plan)
    return _installed(wheel, place, described)


def _installed(wheel: ResolvedWheel, place: Path, described: _Description) -> InstalledWheel:
    left_out = tuple(LeftOut(rule, path, wheel.label, by_user=False) for rule, path in described.left_out)
    return InstalledWheel(tuple(pieces_of(place, wheel.label)), left_out, described.tags)


def _state_of(place: Path) -> State:
    for _ in range(_MOST_TRIES):
        state = state_of_file(str(place))
        if state is not None:
            return state
        time.sleep(_PAUSE)  # another build has put the same bytes there meanwhile
    raise BuildFailed(f"{place}: changes, or cannot be read", hint="see lambdapack cache clean")


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
    digest, signature, taken = values["state"]
    state = (str(digest), tuple(map(int, signature)), int(taken))
    return _Description(state, by_name, tags, left_out)  # type: ignore[arg-type]  # five numbers, or never the same
