"""Invokes the handler of an artifact with one event, and judges what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from lambdapack.catalogue import all_checks
from lambdapack.engine import run_checks
from lambdapack.facts.invocations import Invocation
from lambdapack.importtest import LocalBackend
from lambdapack.importtest.docker import DockerBackend
from lambdapack.importtest.invocation import InvocationRequest
from lambdapack.importtest.invoking import not_invoked
from lambdapack.progress import Progress, silent
from lambdapack.report import ArtifactSummary, Report
from lambdapack.workflows.emulator import find_emulator
from lambdapack.workflows.import_test import (
    AUTO,
    NOT_IN_ITSELF,
    AttemptOptions,
    attempt_request,
    candidates,
    root_backend,
    with_runtime_packages,
)
from lambdapack.workflows.inspection import Target, open_target, subject_of


@dataclass(frozen=True, slots=True)
class Invoked:
    """One invocation and what the checks say of it; of `report`, only what concerns the invocation is filled in."""

    invocation: Invocation
    report: Report


def invoke(target: Target, options: AttemptOptions, event: str, progress: Progress = silent) -> Invoked:
    """Opens the artifact and sends its handler `event`, a JSON text. `options.time_limit` is the function's timeout.

    Raises what `open_target` raises, and `UsageError` where there is no handler.
    """
    with ExitStack() as exit_stack:
        opened = open_target(target, exit_stack, progress)
        request = InvocationRequest(attempt_request(opened, options), event)
        invocation = _first_that_can(request, options, progress)
        subject = subject_of(opened, zipped_size=None)
        subject.invocations = (invocation,)
        checks = [item for item in all_checks() if "invocation" in item.needs and target.selection.runs(item)]
        findings, _ = run_checks(subject, checks)
        report = Report(
            artifact=ArtifactSummary(str(target.path), opened.kind, None, 0, 0, None),
            runtime=opened.profile.runtime,
            architecture=opened.profile.architecture,
            handler=opened.handler,
            findings=findings,
            skipped=(),
            size_limit=subject.size_limit,
            fail_on=target.fail_on,
            assumed=opened.assumed,
        )
        return Invoked(invocation, target.selection.apply(report))


def invoker_names() -> tuple[str, ...]:
    """The words for `--backend`, in the order in which `auto` tries them."""
    return tuple(_INVOKERS)


def _first_that_can(request: InvocationRequest, options: AttemptOptions, progress: Progress) -> Invocation:
    names = candidates(options) if options.backend == AUTO else (options.backend,)
    refused: list[str] = []
    invocation = None
    for name in names:
        invocation = _INVOKERS[name](request, options, progress)
        if invocation.status != "not-run":
            return invocation
        refused.append(f"{name}: {invocation.reason}" if len(names) > 1 else f"{invocation.reason}")
    assert invocation is not None
    return replace(invocation, reason="; ".join(refused))


def _in_docker(request: InvocationRequest, options: AttemptOptions, progress: Progress) -> Invocation:
    return DockerBackend(image=options.image, progress=progress).invoke(request)


def _in_root_file_system(request: InvocationRequest, options: AttemptOptions, progress: Progress) -> Invocation:
    backend = root_backend(options, progress)
    return backend.invoke(request, partial(find_emulator, options.emulator, request.attempt.profile, progress))


def _on_this_machine(request: InvocationRequest, options: AttemptOptions, progress: Progress) -> Invocation:
    backend = LocalBackend(progress=progress, require_sandbox=True)
    if request.attempt.image is not None:
        return not_invoked(request, backend.name, NOT_IN_ITSELF)
    request = replace(request, attempt=with_runtime_packages(request.attempt, progress))
    return backend.invoke(request, partial(find_emulator, options.emulator, request.attempt.profile, progress))


_INVOKERS: dict[str, Callable[[InvocationRequest, AttemptOptions, Progress], Invocation]] = {
    "docker": _in_docker,
    "rootfs": _in_root_file_system,
    "local": _on_this_machine,
}
