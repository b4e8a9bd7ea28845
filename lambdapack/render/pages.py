"""The page of a check as Markdown: its docstring has headings at the margin, and their text indented below."""

from __future__ import annotations

from lambdapack.checking import Check


def sections_of(check: Check) -> tuple[str, dict[str, str]]:
    """Returns the first sentence of a page, and its sections by heading in their order; lines stay as they are."""
    head, _, rest = check.documentation.partition("\n\n")
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            lines = sections.setdefault(line.strip(), [])
        else:
            lines.append(line.removeprefix("    "))
    return " ".join(head.split()), {name: "\n".join(text).strip() for name, text in sections.items()}


def page_markdown(check: Check, level: int = 1) -> str:
    """Returns the page as Markdown, with a line end. `level` is that of its title."""
    head, sections = sections_of(check)
    parts = [f"{'#' * level} {check.code} {check.name}", head]
    for name, text in sections.items():
        parts += [f"{'#' * (level + 1)} {name}", text]
    return "\n\n".join(parts) + "\n"
