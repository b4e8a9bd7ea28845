"""A diagnosis as JUnit XML: a failed case for each error of the log, a case for each other finding in the artifact."""

from __future__ import annotations

from collections.abc import Iterator

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from lambdapack.diagnosed import Problem
from lambdapack.finding import Severity
from lambdapack.render.heard import Heard, cause_text
from lambdapack.render.junit import document_text, finding_text, printable


def render_diagnosis_junit(heard: Heard) -> str:
    """Returns one XML document with a line end."""
    found = heard.diagnosis
    about = " ".join(filter(None, (found.artifact or heard.origin or "log", found.runtime, found.architecture)))
    suite = TestSuite(printable(f"diagnosis of {about}"))
    suite.add_testcases(list(_cases(heard)))
    document = JUnitXml("lambdapack")
    document.add_testsuite(suite)
    return document_text(document)


def _cases(heard: Heard) -> Iterator[TestCase]:
    for problem in heard.diagnosis.problems:
        case = _case(problem.pattern, heard.place(problem.message.line))
        case.result = [Failure(printable(cause_text(problem)), printable(problem.message.error_type or "error"))]
        case.result[0].text = printable("\n".join(_told(problem)))
        yield case
    for unknown in heard.diagnosis.unknown:
        case = _case("no pattern knows this message", heard.place(unknown.message.line))
        case.result = [Error(printable(unknown.message.text), printable(unknown.message.error_type or "error"))]
        case.result[0].text = printable(
            "\n".join([unknown.message.text, *(f"nearest: {near.pattern}: {near.title}" for near in unknown.nearest)])
        )
        yield case
    for finding in heard.diagnosis.also:
        case = TestCase(printable(f"{finding.code} {finding.name} {finding.path or ''}".rstrip()), "lambdapack.also")
        if finding.severity is Severity.ERROR:
            case.result = [Failure(printable(finding.message), f"{finding.code} {finding.name}")]
            case.result[0].text = printable(finding_text(finding))
        else:
            case.system_out = printable(finding_text(finding))
        yield case


def _case(name: str, place: str) -> TestCase:
    return TestCase(printable(f"{name} ({place})"), "lambdapack.diagnose")


def _told(problem: Problem) -> Iterator[str]:
    yield problem.message.text
    yield f"cause: {cause_text(problem)}"
    if problem.cause is not None:
        yield from (f"  {evidence.text}" for evidence in problem.cause.evidence)
        yield from (f"fix: {fix}" for fix in problem.cause.fixes)
    for other in problem.causes:
        if other is not problem.cause:
            yield f"{'ruled out' if other.status == 'ruled-out' else 'or'} ({other.name}): {other.sentence}"
