"""A diagnosis as Markdown: an answer to paste into an issue, a step summary."""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.diagnosed import Message, Problem
from lambdapack.render.causes import causes_of
from lambdapack.render.diagnosis_format import last_line, shown_beside
from lambdapack.render.heard import Heard, cause_text
from lambdapack.render.markdown import cause_lines, inline_code, markup_free
from lambdapack.render.text import TextStyle


def render_diagnosis_markdown(heard: Heard) -> str:
    """Returns the text, with a line end."""
    return "\n".join(_lines(heard)) + "\n"


def _lines(heard: Heard) -> Iterator[str]:
    found = heard.diagnosis
    verdict = "; ".join(last_line(found, TextStyle()).split("  "))
    yield f"### {'🔎' if found.found else '❓'} {markup_free(verdict)}"
    yield ""
    for problem in found.problems:
        yield from _problem(problem)
    for unknown in found.unknown:
        yield from _said(unknown.message, "no pattern knows this message")
        for near in unknown.nearest:
            yield f"- nearest: {near.pattern} ({near.likeness:.0%} alike): {markup_free(near.title)}"
        yield ""
    beside = shown_beside(found, verbose=False)
    if beside:
        yield f"#### What else is wrong in {inline_code(found.artifact or 'the artifact')}"
        yield ""
        for cause in causes_of(beside):
            yield from cause_lines(cause)
    yield from (f"- assumed {markup_free(text)}" for text in found.assumed)


def _problem(problem: Problem) -> Iterator[str]:
    yield from _said(problem.message, problem.pattern)
    cause = problem.cause
    yield f"**Cause:** {markup_free(cause_text(problem))}"
    yield ""
    if cause is not None:
        yield from (f"- {f'**{item.code}** ' if item.code else ''}{markup_free(item.text)}" for item in cause.evidence)
        if problem.misleading:
            yield f"- mind: {markup_free(problem.misleading)}"
        yield ""
        if cause.fixes:
            yield "**Fix:**"
            yield ""
            yield from (f"- {markup_free(fix)}" for fix in cause.fixes)
            yield ""
    others = [item for item in problem.causes if item is not cause]
    if others:
        yield "<details><summary>Other causes</summary>"
        yield ""
        for other in others:
            word = "ruled out" if other.status == "ruled-out" else "or"
            yield f"- {word} ({markup_free(other.name)}): {markup_free(other.sentence)}"
        yield ""
        yield "</details>"
        yield ""


def _said(message: Message, name: str) -> Iterator[str]:
    times = f" ({message.count} times)" if message.count > 1 else ""
    yield f"#### {markup_free(name)}{times}"
    yield ""
    yield f"> {inline_code(' '.join(message.text.split()))}"
    yield ""
