"""Opens an artifact, settles what it is to be judged against, and judges it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from lambdapack.artifact import Mount, Stack, Tree, WheelTree, open_tree
from lambdapack.catalogue import all_checks
from lambdapack.checking import Hints, Subject
from lambdapack.engine import run_checks
from lambdapack.errors import UsageError
from lambdapack.facts.distributions import marker_environment
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.store import FactStore
from lambdapack.finding import Finding, Severity
from lambdapack.profiles import ARCHITECTURES, RuntimeProfile, kept_profile, load_profile, read_profile
from lambdapack.progress import Progress, silent
from lambdapack.report import ArtifactSummary, Report, Skipped
from lambdapack.selection import Selection
from lambdapack.settings import cache_folder
from lambdapack.workflows.details import details_of
from lambdapack.workflows.disagreement import disagreements
from lambdapack.workflows.image_runtime import handler_of_image, profile_of_image, runtime_of_image
from lambdapack.workflows.inference import (
    DEFAULT_ARCHITECTURE,
    infer_architecture,
    infer_kind,
    infer_runtime,
    other_architecture,
)

if TYPE_CHECKING:
    from lambdapack.artifact import ImageConfig
    from lambdapack.facts.attempts import ImportAttempt
    from lambdapack.facts.locks import Lock

Kind = Literal["function", "layer", "wheel", "image"]
_UNREAD = "checksums of files that no check reads were not compared (--fast)"
_IMPORT_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Target:
    """What the user said of an artifact; None where it is to be inferred. `path` is as `open_tree` takes it: an image's
    name is one, too. `name` is shown instead of it. `assumed` tells what was taken for granted already. `hints` is what
    is known of the project that the artifact was built from, `lock` a lock file to hold it against. `deep`: every file
    that RECORD lists is hashed. `fast`: only what a check reads is read. `cached`: facts of earlier runs are used, and
    those of this run kept. `details`: what drawings are made of is in the report. `contracts` are names that have to be
    there. `profile` is a file that says what the runtime offers."""

    path: Path | str
    layers: tuple[Path, ...] = ()
    runtime: str | None = None
    architecture: str | None = None
    handler: str | None = None
    kind: Kind | None = None
    fail_on: Severity = Severity.ERROR
    selection: Selection = field(default_factory=Selection)
    cached: bool = True
    name: str | None = None
    assumed: tuple[str, ...] = ()
    details: bool = False
    hints: Hints = field(default_factory=Hints)
    contracts: tuple[str, ...] = ()
    lock: Path | None = None
    deep: bool = False
    fast: bool = False
    profile: Path | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened target with everything settled; `assumed` tells what was inferred, in words."""

    target: Target
    function: Tree
    layers: tuple[Tree, ...]
    stack: Stack
    profile: RuntimeProfile
    handler: str | None
    kind: Kind
    assumed: tuple[str, ...]
    image: ImageConfig | None = None


Attempt: TypeAlias = "Callable[[Opened], ImportAttempt]"


def open_target(target: Target, exit_stack: ExitStack, progress: Progress = silent) -> Opened:
    """Opens the artifact and its layers; they stay open until `exit_stack` closes. `progress` is told what takes long.

    Raises `UnreadableArtifact`, and `UsageError` when no runtime is given and none can be inferred.
    """
    tree = open_tree(target.path, architecture=target.architecture, progress=progress)
    function = exit_stack.enter_context(tree)
    if target.cached:
        function.prepare_keys()
    if function.config is not None:
        return _open_image(target, function, function.config)
    if target.kind == "image":
        raise UsageError(f"{target.path}: is no container image", hint="write one: docker save NAME -o image.tar")
    layers = tuple(exit_stack.enter_context(open_tree(path)) for path in target.layers)
    assumed = list(target.assumed)
    kind = target.kind
    if kind is None:
        kind, why = infer_kind(function, alone=not layers and target.handler is None)
        assumed += [why] if why else []
    point = "/opt" if kind == "layer" else "/var/task"
    stack = Stack([*(Mount("/opt", layer) for layer in layers), Mount(point, function)])
    runtime = target.runtime or _infer_runtime(stack, function, target, assumed)
    architecture = target.architecture
    if architecture is None:
        architecture, why = infer_architecture(function)
        assumed.append(why)
    profile = _profile(target, runtime, architecture, assumed)
    return Opened(target, function, layers, stack, profile, target.handler, kind, tuple(assumed))


def _open_image(target: Target, tree: Tree, config: ImageConfig) -> Opened:
    """Settles what the image says of itself; an image has its own runtime and takes no layers."""
    if target.layers:
        raise UsageError(f"{target.path}: is a container image, and Lambda gives images no layers", hint="omit --layer")
    if target.kind == "layer":
        raise UsageError(f"{target.path}: is a container image, not a layer")
    assumed = list(target.assumed)
    stack = Stack([Mount("/", tree)])
    runtime = target.runtime
    if runtime is None:
        told = runtime_of_image(stack, config)
        runtime = told[0] if told else _infer_runtime(stack, tree, target, assumed)
        if told:
            assumed.append(f"runtime {runtime} (from {told[1]})")
    architecture = target.architecture
    if architecture is None:
        # Another one than Lambda's two is told of by a check, against the default.
        known = config.architecture in ARCHITECTURES
        architecture = config.architecture if known and config.architecture else DEFAULT_ARCHITECTURE
        assumed.append(f"architecture {architecture} ({'the image configuration' if known else 'the default'})")
    handler = target.handler
    if handler is None:
        handler = handler_of_image(config)
        if handler is not None:
            assumed.append(f"handler {handler} (the image's command)")
    profile = profile_of_image(_profile(target, runtime, architecture, assumed), stack, config)
    return Opened(target, tree, (), stack, profile, handler, "image", tuple(assumed), config)


def _profile(target: Target, runtime: str, architecture: str, assumed: list[str]) -> RuntimeProfile:
    """Returns the profile that was named, or else the one that the user keeps for this runtime, or the shipped one."""
    shipped = load_profile(runtime, architecture)
    path = target.profile or kept_profile(runtime, architecture)
    if target.profile is None and not path.is_file():
        return shipped
    profile = read_profile(path)
    if profile.identifier != shipped.identifier:
        raise UsageError(f"{path}: is the profile of {profile.identifier}, not of {shipped.identifier}")
    assumed.append(f"what {profile.runtime} offers is as {path} says")
    return profile


def subject_of(opened: Opened, *, zipped_size: int | None, known: KnownFacts | None = None) -> Subject:
    """Returns what the checks judge."""
    return Subject(
        opened.stack,
        opened.profile,
        handler=opened.handler,
        handler_given=opened.target.handler is not None,
        kind=opened.kind,
        managed=opened.image is None,
        zipped_size=zipped_size,
        image=opened.image,
        hints=opened.target.hints,
        lock=_lock_of(opened),
        deep=opened.target.deep,
        fast=opened.target.fast,
        known=known,
        contracts=opened.target.contracts,
    )


def _lock_of(opened: Opened) -> Lock | None:
    profile = opened.profile
    path = opened.target.lock
    if path is None:
        return None
    from lambdapack.facts.locks import read_lock  # what few artifacts are compared with

    return read_lock(path, marker_environment(profile.python, profile.machine))


def inspect(
    target: Target, attempt: Attempt | None = None, *, codes: str | tuple[str, ...] = "", progress: Progress = silent
) -> Report:
    """Returns the report on one artifact. `attempt` import-tests it, and its outcome is judged with the rest.

    Only checks whose code begins with `codes` are run.
    """
    started = time.perf_counter()
    with ExitStack() as exit_stack:
        opened = open_target(target, exit_stack, progress)
        known = exit_stack.enter_context(known_facts(opened))
        return inspect_opened(opened, known, attempt, codes=codes, started=started)


def inspect_base(path: Path, like: Report) -> Report:
    """Returns what an earlier artifact was like, with its details and without a judgement, to compare another with."""
    kind: Kind | None = "layer" if like.artifact.kind == "layer" else None
    return inspect(
        Target(path, runtime=like.runtime, architecture=like.architecture, kind=kind, details=True), codes=()
    )


@contextmanager
def known_facts(opened: Opened) -> Iterator[KnownFacts]:
    """Gives what is known of the artifact's files from earlier runs, and keeps what this one has learned."""
    store = FactStore(cache_folder()) if opened.target.cached else None
    try:
        known = KnownFacts(opened.stack, store)
        yield known
        known.save()
    finally:
        if store is not None:
            store.close()


def inspect_opened(
    opened: Opened,
    known: KnownFacts,
    attempt: Attempt | None = None,
    *,
    codes: str | tuple[str, ...] = "",
    started: float | None = None,
) -> Report:
    """Judges what was opened already: as `inspect`. `started` is when the work began, by `time.perf_counter`."""
    return inspect_subject(
        opened,
        subject_of(opened, zipped_size=zipped_size_of(opened), known=known),
        attempt,
        codes=codes,
        started=started,
    )


def zipped_size_of(opened: Opened) -> int | None:
    """Returns the bytes that are uploaded; None for a folder, a wheel and an image."""
    path = Path(opened.target.path)
    is_uploaded = opened.image is None and not isinstance(opened.function, WheelTree) and path.is_file()
    return path.stat().st_size if is_uploaded else None


def inspect_subject(
    opened: Opened,
    subject: Subject,
    attempt: Attempt | None = None,
    *,
    codes: str | tuple[str, ...] = "",
    started: float | None = None,
) -> Report:
    """Judges a subject that has more to answer than the checks ask: as `inspect_opened`."""
    started = time.perf_counter() if started is None else started
    target = opened.target
    timings = {}
    if attempt is not None:
        before = time.perf_counter()
        subject.attempts = (attempt(opened),)
        timings["import_test"] = time.perf_counter() - before
    wanted = [item for item in all_checks() if item.code.startswith(codes) and target.selection.runs(item)]
    findings, skipped = run_checks(subject, wanted)
    if target.fast:
        skipped = (*skipped, Skipped(None, None, _UNREAD))
    summary = _summary(target, opened, subject, subject.zipped_size)
    notes = [*_doubts(opened, subject, findings)]
    notes += disagreements(subject, summary.path, findings, [item.code for item in wanted])
    timings["total"] = time.perf_counter() - started
    return target.selection.apply(
        Report(
            artifact=summary,
            runtime=opened.profile.runtime,
            architecture=opened.profile.architecture,
            handler=opened.handler,
            findings=findings,
            skipped=skipped,
            size_limit=subject.size_limit,
            fail_on=target.fail_on,
            assumed=opened.assumed,
            notes=tuple(notes),
            import_test=asdict(subject.attempts[0]) if subject.attempts else None,
            timings=timings,
            checks={item.code: item.name for item in wanted},
            details=details_of(subject) if target.details else None,
        )
    )


def _doubts(opened: Opened, subject: Subject, findings: Iterable[Finding]) -> Iterator[str]:
    """Yields what speaks against something that was assumed."""
    told = runtime_of_image(opened.stack, opened.image) if opened.image is not None else None
    if told is not None and told[0] != opened.profile.runtime:
        yield f"the image has {told[0]} ({told[1]}); it was judged as {opened.profile.runtime}, which was given"
    if opened.target.architecture is not None or not any(finding.code == "ELF001" for finding in findings):
        return
    natives = (facts for facts in subject.native.elf.values() if isinstance(facts, ElfFacts))
    other = other_architecture(natives, opened.profile)
    if other is not None:
        yield (
            f"every native file is for {other}, and {opened.profile.architecture} was only assumed: if the function is "
            f"configured for {other}, add --arch {other}"
        )


def _summary(target: Target, opened: Opened, subject: Subject, zipped_size: int | None) -> ArtifactSummary:
    digest = opened.image.digest if opened.image else None
    if opened.image is None:
        digest = opened.function.sha256()
    return ArtifactSummary(
        path=target.name or str(target.path),
        kind=opened.kind,
        zipped_size=zipped_size,
        unzipped_size=subject.unzipped_size,
        files=sum(1 for _ in opened.stack.files()),
        sha256=digest,
        layers=tuple(map(str, target.layers)),
    )


def _infer_runtime(stack: Stack, tree: Tree, target: Target, assumed: list[str]) -> str:
    found = infer_runtime(stack, tree)
    if found is None:
        raise UsageError(
            f"{target.path}: no runtime given, and nothing in the artifact tells it", hint="add --runtime python3.13"
        )
    assumed.append(found[1])
    return found[0]
