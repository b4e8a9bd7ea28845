"""The pages of the reference, written from the code: commands, configuration, checks, reports, the Python API."""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import lambdapack
from lambdapack.catalogue import all_checks
from lambdapack.cli.app import command_line
from lambdapack.finding import Severity
from lambdapack.render.forms import FORMS
from lambdapack.render.pages import page_markdown
from lambdapack.settings.functions import FUNCTION_KEYS

ROOT = Path(__file__).parents[2]
KEYS_FILE = Path(__file__).with_name("keys.toml")
_SUBJECTS = {
    "PKG": "The package: sizes, paths, modes",
    "ELF": "Native code",
    "DST": "Distributions and wheels",
    "IMP": "Imports and the handler",
    "SHD": "Shadowing and layers",
    "IMG": "Container images",
    "RUN": "Import test and invocation",
    "BLD": "Builds and locks",
}


def generated_pages() -> dict[str, str]:
    """Returns Markdown by the page's path in the site."""
    pages = {
        "reference/commands.md": "\n".join(_commands()),
        "reference/configuration.md": "\n".join(_configuration()),
        "reference/checks/index.md": "\n".join(_checks()),
        "reference/reports.md": "\n".join(_reports()),
        "reference/api.md": "\n".join(_api()),
        "reference/changes.md": _copied("CHANGELOG.md", "Changes"),
        "how-to/dependencies.md": _copied("docs/dependencies.md", "Declare dependencies"),
        "explanation/accuracy.md": _copied("docs/accuracy.md", None),
        "explanation/performance.md": _copied("docs/performance.md", None),
    }
    pages |= {f"reference/checks/{check.code}.md": page_markdown(check) for check in all_checks()}
    return pages


def key_table() -> dict[str, Any]:
    """Returns what `keys.toml` says of the configuration's keys."""
    return tomllib.loads(KEYS_FILE.read_text(encoding="utf-8"))


def _copied(name: str, title: str | None) -> str:
    """A file of the repository as a page: its links go to the repository's own files, so they become plain text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)
    return re.sub(r"\A# .*\n", f"# {title}\n", text) if title else text


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "Every command explains itself with `--help`; this page is the same text."
    with click.Context(command_line, info_name="lambdapack") as context:
        for name in command_line.list_commands(context):
            command = command_line.get_command(context, name)
            assert command is not None
            yield from _command(command, f"lambdapack {name}", 2)


def _command(command: click.Command, name: str, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, max_content_width=100, terminal_width=100)
    yield f"\n{'#' * level} {name}\n"
    yield "```text"
    yield command.get_help(context)
    yield "```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _command(found, f"{name} {inner}", level + 1)


def _configuration() -> Iterator[str]:
    said = key_table()
    yield "# Configuration"
    yield ""
    yield said["introduction"].strip()
    yield ""
    yield "## Keys of a function"
    yield ""
    yield "| key | meaning | default |"
    yield "|---|---|---|"
    for key in FUNCTION_KEYS:
        entry = said["keys"][key]
        yield f"| `{key}` | {entry['meaning']} | {entry['default']} |"
    yield ""
    yield said["more"].strip()


def _checks() -> Iterator[str]:
    yield "# Checks"
    yield ""
    yield (
        "What a finding is called, and what its check looks for. `lambdapack explain CODE` prints the same page. "
        "An **error** will fail on Lambda, a **warning** may, an **info** is worth knowing."
    )
    checks = all_checks()
    for prefix, subject in _SUBJECTS.items():
        yield f"\n## {subject}\n"
        yield "| code | name | an artifact … | as |"
        yield "|---|---|---|---|"
        for check in checks:
            if check.code.startswith(prefix):
                severities = ", ".join(sorted(check.severities, key=lambda word: Severity(word).rank))
                yield f"| [{check.code}]({check.code}.md) | {check.name} | {check.title} | {severities} |"


def _reports() -> Iterator[str]:
    yield "# Reports"
    yield ""
    yield (
        "`--format FORM` says how the report is printed, `--report FORM=FILE` writes it to a file, too, and may be "
        f"repeated. The forms are {', '.join(f'`{form}`' for form in FORMS)}."
    )
    yield ""
    yield "| file in the package | describes |"
    yield "|---|---|"
    for path in sorted((ROOT / "lambdapack").rglob("*.schema.json")):
        title = re.search(r'"title":\s*"([^"]+)"', path.read_text(encoding="utf-8"))
        yield f"| `{path.relative_to(ROOT).as_posix()}` | {title[1] if title else path.stem} |"
    yield ""
    yield "Every JSON document has a `schema_version`; it is raised when a part is taken away or changes its meaning."


def _api() -> Iterator[str]:
    head, _, rest = inspect.cleandoc(lambdapack.__doc__ or "").partition("\n\n")
    example, _, more = rest.partition("\n\n\n") if "\n\n\n" in rest else rest.rpartition("\n\n")
    yield "# Python API"
    yield f"\n{head}\n"
    yield f"```python\n{inspect.cleandoc(example)}\n```\n"
    yield more
    names = [name for name in lambdapack.__all__ if not name.startswith("_")]
    for name in sorted(names, key=lambda name: (not inspect.isfunction(getattr(lambdapack, name)), name)):
        found = getattr(lambdapack, name)
        yield f"\n## {name}\n"
        if inspect.isfunction(found):
            yield f"```python\n{_signature(name, inspect.signature(found))}\n```\n"
        yield inspect.cleandoc(found.__doc__ or "")
        if dataclasses.is_dataclass(found):
            yield "\n| attribute | type |\n|---|---|"
            for field in dataclasses.fields(found):
                kind = str(field.type).replace("|", "\\|")
                yield f"| `{field.name}` | `{kind}` |"


def _signature(name: str, signature: inspect.Signature) -> str:
    """A signature with a line for each parameter, as the code has it."""
    lines = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in lines:
            lines.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        lines.append(f"{parameter.name}: {parameter.annotation}{default}")
    inside = "".join(f"    {line},\n" for line in lines)
    return f"{name}(\n{inside}) -> {signature.return_annotation}"
