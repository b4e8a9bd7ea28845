"""Slimming with a proof: what each step takes out is told, and a step that breaks the artifact is taken back.

The proof is that of a build: the inspection finds no error that was not there before, and the handler can be imported
if it could be before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.builder import STEPS, Draft, Needs, Step, WheelStore
from lambdapack.checking import Subject
from lambdapack.finding import Severity
from lambdapack.memo import Readings
from lambdapack.progress import Progress
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.direct_use import imported_by_own
from lambdapack.workflows.drafts import mount_point, opened_draft, subject_of_draft
from lambdapack.workflows.import_test import AttemptOptions, import_handler
from lambdapack.workflows.inspection import inspect_opened, known_facts
from lambdapack.workflows.reached import reached_in_layer

_SDK = ("boto3", "botocore")
_CLIENT = re.compile(rb"\.\s*(?:client|resource)\s*\(\s*(?:service_name\s*=\s*)?(?:[\"']([\w.-]+)[\"']|([^\s)\"']))")
_QUOTED = re.compile(rb"[\"']([a-z][\w.-]*)[\"']")


@dataclass(frozen=True, slots=True)
class _Proof:
    """What is known of a draft: the errors of its inspection, whether its handler can be imported (None: that could
    not be tried, for this reason)."""

    errors: frozenset[str]
    imports: bool | None
    reason: str = ""

    def broken_by(self, later: _Proof) -> str | None:
        """What is worse in a later draft, in words; None for nothing."""
        new = sorted(later.errors - self.errors)
        if new:
            return f"the inspection finds {', '.join(sorted({text.partition(' ')[0] for text in new}))}"
        return later.reason if self.imports and later.imports is False else None


def slimmed(
    draft: Draft,
    function: FunctionSettings,
    store: WheelStore,
    root: Path | None,
    readings: Readings,
    progress: Progress,
) -> Draft:
    """Returns the draft without what the configuration wants out, as far as it works without it."""
    wanted = frozenset(function.packing.slim) | ({"sdk"} if function.packing.sdk == "drop" else set())
    chosen = {name: step for name, step in STEPS.items() if name in wanted}
    progress(f"slimming: {', '.join(chosen)}")
    with subject_of_draft(draft, function, store) as subject:
        needs = _needs_of(subject, mount_point(function))
    if function.used_by:
        needs = replace(needs, reached=frozenset(reached_in_layer(draft, function, store, root, readings, progress)))
    before = _proof(draft, function, store, progress)
    after = _all(draft, chosen, needs, store)
    if before.broken_by(_proof(after, function, store, progress)) is None:
        return _with_doubt(after, before)
    current = draft
    for name, step in chosen.items():
        tried = step(current, needs, store)
        why = before.broken_by(_proof(tried, function, store, progress))
        if why is None:
            current = tried
        else:
            current = replace(
                current, told=(*current.told, f"slim {name}: taken back, since it breaks the artifact: {why}")
            )
    return _with_doubt(current, before)


def _all(draft: Draft, steps: dict[str, Step], needs: Needs, store: WheelStore) -> Draft:
    for step in steps.values():
        draft = step(draft, needs, store)
    return draft


def _with_doubt(draft: Draft, proof: _Proof) -> Draft:
    if proof.imports:
        return draft
    return replace(draft, told=(*draft.told, f"slim: inspected, but not proven by an import: {proof.reason}"))


def _proof(draft: Draft, function: FunctionSettings, store: WheelStore, progress: Progress) -> _Proof:
    with opened_draft(draft, function, store) as opened, known_facts(opened) as known:
        report = inspect_opened(opened, known)
        errors = frozenset(
            f"{item.code} {item.fingerprint}" for item in report.findings if item.severity is Severity.ERROR
        )
        if not function.handler:
            return _Proof(errors, None, "a layer has no handler")
        progress("importing the handler")
        attempt = import_handler(opened, AttemptOptions(require_sandbox=True), progress)
    if attempt.status == "not-run":
        return _Proof(errors, None, attempt.reason or "")
    return _Proof(errors, attempt.status == "ok", attempt.error_message or "")


def _needs_of(subject: Subject, point: str) -> Needs:
    imports = subject.imports
    if imports is None:
        return Needs(dropped=_dropped(subject))
    paths = (item.module.path for item in imports.executions.values())
    reached = frozenset(path.removeprefix(f"{point}/") for path in paths if path is not None)
    return Needs(reached, _services(subject), _dropped(subject))


def _services(subject: Subject) -> frozenset[str] | None:
    """The words in quotes of all reached code but the SDK's, of which some are services; None where code that is the
    project's own asks for a service by a name that is not in it."""
    assert subject.imports is not None
    words: set[str] = set()
    for execution in subject.imports.executions.values():
        path = execution.module.path
        located = subject.stack.file(path) if path is not None and execution.module.kind == "source" else None
        if path is None or located is None:
            continue
        dist = subject.distribution_of(path)
        if dist is not None and dist.name in (*_SDK, "s3transfer"):
            continue
        text = subject.stack.read_bytes(located)
        if dist is None and any(match[2] for match in _CLIENT.finditer(text)):
            return None
        words |= {word.decode() for word in _QUOTED.findall(text)}
    return frozenset(words)


def _dropped(subject: Subject) -> frozenset[str]:
    """The SDK and what only it needs, of all that the runtime certainly brings."""
    brought = {item.name for item in subject.profile.preinstalled if item.certain}
    needs: dict[str, set[str]] = {}
    for dist, name, _ in subject.requirements.applying:
        needs.setdefault(dist.name, set()).add(name)
    dropped = {dist.name for dist in subject.distributions if dist.name in _SDK and dist.name in brought}
    own = imported_by_own(subject)
    while True:
        candidates = {name for dist in dropped for name in needs.get(dist, ())} & brought - dropped
        # Another one that needs it, or code of the project that imports it, keeps it.
        kept = {name for dist, names in needs.items() if dist not in dropped for name in names} | own
        new = candidates - kept
        if not new:
            return frozenset(dropped)
        dropped |= new
