"""From a log to a diagnosis: messages are recognised, and each of their causes is held against the artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lambdapack.diagnosed import Cause, Confidence, Diagnosis, Evidence, Problem, Status, Unknown
from lambdapack.diagnosis.catalogue import PossibleCause, load_catalogue
from lambdapack.diagnosis.examination import Examined, ask, can_answer, findings_for
from lambdapack.diagnosis.hints import read_hints
from lambdapack.diagnosis.matching import Matched, nearest, recognise
from lambdapack.diagnosis.naming import Setting, fill
from lambdapack.diagnosis.records import read_records
from lambdapack.finding import Finding, Severity
from lambdapack.profiles import RuntimeProfile, load_profile

_DEFAULT_ARCHITECTURE = "x86_64"
_INSTALLS = ("uv pip install", "pip install")
_MOST_FINDINGS = 4  # of one cause: the rest are the same again


def diagnose(
    text: str,
    examined: Examined | None = None,
    *,
    handler_module: str | None = None,
    profile: RuntimeProfile | None = None,
) -> Diagnosis:
    """Returns what is known of the errors in a text. `examined` is the artifact that they came from, `handler_module`
    the module of its handler setting, `profile` its runtime; each None where it is not known."""
    setting = Setting(handler_module, profile)
    matched, strange = recognise(read_records(text), setting)
    used: set[int] = set()
    problems = [_problem(item, examined, used) for item in matched]
    problems.sort(key=lambda problem: (problem.cause is None, problem.confidence != "confirmed", problem.message.line))
    unknown = [Unknown(message, nearest(message.text)) for message in strange]
    also = (
        ()
        if examined is None
        else tuple(
            finding
            for finding in examined.findings
            if id(finding) not in used and finding.severity is not Severity.INFO
        )
    )
    return Diagnosis(
        problems=tuple(problems),
        unknown=tuple(unknown),
        unreadable=examined.unreadable if examined else None,
        also=also,
    )


def diagnose_log(text: str, *, runtime: str | None = None, architecture: str | None = None) -> Diagnosis:
    """Returns what a log says by itself; `runtime` and `architecture` are the function's, if known.

    Raises `UsageError` for a runtime that does not exist.
    """
    hints = read_hints(text)
    wanted = runtime or hints.runtime
    profile = load_profile(wanted, architecture or _DEFAULT_ARCHITECTURE) if wanted else None
    assumed = () if runtime or not hints.runtime else (f"runtime {hints.runtime} (the log names it)",)
    return replace(
        diagnose(text, handler_module=hints.module, profile=profile),
        runtime=profile.runtime if profile else None,
        architecture=architecture,
        handler=hints.handler or hints.module,
        assumed=assumed,
    )


def _problem(item: Matched, examined: Examined | None, used: set[int]) -> Problem:
    known = load_catalogue().causes
    causes = [_cause(known[name], item.named, examined, used) for name in item.pattern.causes]
    order = {"confirmed": 0, "open": 2, "ruled-out": 3}
    # Stable: the likelier ones stay in front; what something speaks for goes before what nothing does.
    causes.sort(key=lambda cause: order[cause.status] - (cause.status == "open" and bool(cause.evidence)))
    return Problem(
        message=item.message,
        pattern=item.pattern.name,
        title=item.pattern.title,
        causes=tuple(causes),
        confidence=_confidence(causes, item.pattern.causes, general=item.pattern.general),
        misleading=item.pattern.misleading,
        named=dict(item.named),
        sources=item.pattern.sources,
    )


def _confidence(causes: list[Cause], ranked: tuple[str, ...], *, general: bool) -> Confidence:
    if causes[0].status == "confirmed":
        return "confirmed"
    # With the likeliest cause ruled out, what is left is a guess among others.
    return "likely" if (causes[0].name == ranked[0] and not general) or causes[0].evidence else "possible"


def _cause(known: PossibleCause, named: Mapping[str, str], examined: Examined | None, used: set[int]) -> Cause:
    """Asks the artifact for the signs of a cause, until a check has found one. It is ruled out when all of them could
    have been seen and none was."""
    seen = _look(known, named, examined, used) if examined is not None else _Seen()
    status: Status = "open"
    if seen.certain:
        status = "confirmed"
    elif examined is not None and not seen.evidence and known.seen and not known.undecided:
        answered = all(can_answer(sign, named, examined) for sign in known.seen)
        status = "ruled-out" if answered else "open"
    first = seen.findings[0] if seen.findings else None
    if first is not None and known.shown is not None and seen.certain:
        sentence = fill(known.shown, {**named, "finding": first.message, "where": first.path or named.get("path", "")})
    else:
        sentence = fill(known.says, named)
    advice = [*seen.advice, *(finding.fix for finding in seen.findings)]
    general = [fill(text, named) for text in known.fixes]
    if seen.findings:
        # Said already, with the version that is there; or it belongs to no distribution, and the index may have
        # something else of that name.
        general = [text for text in general if not text.startswith(_INSTALLS)]
    return Cause(
        known.name,
        sentence,
        status,
        tuple(seen.evidence),
        tuple(dict.fromkeys((*advice, *general))),
        tuple(fill(text, named) for text in known.looks),
    )


@dataclass(slots=True)
class _Seen:
    """What an artifact shows of a cause. `certain`: it proves it; else it only speaks for it."""

    evidence: list[Evidence] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    certain: bool = False


def _look(known: PossibleCause, named: Mapping[str, str], examined: Examined, used: set[int]) -> _Seen:
    seen = _Seen()
    for sign in known.seen:
        answer = ask(sign, named, examined)
        if answer is not None:
            seen.evidence.append(answer.evidence)
            seen.advice += [answer.fix] if answer.fix else []
            seen.certain = seen.certain or not answer.only_speaks_for_it
        found, certain = findings_for(sign, named, examined)
        if found:
            used.update(id(finding) for finding in found)
            seen.findings = found[:_MOST_FINDINGS]
            seen.evidence += [Evidence(_told(finding), finding.code, finding.path) for finding in seen.findings]
            seen.certain = seen.certain or certain
            break
    return seen


def _told(finding: Finding) -> str:
    where = f"{finding.path}: " if finding.path else ""
    way = f" (reached: {' > '.join(finding.chain)})" if len(finding.chain) > 1 else ""
    return f"{where}{finding.message}{way}"
