"""Plans and makes one artifact, step after step; each step is a module of its own.

Holds the two promises of a build: a failed or rejected one leaves the old artifact as it was, and no half-written
file stays behind.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lambdapack.builder.archive import USUAL_LEVEL, Piece, write_archive
from lambdapack.builder.assemble import collect_first_party, first_party_piece, merge, without_excluded
from lambdapack.builder.draft import Draft, excluded_words
from lambdapack.builder.exclude import Patterns
from lambdapack.builder.layers import PREFIX, BroughtByLayers, in_layer
from lambdapack.builder.placing import move, written_beside
from lambdapack.builder.plan import BuildPlan, BuildResult, FirstPartyFile, ImagePlan, ResolvedWheel, WrittenImage
from lambdapack.builder.resolutions import Resolution, kept_or_resolved
from lambdapack.builder.segments import install_wheels
from lambdapack.builder.sidecar import sidecar_of, sidecar_text
from lambdapack.builder.store import WheelStore
from lambdapack.errors import BuildFailed, UsageError
from lambdapack.memo import INDEX_ANSWERS_HOLD, Readings, State
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent
from lambdapack.settings import FunctionSettings, PackageKind

if TYPE_CHECKING:
    from lambdapack.builder.choice import Source
    from lambdapack.builder.in_container import Judge

Verify = Callable[[Path], bool]
Refine = Callable[[Draft], Draft]


def plan_build(
    function: FunctionSettings,
    profile: RuntimeProfile,
    store: WheelStore,
    progress: Progress = silent,
    *,
    root: Path | None = None,
    readings: Readings | None = None,
    locked: bool = False,
    judge: Judge | None = None,
) -> BuildPlan:
    """Decides what goes into a function's artifact: resolves its requirements, lists its files.

    Asks package indexes (through uv), reads the project, writes nothing but temporary files in the store. `root` is
    the folder of the configuration: there uv looks for its own, and paths among requirement strings start there.
    `readings` is told what is read. `locked`: nothing may be decided anew; the lock has to be there and to be what the
    project asks for. `judge` is asked about wheels that are built on the way.
    Raises `BuildFailed`, and `MissingRequirement` when the base of an image cannot be had.
    """
    refuse_foreign_output(function.output, function.package)
    exclude = Patterns(function.exclude)
    repository = _repository_of(function, root)
    first_party = collect_first_party(
        function.source,
        function.shared,
        exclude=exclude,
        output=function.output,
        repository=repository,
        readings=readings,
    )
    readings = readings if readings is not None else Readings(noting=False)

    def resolve_anew(own: Readings) -> Resolution:
        # What resolves takes several times as long to load as a build that need not resolve.
        from lambdapack.builder.inputs import find_inputs
        from lambdapack.builder.resolve import resolve

        inputs = find_inputs(function, root or repository, own)
        build_image = function.requirement_options.build_image

        def make(source: Source, indexes: Sequence[str]) -> ResolvedWheel:
            from lambdapack.builder.making import wheel_maker

            maker = wheel_maker(profile, store, folder=inputs.folder, judge=judge, image=build_image, progress=progress)
            return maker.make(source, indexes)

        with store.scratch() as scratch:
            found = resolve(
                inputs,
                profile,
                scratch=scratch,
                make=make,
                locked=locked,
                progress=progress,
                readings=own,
                credentials=store.credentials,
            )
            if function.packing.sdk == "pair":
                from lambdapack.builder.sdk_pair import with_both_halves

                found = with_both_halves(
                    found, inputs, profile, scratch=scratch, make=make, locked=locked, progress=progress
                )
                own.until(time.time() + INDEX_ANSWERS_HOLD)
        return replace(found, requirements=inputs.named)

    resolution = kept_or_resolved(
        function, profile, store, readings, resolve_anew, root=root or repository, locked=locked
    )
    return BuildPlan(
        function=function.name,
        handler=function.handler,
        runtime=profile.runtime,
        architecture=profile.architecture,
        machine=profile.machine,
        python=profile.python,
        wheel_tags=profile.wheel_tags,
        requirements=resolution.requirements,
        wheels=resolution.wheels,
        first_party=tuple(first_party.files),
        exclude=function.exclude,
        left_out=tuple(first_party.left_out),
        output=function.output,
        package=function.package,
        layers=dict(function.named_layers),
        image=_plan_image(function, profile, progress) if function.package == "image" else None,
        notes=resolution.notes,
        built_from=resolution.folders,
    )


def _plan_image(function: FunctionSettings, profile: RuntimeProfile, progress: Progress) -> ImagePlan:
    from lambdapack.containers.base import base_image  # what reaches hosts takes longer to load than a ZIP to write
    from lambdapack.containers.reference import parse_reference

    name = function.packing.image or f"{function.name.lower()}:latest"
    reference = parse_reference(name)
    if reference.digest is not None:
        raise UsageError(f"image: {name}: a name with a digest cannot be given to a new image", hint="give it a tag")
    if reference.tag == "latest" and not name.endswith(":latest"):
        name = f"{name}:latest"
    base = base_image(function.packing.base or profile.image, profile.architecture, progress)
    return ImagePlan(name, base, function.handler)


def build(
    plan: BuildPlan,
    *,
    store: WheelStore,
    refine: Refine | None = None,
    verify: Verify | None = None,
    bill: bool = False,
    level: int = USUAL_LEVEL,
    progress: Progress = silent,
) -> BuildResult:
    """Makes the artifact of a plan and puts it in place, with its sidecar and, if asked for, its bill of materials.

    `refine` may change what goes in, knowing all of it. `verify` is given the finished file under a temporary name
    beside the output; when it returns False, the file is removed, the old artifact stays, and the result says
    `rejected`. `level`: everything is compressed anew, if it
    is not the usual one (`LEVELS`). Raises `BuildFailed`; the old artifact stays.
    """
    started = time.perf_counter()
    if bill:
        from lambdapack.builder.bill import check_library

        check_library()
    draft = gather(plan, store, progress)
    if refine is not None:
        draft = refine(draft)
        plan = replace(plan, first_party=tuple(file for file in plan.first_party if _holds(draft, plan, file)))
    # An image's layers are compressed as a whole, whatever their files come from.
    merged = draft.pieces
    if level != USUAL_LEVEL and plan.image is None:
        from lambdapack.builder.recompressing import recompressed

        merged = recompressed(draft.pieces, level, store, progress)
    progress(f"writing {plan.output.name}: {len(merged)} files")
    states: dict[str, State | None] = {}
    unzipped_size = sum(piece.size for piece in merged.values())
    with written_beside(plan.output) as (temporary, stream):
        digest, image = _write(plan, merged, stream, store, level)
        size = temporary.stat().st_size
        accepted = verify is None or verify(temporary)
        if accepted:
            packed = [wheel for wheel, _ in draft.packed]
            sizes = {"size": size, "unzipped_size": unzipped_size, "files": len(merged)}
            text = sidecar_text(plan, packed, draft.reasons, image, sha256=digest, **sizes)
            texts = {sidecar_of(plan.output): text}
            if bill:
                from lambdapack.builder.bill import bill_of, bill_text, material_of

                materials = [material_of(wheel, installed) for wheel, installed in draft.packed]
                texts[bill_of(plan.output)] = bill_text(plan, materials, digest)
            states[str(plan.output)] = move(temporary, plan.output, digest)
            for path, content in texts.items():
                states[str(path)] = _put(path, content)
    return BuildResult(
        output=plan.output,
        sha256=digest,
        zipped_size=size,
        unzipped_size=unzipped_size,
        files=len(merged),
        wheels=plan.wheels,
        left_out=draft.left_out,
        told=draft.told,
        seconds=time.perf_counter() - started,
        rejected=not accepted,
        states=states,
        image=image,
    )


def _holds(draft: Draft, plan: BuildPlan, file: FirstPartyFile) -> bool:
    return (PREFIX + file.path if plan.package == "layer" else file.path) in draft.pieces


def gather(plan: BuildPlan, store: WheelStore, progress: Progress = silent) -> Draft:
    """Returns all files that a plan names, as they stand in the artifact, and what is not. Raises `BuildFailed`."""
    exclude = Patterns(plan.exclude)
    brought = BroughtByLayers(plan.layers)
    pieces = [first_party_piece(file) for file in plan.first_party]
    left_out = list(plan.left_out)
    packed = []
    for wheel, installed in zip(plan.wheels, install_wheels(plan, store, progress), strict=True):
        twice = brought.left_out(installed)
        if twice is not None:
            left_out.append(twice)
            continue
        kept, removed = without_excluded(installed.pieces, exclude)
        pieces += kept
        packed.append((wheel, installed))
        left_out += (*installed.left_out, *removed)
    files = merge(in_layer(pieces) if plan.package == "layer" else pieces)
    return Draft(files, tuple(left_out), told=tuple(excluded_words(left_out)), packed=tuple(packed))


def refuse_foreign_output(output: Path, package: PackageKind) -> None:
    """Raises `UsageError` when something stands at the output that no build has made: it would be replaced."""
    kind, mark = ("container image", b"oci-layout") if package == "image" else ("ZIP archive", b"PK")
    try:
        if not output.exists():
            return
        if not output.is_file():
            raise UsageError(f"{output}: is not a regular file, so it is not replaced", hint="choose another output")
        with output.open("rb") as stream:
            head = stream.read(len(mark))
    except OSError as error:
        raise UsageError(f"{output}: cannot be read: {error.strerror or error}") from error
    if head and head != mark:
        raise UsageError(f"{output}: is not a {kind}, so it is not replaced", hint="choose another output")


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


def _write(
    plan: BuildPlan, merged: Mapping[str, Piece], stream: BinaryIO, store: WheelStore, level: int
) -> tuple[str, WrittenImage | None]:
    """Writes the artifact; returns its SHA-256, and what a container image is known by."""
    image = None
    try:
        if plan.image is None:
            write_archive(merged.values(), stream, level=level)
        else:
            from lambdapack.builder.image import write_image

            with store.scratch() as scratch:
                image = write_image(merged.values(), plan.image, stream, scratch=scratch, level=level)
        stream.flush()
        with Path(stream.name).open("rb") as written:
            return hashlib.file_digest(written, "sha256").hexdigest(), image
    except OSError as error:
        raise BuildFailed(f"{plan.output.parent}: cannot be written to: {error.strerror or error}") from error


def _put(path: Path, text: str) -> State | None:
    """Writes a small file beside the artifact."""
    data = text.encode()
    with written_beside(path) as (temporary, stream):
        try:
            stream.write(data)
            stream.flush()
        except OSError as error:
            raise BuildFailed(f"{path}: cannot be written: {error.strerror or error}") from error
        return move(temporary, path, hashlib.sha256(data).hexdigest())
