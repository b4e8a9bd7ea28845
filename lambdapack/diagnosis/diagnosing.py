"""From a log to a diagnosis: messages are recognised, and each of their causes is held against the artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lambdapack.diagnosed import Cause, Confidence, Diagnosis, Evidence, Problem, Unknown
from lambdapack.diagnosis.catalogue import PossibleCause, load_catalogue
from lambdapack.diagnosis.hints import read_hints
from lambdapack.diagnosis.matching import Matched, nearest, recognise
from lambdapack.diagnosis.naming import Setting, fill
from lambdapack.diagnosis.questions import Examined, ask, can_answer, findings_for
from lambdapack.diagnosis.records import read_records
from lambdapack.finding import Finding, Severity
from lambdapack.profiles import RuntimeProfile, load_profile

_DEFAULT_ARCHITECTURE = "x86_64"
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
    order = {"confirmed": 0, "open": 1, "ruled-out": 2}
    causes.sort(key=lambda cause: order[cause.status])  # stable: the likelier ones stay in front
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
    return "likely" if causes[0].name == ranked[0] and not general else "possible"


def _cause(known: PossibleCause, named: Mapping[str, str], examined: Examined | None, used: set[int]) -> Cause:
    """Asks the artifact for every sign of a cause: the first that is there confirms it, and it is ruled out when all of
    them could have been seen and none was."""
    evidence: list[Evidence] = []
    advice: list[str] = []
    if examined is not None:
        for sign in known.seen:
            found = findings_for(sign, named, examined) if sign.code else []
            for finding in found[:_MOST_FINDINGS]:
                evidence.append(Evidence(_told(finding), finding.code, finding.path))
                advice.append(finding.fix)
            used.update(id(finding) for finding in found)
            answer = ask(sign, named, examined) if sign.ask else None
            if answer is not None:
                evidence.append(answer)
            if evidence:
                break
    if evidence:
        status = "confirmed"
    elif (
        examined is not None
        and known.seen
        and not known.undecided
        and all(can_answer(sign, named, examined) for sign in known.seen)
    ):
        status = "ruled-out"
    else:
        status = "open"
    fixes = dict.fromkeys((*advice, *(fill(text, named) for text in known.fixes)))
    return Cause(
        known.name,
        fill(known.says, named),
        status,  # type: ignore[arg-type]  # one of the three words
        tuple(evidence),
        tuple(fixes),
        tuple(fill(text, named) for text in known.looks),
    )


def _told(finding: Finding) -> str:
    where = f"{finding.path}: " if finding.path else ""
    way = f" (reached: {' > '.join(finding.chain)})" if len(finding.chain) > 1 else ""
    return f"{where}{finding.message}{way}"
