"""A build that opens its own output: nothing replaces the old artifact before it was inspected, and tested if asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.builder import BuildResult, Patterns, WheelStore, build, plan_build, refuse_foreign_output
from lambdapack.checking import Hints
from lambdapack.errors import UsageError
from lambdapack.finding import Severity
from lambdapack.profiles import load_profile
from lambdapack.progress import Progress
from lambdapack.report import Report
from lambdapack.selection import Selection
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
    selection: Selection | None = None,
    output: Path | None = None,
    progress: Progress,
) -> VerifiedBuild:
    """Builds one function; a file that its inspection (or import test) rejects never becomes the artifact.

    `root` is the folder of the configuration, whose ignores join `selection`.
    """
    store = WheelStore()
    selection = (selection or Selection()).with_rules(function.ignores)
    try:
        profile = load_profile(function.runtime, function.architecture)
        plan = plan_build(function, profile, store, progress, root=root)
    except UsageError as error:
        # What only the packages below know to be wrong stands in the configuration all the same.
        raise UsageError(f"tool.lambdapack.functions.{function.name}: {error}", hint=error.hint) from error
    if output is not None:
        refuse_foreign_output(output, function.package)
        plan = replace(plan, output=output)
    reports: list[Report] = []

    def verify(path: Path) -> bool:
        progress(f"inspecting {plan.output.name}")
        target = Target(
            path,
            function.layers,
            runtime=function.runtime,
            architecture=function.architecture,
            handler=function.handler or None,
            kind="function" if function.package == "zip" else function.package,
            fail_on=fail_on,
            selection=selection,
            name=_short(plan.output),
            hints=_hints(function, root),
            contracts=function.contracts,
        )
        reports.append(inspect(target, attempt))
        return not reports[0].failed

    result = build(plan, store=store, verify=verify, progress=progress)
    return VerifiedBuild(result, replace(reports[0], written=not result.rejected))


def _hints(function: FunctionSettings, root: Path | None) -> Hints:
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
