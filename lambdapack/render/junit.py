"""Reports as JUnit XML, the form that Jenkins, GitLab, CodeBuild, Azure and CircleCI read.

A suite for each report, a test case for each check that was run: a case fails where the check has a finding that
fails the report, and else what was found stands in its output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from lambdapack.finding import Finding
from lambdapack.render.text import plain
from lambdapack.report import BUG_CODE, Report


def render_junit(reports: Sequence[Report]) -> str:
    """Returns one XML document with a line end."""
    document = JUnitXml("lambdapack")
    for report in reports:
        suite = TestSuite(f"{plain(report.artifact.path)} {report.runtime} {report.architecture}")
        suite.add_testcases(list(_cases(report)))
        suite.time = round(sum(case.time or 0.0 for case in suite), 3)
        document.add_testsuite(suite)
    return document_text(document)


def document_text(document: JUnitXml) -> str:
    """Returns the XML, with the sums over its suites and a line end."""
    document.update_statistics()  # type: ignore[no-untyped-call]
    written: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return written.decode() + "\n"


def _cases(report: Report) -> Iterator[TestCase]:
    found: dict[str, list[Finding]] = {code: [] for code in report.checks}
    names = dict(report.checks)
    for finding in report.findings:
        found.setdefault(finding.code, []).append(finding)
        names[finding.code] = finding.name
    why_skipped = {item.code: item.reason for item in report.skipped if item.code}
    # What an inspection takes is that of all checks together: the first case carries it, as sums must come out right.
    seconds = report.timings.get("total", 0.0)
    for code, findings in sorted(found.items()):
        case = TestCase(f"{code} {names[code]}", f"lambdapack.{code[:3]}", round(seconds, 3))
        seconds = 0.0
        fatal = [item for item in findings if item.severity.rank <= report.fail_on.rank]
        if fatal:
            kind = Error if code == BUG_CODE else Failure
            case.result = [kind(printable(fatal[0].message), f"{code} {names[code]}")]
            case.result[0].text = printable("\n\n".join(map(finding_text, fatal)))
        elif code in why_skipped and not findings:
            case.result = [Skipped(printable(why_skipped[code]))]
        milder = [item for item in findings if item not in fatal]
        if milder:
            case.system_out = printable("\n\n".join(map(finding_text, milder)))
        yield case
    yield from _import_test(report)


def _import_test(report: Report) -> Iterator[TestCase]:
    tested = report.import_test
    if tested is None:
        return
    case = TestCase(printable(f"import {tested['handler']}"), "lambdapack.import_test", tested["seconds"] or 0.0)
    if tested["status"] == "not-run":
        case.result = [Skipped(printable(str(tested["reason"])))]
    elif tested["status"] != "ok":
        case.result = [Failure(printable(str(tested["error_message"])), printable(str(tested["error_type"])))]
        case.result[0].text = printable(str(tested["traceback"] or tested["error_message"]))
    yield case


def finding_text(finding: Finding) -> str:
    """Returns what a finding says, in lines."""
    lines: Iterable[str] = filter(
        None,
        (
            f"{finding.severity.value}[{finding.code}] {finding.name}  {finding.path or ''}".rstrip(),
            f"  {finding.message}",
            f"  reached: {' > '.join(finding.chain)}" if len(finding.chain) > 1 else "",
            f"  fix: {finding.fix}",
        ),
    )
    return "\n".join(lines)


def printable(text: str) -> str:
    """Returns a text as XML can hold it: it has no place for most control characters."""
    return "\n".join(map(plain, text.replace("\r\n", "\n").split("\n")))
