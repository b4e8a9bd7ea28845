"""A build that opens its own output: nothing replaces the old artifact before it was inspected, and tested if asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.builder import BuildResult, Progress, WheelStore, build, plan_build
from lambdapack.finding import Severity
from lambdapack.profiles import load_profile
from lambdapack.report import Report
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.inspection import Attempt, Target, inspect


@dataclass(frozen=True, slots=True)
class VerifiedBuild:
    """What was built and what its inspection says; `result.rejected` when the old artifact was left in place."""

    result: BuildResult
    report: Report


def build_and_inspect(
    function: FunctionSettings,
    *,
    root: Path | None,
    attempt: Attempt | None = None,
    fail_on: Severity = Severity.ERROR,
    output: Path | None = None,
    progress: Progress,
) -> VerifiedBuild:
    """Builds one function; a file that its inspection (or import test) rejects never becomes the artifact.

    `root` is the folder of the configuration.
    """
    profile = load_profile(function.runtime, function.architecture)
    store = WheelStore()
    plan = plan_build(function, profile, store, progress, root=root)
    if output is not None:
        plan = replace(plan, output=output)
    reports: list[Report] = []

    def verify(path: Path) -> bool:
        progress(f"inspecting {plan.output.name}")
        target = Target(
            path,
            runtime=function.runtime,
            architecture=function.architecture,
            handler=function.handler or None,
            kind="layer" if function.package == "layer" else "function",
            fail_on=fail_on,
            name=_short(plan.output),
        )
        reports.append(inspect(target, attempt))
        return not reports[0].failed

    result = build(plan, store=store, verify=verify, progress=progress)
    return VerifiedBuild(result, replace(reports[0], written=not result.rejected))


def _short(path: Path) -> str:
    """The path as a person would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
