"""The report that a person reads in a terminal: worst first, one cause once, one last line with the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lambdapack.finding import Finding, Severity
from lambdapack.render.causes import Cause, causes_of
from lambdapack.render.folding import fold, packed, width_of
from lambdapack.render.measures import bytes_text, counted
from lambdapack.report import Report, Skipped

_PLACES_SHOWN = 5
_CHAIN_SHOWN = 6
_IMPORTS_SHOWN = 15
_TRACEBACK_LINES = 30
_SKIPPED_SHOWN = 5
# In the words of why a backend was chosen: those refused, and of a reason what may be left out.
_REFUSED = re.compile(r"; not (\w+): ")
_IMAGE = re.compile(r"^\S+[/:]\S+: ")
_DETAILS = re.compile(r": | \(|; ")
_COLOURS = {"error": "31;1", "warning": "33;1", "info": "36", "ok": "32;1", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class TextStyle:
    """`colour`: ANSI colours. `verbose`: infos, chains in full and what was assumed are shown, too. `width`: the
    columns that lines are folded at, None for one line each."""

    colour: bool = False
    verbose: bool = False
    width: int | None = None

    def paint(self, kind: str, text: str) -> str:
        """Colours a piece of text."""
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.colour else text


def render_text(report: Report, style: TextStyle, *, seconds: float | None = None) -> str:
    """Returns the report. `seconds` is the time of the whole command, by default that of the inspection."""
    lines: list[str] = []
    shown = [f for f in report.findings if style.verbose or f.severity is not Severity.INFO]
    for cause in causes_of([_printable(finding) for finding in shown]):
        lines += [*_cause(cause, style), ""]
    lines += [plain(line) for line in report.told]
    lines += [style.paint("dim", line) for line in skipped_lines(report, verbose=style.verbose)]
    lines += [style.paint("dim", f"assumed {assumed}") for assumed in report.assumed]
    lines += _suppressed(report)
    lines += [f"{style.paint('warning', 'warning')}: {plain(note)}" for note in report.notes]
    lines += _import_test(report, style)
    folded = [folded for line in lines for folded in fold(line, None if line.startswith("  | ") else style.width)]
    folded += _verdict_lines(report, style, seconds)
    return "\n".join(folded) + "\n"


def plain(text: str) -> str:
    """Shows control characters as escapes: names and texts of an artifact must not command a terminal, nor look like
    lines of the report."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def finding_lines(finding: Finding, style: TextStyle) -> Iterator[str]:
    """Yields one finding as the report shows it."""
    yield from _cause(Cause((_printable(finding),)), style)


def verdict_line(report: Report, style: TextStyle, *, seconds: float | None = None) -> str:
    """The last line: verdict, sizes with the share of the limit, SHA-256, time."""
    verdict, sizes, time = _verdict(report, style, seconds)
    return "  ".join([*verdict, *sizes, time])


def _verdict_lines(report: Report, style: TextStyle, seconds: float | None) -> Iterator[str]:
    """The verdict in one line; where that is too long for the terminal, sizes and hash in lines above it."""
    line = verdict_line(report, style, seconds=seconds)
    if style.width is None or width_of(line) <= style.width:
        yield line
        return
    verdict, sizes, time = _verdict(report, style, seconds)
    yield from (style.paint("dim", above) for above in packed(sizes, style.width))
    if width_of("  ".join([*verdict, time])) > style.width:
        word, _, path = verdict[0].partition("  ")
        yield style.paint("dim", path)
        verdict = [word, *verdict[1:]]
    yield from packed([*verdict, time], style.width)


def _verdict(report: Report, style: TextStyle, seconds: float | None) -> tuple[list[str], list[str], str]:
    """The verdict on what, the sizes with the hash, and the time."""
    artifact = report.artifact
    word = style.paint("error", "FAIL") if report.failed else style.paint("ok", "ok")
    if not report.inspected:
        word = style.paint("warning", "NOT INSPECTED")
    counts = [
        counted(report.count(severity), severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if report.count(severity)
    ]
    share = 100 * artifact.unzipped_size / report.size_limit
    verdict = [
        f"{word}  {plain(artifact.path)}" + (" (not written)" if report.written is False else ""),
        f"{report.runtime} {report.architecture}",
        *([", ".join(counts)] if counts else []),
    ]
    sizes = [
        *([f"{bytes_text(artifact.zipped_size)} zipped"] if artifact.zipped_size is not None else []),
        f"{bytes_text(artifact.unzipped_size)} unzipped ({share:.1f} % of {bytes_text(report.size_limit, digits=0)})",
        *([f"sha256:{artifact.sha256}"] if artifact.sha256 else []),
    ]
    taken = report.timings.get("total", 0.0) if seconds is None else seconds
    return verdict, sizes, "unchanged" if report.unchanged else f"{taken:.1f} s"


def _printable(finding: Finding) -> Finding:
    return replace(
        finding,
        path=None if finding.path is None else plain(finding.path),
        message=plain(finding.message),
        fix=plain(finding.fix),
        chain=tuple(map(plain, finding.chain)),
    )


def _cause(cause: Cause, style: TextStyle) -> Iterator[str]:
    first = cause.first
    head = style.paint(first.severity.value, f"{first.severity.value}[{first.code}]")
    places, milder = cause.places, cause.milder
    yield f"{head} {style.paint('bold', first.name)}" + (f"  {places[0]}" if places else "")
    more = places[1:] if style.verbose else places[1:_PLACES_SHOWN]
    for place in more:
        yield f"    and {place}"
    if len(places) - 1 > len(more):
        yield f"    and {len(places) - 1 - len(more)} more"
    if milder and not style.verbose:
        yield f"    and {len(milder)} more, only as {'a warning' if len(milder) == 1 else 'warnings'}"
    for finding in milder if style.verbose else ():
        yield f"    and {finding.path} (only {'an info' if finding.severity is Severity.INFO else 'a warning'})"
    yield f"  {first.message}"
    if len(first.chain) > 1:
        yield style.paint("dim", f"  reached: {_chain(first.chain, style)}")
    traceback = first.evidence.get("traceback")
    if isinstance(traceback, str):
        lines = traceback.rstrip().splitlines()
        for line in lines if style.verbose else lines[-_TRACEBACK_LINES:]:
            yield style.paint("dim", f"  | {plain(line)}")
    yield f"  fix: {first.fix}"


def skipped_lines(report: Report, *, verbose: bool = False) -> Iterator[str]:
    """Yields one line for each reason, with all that it kept from being looked at; of many checks only how many, unless
    `verbose`. That a layer has no handler is no news."""
    reasons: dict[str, list[Skipped]] = {}
    for skipped in report.skipped:
        if verbose or report.artifact.kind != "layer" or skipped.code is None:
            reasons.setdefault(skipped.reason, []).append(skipped)
    for reason, items in reasons.items():
        names = [name for item in items if (name := item.path or item.code)]
        what = ", ".join(names) or "in part"
        if len(names) > _SKIPPED_SHOWN and not verbose and all(item.path is None for item in items):
            what = f"{len(names)} checks"
        yield plain(f"skipped {what}: {reason}")


def _suppressed(report: Report) -> Iterator[str]:
    """One line for all findings that do not count, with the reasons of those that were ignored."""
    reasons: dict[str, set[str]] = {}
    ignored = [item for item in report.suppressed if item.by != "baseline"]
    for item in ignored:
        reasons.setdefault(item.reason, set()).add(item.finding.code)
    parts = []
    if ignored:
        why = "; ".join(f"{', '.join(sorted(codes))}: {reason}" for reason, codes in reasons.items())
        parts.append(f"{len(ignored)} ignored ({why})")
    if len(report.suppressed) > len(ignored):
        parts.append(f"{len(report.suppressed) - len(ignored)} in the baseline")
    if parts:
        yield plain(f"not counted: {', '.join(parts)}")


def _chain(chain: tuple[str, ...], style: TextStyle) -> str:
    if not style.verbose and len(chain) > _CHAIN_SHOWN:
        half = _CHAIN_SHOWN // 2
        chain = (*chain[:half], f"... {len(chain) - 2 * half} more ...", *chain[-half:])
    return " > ".join(chain)


def _import_test(report: Report, style: TextStyle) -> Iterator[str]:
    test = report.import_test
    if test is None:
        return
    if test["status"] == "not-run":
        remedy = f"; {test['remedy']}" if test["remedy"] else ""
        yield f"{style.paint('warning', 'import test NOT RUN')}: {plain(test['reason'] + remedy)}"
        return
    seconds = f" in {test['seconds']:.2f} s" if test["seconds"] is not None else ""
    word = style.paint("ok", "ok") if test["status"] == "ok" else style.paint("error", "FAILED")
    if any(finding.evidence.get("wants") == "network" for finding in report.findings):
        word = style.paint("warning", "UNDECIDED")
    proof = str(test["proof"] or test["backend"])
    if not style.verbose:  # what ran, and the first thing to know of it; the rest of what that proves with -v
        proof = ", ".join(part.strip() for part in proof.split(";")[:2])
    client = f", loaded by {test['client']}" if test["client"] and style.verbose else ""
    yield f"import test {word}{seconds}: {plain(test['handler'])} on {proof}{client}"
    if test.get("modules"):
        loaded = sum(module["status"] == "ok" for module in test["modules"])
        yield plain(f"of its own modules, {loaded} of {len(test['modules'])} can be imported by themselves")
    if style.verbose:
        yield from _observed(test)
    if test.get("choice"):
        choice = f"{test['backend']}: {test['choice']}" if style.verbose else _choice(test["backend"], test["choice"])
        yield style.paint("dim", plain(f"backend {choice}"))


def _choice(backend: str, choice: str) -> str:
    """Which backend, and why not an earlier one, each in its first words."""
    _, *refused = _REFUSED.split(choice)
    if not refused:
        return f"{backend}: {choice}"
    told = zip(refused[::2], refused[1::2], strict=True)
    reasons = [f"not {name}, {_DETAILS.split(_IMAGE.sub('', reason))[0]}" for name, reason in told]
    return f"{backend}: {'; '.join(reasons)} (more with -v)"


def _observed(test: Mapping[str, Any]) -> Iterator[str]:
    """What the import did besides its outcome: memory, dead weight, and the tree of what took longest."""
    if test.get("peak_bytes"):
        yield f"  peak memory {bytes_text(test['peak_bytes'])}"
    if test.get("total_bytes") and test["untouched_bytes"] is not None:
        share = test["untouched_bytes"] / test["total_bytes"]
        untouched, total = bytes_text(test["untouched_bytes"]), bytes_text(test["total_bytes"])
        yield f"  never touched: {untouched} of {total} ({share:.0%})"
    imports = test.get("imports", ())
    slowest = sorted(range(len(imports)), key=lambda index: -imports[index]["seconds"])[:_IMPORTS_SHOWN]
    for index in sorted(slowest):
        depth, above = 0, imports[index]["importer"]
        while above >= 0:
            depth, above = depth + 1, imports[above]["importer"]
        item = imports[index]
        times = f"{item['seconds'] * 1000:7.0f} ms {item['own_seconds'] * 1000:7.0f} ms own"
        yield plain(f"  {times}  {'  ' * depth}{item['name']}")
