"""Plans and makes one artifact, step after step; each step is a module of its own.

Holds the two promises of a build: a failed or rejected one leaves the old artifact as it was, and no half-written
file stays behind.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from lambdapack.builder.archive import Piece, write_archive
from lambdapack.builder.assemble import collect_first_party, first_party_piece, merge, without_excluded
from lambdapack.builder.exclude import Patterns
from lambdapack.builder.layers import BroughtByLayers, in_layer
from lambdapack.builder.plan import BuildPlan, BuildResult, LeftOut
from lambdapack.builder.resolve import resolve
from lambdapack.builder.segments import install_wheels
from lambdapack.builder.store import WheelStore
from lambdapack.errors import BuildFailed, UsageError
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent
from lambdapack.settings import FunctionSettings

Verify = Callable[[Path], bool]


def plan_build(
    function: FunctionSettings,
    profile: RuntimeProfile,
    store: WheelStore,
    progress: Progress = silent,
    *,
    root: Path | None = None,
) -> BuildPlan:
    """Decides what goes into a function's artifact: resolves its requirements, lists its files.

    Asks package indexes (through uv), reads the project, writes nothing but temporary files in the store. `root` is
    the folder of the configuration: there uv looks for its own, and paths among requirement strings start there.
    Raises `BuildFailed`, and `UsageError` for a kind of package that cannot be built yet.
    """
    if function.package == "image":
        raise UsageError(
            f'{function.name}: not supported yet: package = "{function.package}"', hint='use package = "zip"'
        )
    refuse_foreign_output(function.output)
    exclude = Patterns(function.exclude)
    repository = _repository_of(function, root)
    first_party = collect_first_party(
        function.source, function.shared, exclude=exclude, output=function.output, repository=repository
    )
    folder = function.requirement_files[0].parent if function.requirement_files else root or repository
    with store.scratch() as scratch:
        wheels = resolve(
            function.requirement_files,
            function.requirement_list,
            profile,
            folder=folder,
            scratch=scratch,
            progress=progress,
        )
    return BuildPlan(
        function=function.name,
        runtime=profile.runtime,
        architecture=profile.architecture,
        machine=profile.machine,
        python=profile.python,
        wheel_tags=profile.wheel_tags,
        requirements=(*map(str, function.requirement_files), *function.requirement_list),
        wheels=wheels,
        first_party=tuple(first_party.files),
        exclude=function.exclude,
        left_out=tuple(first_party.left_out),
        output=function.output,
        package=function.package,
        layers=dict(function.named_layers),
    )


def build(
    plan: BuildPlan, *, store: WheelStore, verify: Verify | None = None, progress: Progress = silent
) -> BuildResult:
    """Makes the artifact of a plan and puts it in place.

    `verify` is given the finished file under a temporary name beside the output; when it returns False, the file is
    removed, the old artifact stays, and the result says `rejected`. Raises `BuildFailed`; the old artifact stays.
    """
    started = time.perf_counter()
    pieces, left_out = _gather(plan, store, progress)
    merged = merge(pieces)
    progress(f"writing {plan.output.name}: {len(merged)} files")
    temporary = _temporary_beside(plan.output)
    try:
        digest = _write(merged, temporary)
        size = temporary.stat().st_size
        accepted = verify is None or verify(temporary)
        if accepted:
            _move(temporary, plan.output)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return BuildResult(
        output=plan.output,
        sha256=digest,
        zipped_size=size,
        unzipped_size=sum(piece.size for piece in merged.values()),
        files=len(merged),
        wheels=plan.wheels,
        left_out=tuple(left_out),
        seconds=time.perf_counter() - started,
        rejected=not accepted,
    )


def _gather(plan: BuildPlan, store: WheelStore, progress: Progress) -> tuple[list[Piece], list[LeftOut]]:
    """Returns all files that go in, as they stand in the artifact, and what does not."""
    exclude = Patterns(plan.exclude)
    brought = BroughtByLayers(plan.layers)
    pieces = [first_party_piece(file) for file in plan.first_party]
    left_out = list(plan.left_out)
    for installed in install_wheels(plan, store, progress):
        twice = brought.left_out(installed)
        if twice is not None:
            left_out.append(twice)
            continue
        kept, removed = without_excluded(installed.pieces, exclude)
        pieces += kept
        left_out += (*installed.left_out, *removed)
    return list(in_layer(pieces) if plan.package == "layer" else pieces), left_out


def refuse_foreign_output(output: Path) -> None:
    """Raises `UsageError` when something stands at the output that no build has made: it would be replaced."""
    try:
        if not output.exists():
            return
        if not output.is_file():
            raise UsageError(f"{output}: is not a regular file, so it is not replaced", hint="choose another output")
        with output.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        raise UsageError(f"{output}: cannot be read: {error.strerror or error}") from error
    if head and not head.startswith(b"PK"):
        raise UsageError(f"{output}: is not a ZIP archive, so it is not replaced", hint="choose another output")


def _repository_of(function: FunctionSettings, root: Path | None) -> Path:
    """The folder that everything of the project lies in: the repository's top, else what all inputs have in common."""
    places = [*function.source, *function.shared, *function.requirement_files]
    if root is not None:
        places.append(root)
    resolved = [place.resolve() for place in places] or [function.output.parent]
    start = resolved[0] if resolved[0].is_dir() else resolved[0].parent
    above = (start, *start.parents)
    top = next((folder for folder in above if (folder / ".git").exists()), None)
    if top is not None:
        return top
    return next((folder for folder in above if all(place.is_relative_to(folder) for place in resolved)), start)


def _temporary_beside(output: Path) -> Path:
    """A name in the output's folder, so that moving it into place is one step; still `.zip`, for who looks inside."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildFailed(f"{output.parent}: cannot be made: {error.strerror or error}") from error
    return output.with_name(f".{output.stem}.{uuid4().hex}{output.suffix}")


def _write(merged: dict[str, Piece], target: Path) -> str:
    try:
        # Not `tempfile`: its files are private to the user (0600), and so would be the artifact.
        with target.open("xb") as stream:
            write_archive(merged.values(), stream)
        with target.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BuildFailed(f"{target.parent}: cannot be written to: {error.strerror or error}") from error


def _move(temporary: Path, output: Path) -> None:
    try:
        temporary.replace(output)
    except OSError as error:
        raise BuildFailed(f"{output}: cannot be replaced: {error.strerror or error}") from error
