"""Repairs what of an artifact can be repaired for certain, and proves it: by inspection, and by an import where asked.

The artifact is only read. What is written is a ZIP, and it is put in place only when it is no worse than what it is
made of.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.builder import WheelStore
from lambdapack.builder.archive import write_archive
from lambdapack.builder.placing import move, written_beside
from lambdapack.errors import BuildFailed, UsageError
from lambdapack.progress import Progress, silent
from lambdapack.report import Report
from lambdapack.workflows.diff import Comparison, diff
from lambdapack.workflows.inspection import (
    Attempt,
    Target,
    inspect,
    inspect_subject,
    known_facts,
    open_target,
    subject_of,
    zipped_size_of,
)
from lambdapack.workflows.mending import LAYER_ROOT, TASK_ROOT, Mending, Repair
from lambdapack.workflows.repairs import find_repairs


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of it. `failed` are repairs that cannot be made, as what and why. `after` and `comparison` are None
    when nothing was changed. `written`: the output was put in place."""

    before: Report
    after: Report | None
    comparison: Comparison | None
    repairs: tuple[Repair, ...]
    failed: tuple[tuple[str, str], ...]
    written: bool


def fix(target: Target, output: Path, attempt: Attempt | None = None, *, progress: Progress = silent) -> Fixed:
    """Repairs an artifact into `output`, which may be the artifact itself.

    Raises `UnreadableArtifact`, `UsageError` for images and wheels, `BuildFailed` when the output cannot be written.
    """
    with ExitStack() as exit_stack:
        opened = open_target(target, exit_stack, progress)
        if opened.image is not None:
            raise UsageError(f"{target.path}: is a container image; build it anew", hint="lambdapack build")
        if opened.kind == "wheel":
            raise UsageError(f"{target.path}: is a wheel, which is made by its project", hint="lambdapack inspect says")
        settled = replace(target, runtime=opened.profile.runtime, architecture=opened.profile.architecture)
        known = exit_stack.enter_context(known_facts(opened))
        subject = subject_of(opened, zipped_size=zipped_size_of(opened), known=known)
        before = inspect_subject(opened, subject)
        mount = LAYER_ROOT if opened.kind == "layer" else TASK_ROOT
        repairs = find_repairs(subject, before, mount)
        if not repairs.any:
            return Fixed(before, None, None, (), (), written=False)
        store = exit_stack.enter_context(WheelStore.opened(cached=target.cached))
        work = Mending(subject, opened.function, mount, repairs, store, progress)
        pieces = work.pieces()
        if not work.done:
            return Fixed(before, None, None, (), tuple(work.failed), written=False)
        progress(f"writing {output.name}")
        temporary, stream = exit_stack.enter_context(written_beside(output))
        try:
            write_archive(pieces, stream)
            stream.flush()
        except OSError as error:
            raise BuildFailed(f"{output}: cannot be written: {error.strerror or error}") from error
        after = inspect(replace(settled, path=temporary, name=str(output)), attempt, progress=progress)
        comparison = diff(target.path, temporary, progress=progress)
        comparison = replace(comparison, after=replace(comparison.after, path=str(output)))
        better = _is_no_worse(before, after)
        if better:
            with temporary.open("rb") as written:
                move(temporary, output, hashlib.file_digest(written, "sha256").hexdigest())
    return Fixed(before, after, comparison, tuple(work.done), tuple(work.failed), written=better)


def _is_no_worse(before: Report, after: Report) -> bool:
    """True unless there are errors that were not there: those that a mended one had hidden are no fault of the repair,
    as long as there are fewer."""
    old = {finding.fingerprint for finding in before.findings if finding.severity.value == "error"}
    new = {finding.fingerprint for finding in after.findings if finding.severity.value == "error"}
    return not new or new <= old or len(new) < len(old)
