"""The forms a diagnosis can take, by name, and those that are a line or a case for each error. The larger ones have
modules of their own, which are loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.render.github import annotation, cause_annotation
from lambdapack.render.heard import Heard, cause_text, first_fix
from lambdapack.render.text import TextStyle, plain


def render_diagnosis(form: str, heard: Heard, style: TextStyle) -> str:
    """Returns a diagnosis in one of `forms.FORMS`, with a line end (`github` may have nothing to say)."""
    match form:
        case "text":
            from lambdapack.render.diagnosis_format import render_diagnosis_text

            return render_diagnosis_text(heard.diagnosis, style)
        case "concise":
            return "".join(f"{line}\n" for line in _concise(heard, style))
        case "json":
            from lambdapack.render.diagnosis_format import render_diagnosis_json

            return render_diagnosis_json(heard.diagnosis)
        case "sarif":
            from lambdapack.render.diagnosis_sarif import render_diagnosis_sarif

            return render_diagnosis_sarif(heard)
        case "junit":
            from lambdapack.render.diagnosis_junit import render_diagnosis_junit

            return render_diagnosis_junit(heard)
        case "github":
            return "".join(f"{line}\n" for line in _annotations(heard, style))
        case "markdown":
            from lambdapack.render.diagnosis_markdown import render_diagnosis_markdown

            return render_diagnosis_markdown(heard)
        case "html":
            from lambdapack.render.html import render_diagnosis_html

            return render_diagnosis_html(heard.diagnosis)
        case _:
            raise ValueError(f"no form of a diagnosis: {form}")


def _concise(heard: Heard, style: TextStyle) -> Iterator[str]:
    """One line for each error, and for each finding beside them: `PLACE: severity[NAME] what; fix: how`."""
    from lambdapack.render.concise import finding_line
    from lambdapack.render.diagnosis_format import last_line, shown_beside

    found = heard.diagnosis
    for problem in found.problems:
        fix = first_fix(problem)
        told = plain(cause_text(problem)) + (f"; fix: {plain(fix)}" if fix else "")
        yield f"{heard.place(problem.message.line)}: {style.paint('error', f'error[{problem.pattern}]')} {told}"
    for unknown in found.unknown:
        word = style.paint("warning", "unknown")
        yield f"{heard.place(unknown.message.line)}: {word} {plain(' '.join(unknown.message.text.split()))}"
    if found.report is not None:
        for finding in shown_beside(found, verbose=style.verbose):
            yield finding_line(finding, found.report, style)
    yield last_line(found, style)


def _annotations(heard: Heard, style: TextStyle) -> Iterator[str]:
    from lambdapack.render.causes import causes_of
    from lambdapack.render.diagnosis_format import shown_beside

    found = heard.diagnosis
    for problem in found.problems:
        fix = first_fix(problem)
        lines = [problem.message.text, f"cause: {cause_text(problem)}", *([f"fix: {fix}"] if fix else [])]
        yield annotation("error", f"{problem.pattern} ({heard.place(problem.message.line)})", lines)
    for unknown in found.unknown:
        title = f"no pattern knows this message ({heard.place(unknown.message.line)})"
        yield annotation("warning", title, [unknown.message.text])
    if found.report is not None:
        for cause in causes_of(shown_beside(found, verbose=style.verbose)):
            yield cause_annotation(found.report, cause)
