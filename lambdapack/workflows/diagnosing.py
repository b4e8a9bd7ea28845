"""Holds a log against an artifact: opened once, judged by all checks, and asked what the messages ask."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.diagnosed import Diagnosis
from lambdapack.diagnosis import Examined, LogHints, diagnose, read_hints
from lambdapack.errors import UnreadableArtifact
from lambdapack.finding import Finding
from lambdapack.progress import Progress, silent
from lambdapack.report import Report
from lambdapack.workflows.inspection import (
    Target,
    inspect_subject,
    known_facts,
    open_target,
    subject_of,
    zipped_size_of,
)

# The function's name in a handler setting that a log does not tell: what the findings say of it is left out.
_ANY_FUNCTION = "lambda_handler"
_OF_THE_FUNCTION = ("IMP004", "IMP011", "IMP012", "IMP018")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A target completed from the log; `guessed`: the handler's function in it is made up."""

    target: Target
    guessed: bool = False


def diagnose_artifact(text: str, target: Target, progress: Progress = silent) -> Diagnosis:
    """Returns what a log means for an artifact. What the log tells of runtime and handler counts where `target` does
    not say it. Raises what `open_target` raises, unless that the artifact is unreadable is the answer."""
    hints = read_hints(text)
    asked = _complete(target, hints)
    started = time.perf_counter()
    with ExitStack() as closing:
        try:
            opened = open_target(asked.target, closing, progress)
        except UnreadableArtifact as error:
            found = diagnose(text, Examined(unreadable=str(error)), handler_module=hints.module)
            if not Path(target.path).exists() or all(item.confidence != "confirmed" for item in found.problems):
                raise
            return replace(found, artifact=str(target.path), handler=asked.target.handler)
        known = closing.enter_context(known_facts(opened))
        guessed = asked.guessed and opened.handler == asked.target.handler
        subject = subject_of(opened, zipped_size=zipped_size_of(opened), known=known)
        report = inspect_subject(opened, subject, started=started)
        if guessed:
            report = _without_guesses(report)
        module = opened.handler.rpartition(".")[0] if opened.handler else hints.module
        examined = Examined(report.findings, subject, frozenset(item.code for item in report.skipped if item.code))
        found = diagnose(text, examined, handler_module=module, profile=opened.profile)
        return replace(
            found,
            artifact=report.artifact.path,
            runtime=report.runtime,
            architecture=report.architecture,
            handler=hints.module if guessed else opened.handler,
            report=report,
            assumed=report.assumed,
        )


def _complete(target: Target, hints: LogHints) -> _Asked:
    assumed = list(target.assumed)
    runtime, handler, guessed = target.runtime, target.handler, False
    if runtime is None and hints.runtime is not None and target.profile is None:
        runtime = hints.runtime
        assumed.append(f"runtime {runtime} (the log names it)")
    if handler is None and target.kind in (None, "function"):
        if hints.handler is not None:
            handler = hints.handler
            assumed.append(f"handler {handler} (the log names it)")
        elif hints.module is not None:
            handler, guessed = f"{hints.module}.{_ANY_FUNCTION}", True
            assumed.append(f"the handler's module is {hints.module} (the log names it)")
    return _Asked(replace(target, runtime=runtime, handler=handler, assumed=tuple(assumed)), guessed)


def _without_guesses(report: Report) -> Report:
    """Leaves out what rests on a function's name that nobody gave."""

    def kept(finding: Finding) -> bool:
        return finding.code not in _OF_THE_FUNCTION

    return replace(report, findings=tuple(filter(kept, report.findings)), handler=None)
