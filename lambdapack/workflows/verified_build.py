"""A build that opens its own output: nothing replaces the old artifact before it was inspected, and tested if asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lambdapack.builder import (
    LEVELS,
    BuildPlan,
    BuildResult,
    Draft,
    Patterns,
    WheelStore,
    build,
    plan_build,
    refuse_foreign_output,
)
from lambdapack.errors import UsageError
from lambdapack.finding import Severity
from lambdapack.memo import Readings
from lambdapack.profiles import RuntimeProfile, kept_profile, load_profile
from lambdapack.progress import Progress
from lambdapack.report import ArtifactSummary, Report, Skipped
from lambdapack.settings import FunctionSettings

if TYPE_CHECKING:  # a build that is not inspected has no need of the inspector
    from lambdapack.checking import Hints
    from lambdapack.selection import Selection
    from lambdapack.workflows.inspection import Attempt

Compression = Literal["usual", "best", "smallest"]
NOT_INSPECTED = "nothing was inspected (--no-verify): whether it works on Lambda is unknown"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How functions are built. `root` is the folder of the configuration. `output` is written instead of the function's
    own. `verify`: the artifact is inspected before it is put in place. `bill`: a bill of materials is written beside
    it. `cached`: wheels, segments and facts of earlier builds are used. `details`: as in `Target`; `locked`: as in
    `plan_build`."""

    root: Path | None
    fail_on: Severity = Severity.ERROR
    selection: Selection | None = None
    output: Path | None = None
    verify: bool = True
    bill: bool = False
    compress: Compression = "usual"
    cached: bool = True
    details: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True)
class VerifiedBuild:
    """What was built and what its inspection says; `result.rejected` when the old artifact was left in place.
    `readings` are what both went by. `warnings`: what the user has to know of the resolution."""

    result: BuildResult
    report: Report
    readings: Readings
    warnings: tuple[str, ...] = ()


def build_and_inspect(
    function: FunctionSettings, options: BuildOptions, *, attempt: Attempt | None = None, progress: Progress
) -> VerifiedBuild:
    """Builds one function; a file that its inspection (or import test) rejects never becomes the artifact.

    The function's ignores join the selection of the options.
    """
    readings = Readings()
    with WheelStore.opened(cached=options.cached) as store:
        plan = _plan(function, options, store, readings, progress)
        refine = _refinement(function, store, options.root, readings, attempt, progress)
        if not options.verify:
            result = build(
                plan, store=store, refine=refine, bill=options.bill, level=LEVELS[options.compress], progress=progress
            )
            return VerifiedBuild(result, _unseen(plan, result), readings, plan.notes)
        reports: list[Report] = []
        verify = _inspector(function, plan, options, reports, attempt, progress)
        _note_what_the_verdict_hangs_on(function, readings)
        result = build(
            plan,
            store=store,
            refine=refine,
            verify=verify,
            bill=options.bill,
            level=LEVELS[options.compress],
            progress=progress,
        )
    report = replace(reports[0], written=not result.rejected, told=(*reports[0].told, *result.told))
    return VerifiedBuild(result, report, readings, plan.notes)


def _plan(
    function: FunctionSettings, options: BuildOptions, store: WheelStore, readings: Readings, progress: Progress
) -> BuildPlan:
    try:
        profile = load_profile(function.runtime, function.architecture)
        plan = plan_build(
            function,
            profile,
            store,
            progress,
            root=options.root,
            locked=options.locked,
            judge=partial(_native_problems, profile),
            readings=readings,
        )
    except UsageError as error:
        # What only the packages below know to be wrong stands in the configuration all the same.
        raise UsageError(f"tool.lambdapack.functions.{function.name}: {error}", hint=error.hint) from error
    if options.output is not None:
        refuse_foreign_output(options.output, function.package)
        plan = replace(plan, output=options.output)
    return plan


def _native_problems(profile: RuntimeProfile, wheel: Path) -> Sequence[str]:
    from lambdapack.workflows.built_wheels import native_problems

    return native_problems(wheel, profile)


def _refinement(
    function: FunctionSettings,
    store: WheelStore,
    root: Path | None,
    readings: Readings,
    attempt: Attempt | None,
    progress: Progress,
) -> Callable[[Draft], Draft] | None:
    """Returns what may change the files of an artifact before it is written; None where nothing is to be changed."""
    if not function.packing.refines:
        return None
    from lambdapack.workflows.refinement import Refinement  # the inspector: not for a build that needs none

    return Refinement(function, store, root, readings, attempt, progress).refine


def _inspector(
    function: FunctionSettings,
    plan: BuildPlan,
    options: BuildOptions,
    reports: list[Report],
    attempt: Attempt | None,
    progress: Progress,
) -> Callable[[Path], bool]:
    """Returns what inspects a finished file, notes the report and says whether the file may become the artifact."""
    from lambdapack.selection import Selection
    from lambdapack.workflows.inspection import Target, inspect

    selection = (options.selection or Selection()).with_rules(function.ignores)

    def verify(path: Path) -> bool:
        progress(f"inspecting {plan.output.name}")
        target = Target(
            path,
            function.layers,
            runtime=function.runtime,
            architecture=function.architecture,
            handler=function.handler or None,
            kind="function" if function.package == "zip" else function.package,
            fail_on=options.fail_on,
            selection=selection,
            name=_short(plan.output),
            hints=_hints(function, options.root),
            contracts=function.contracts,
            cached=options.cached,
            details=options.details,
        )
        reports.append(inspect(target, attempt))
        return not reports[0].failed

    return verify


def _unseen(plan: BuildPlan, result: BuildResult) -> Report:
    """The report on an artifact that nobody looked at: no verdict of the inspector's."""
    return Report(
        artifact=ArtifactSummary(
            path=_short(plan.output),
            kind="function" if plan.package == "zip" else plan.package,
            zipped_size=result.zipped_size,
            unzipped_size=result.unzipped_size,
            files=result.files,
            sha256=result.sha256,
        ),
        runtime=plan.runtime,
        architecture=plan.architecture,
        handler=plan.handler or None,
        findings=(),
        skipped=(Skipped(None, None, NOT_INSPECTED),),
        size_limit=load_profile(plan.runtime, plan.architecture).quotas.unzipped_bytes,
        written=True,
        inspected=False,
        told=result.told,
    )


def _note_what_the_verdict_hangs_on(function: FunctionSettings, readings: Readings) -> None:
    """Everything besides the artifact: the layers, a profile that the user keeps, and the last days of ignores."""
    if function.package == "image":
        readings.doubt("what its base image is, a registry or the container engine says")
    readings.file(kept_profile(function.runtime, function.architecture))
    for layer in function.layers:
        if layer.is_dir():
            readings.doubt(f"{layer} is a folder")
        else:
            readings.file(layer)
    if any(ignore.until is not None for ignore in function.ignores):
        tomorrow = date.today() + timedelta(days=1)
        readings.until(time.mktime(tomorrow.timetuple()))


def _hints(function: FunctionSettings, root: Path | None) -> Hints:
    from lambdapack.checking import Hints

    exclude = Patterns(function.exclude)

    def first_party(module: str) -> str | None:
        if root is None:
            return None
        for pattern in (module, f"{module}.py", f"*/{module}", f"*/{module}.py", f"*/*/{module}", f"*/*/{module}.py"):
            for place in sorted(root.glob(pattern)):
                relative = place.relative_to(root)
                if not any(part.startswith(".") or part == "node_modules" for part in relative.parts):
                    return relative.as_posix()
        return None

    return Hints(removed_by=lambda path: exclude.match(path.removeprefix("/opt/python/")), first_party=first_party)


def _short(path: Path) -> str:
    """The path as a person would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
