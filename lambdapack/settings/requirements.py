"""The key `requirements` of a function: which files or strings say what it depends on, and which part of them counts.

Looks at names and shapes only; what is in the files, and what counts where the key is left out, is `builder`'s to find.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lambdapack.settings.table import Table, exists
from lambdapack.settings.wording import shown

_SIGNS = re.compile(r"[=<>~\[@]")
_KEYS = ("file", "list", "package", "extras", "groups", "from-source", "build-image")
_EXAMPLE = "requirements.txt"


@dataclass(frozen=True, slots=True)
class RequirementOptions:
    """Which part of the requirements counts. All names as written.

    `package`: the member of a workspace whose dependencies are meant (`uv.lock`). `extras`, `groups`: what is packed
    besides the plain dependencies. `from_source`: distributions that are built from their sdist although they have
    wheels. `build_image`: the image that native code is built in, instead of the official base image with a compiler.
    `detect`: the key is not there, so what the project declares anyway is used.
    """

    package: str | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    from_source: tuple[str, ...] = ()
    build_image: str | None = None
    detect: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """The key as a whole: requirement files or requirement strings, not both, and the options."""

    files: tuple[Path, ...]
    strings: tuple[str, ...]
    options: RequirementOptions


def read_requirements(table: Table) -> Requirements:
    """Reads `requirements`: a file name, a list of requirements, or a table with `file` or `list` and options."""
    value = table.values.get("requirements")
    if value is None:
        return Requirements((), (), RequirementOptions(detect=True))
    if isinstance(value, str):
        return Requirements((_file(table, "requirements"),), (), RequirementOptions())
    if isinstance(value, list):
        return Requirements((), _strings(table, "requirements"), RequirementOptions())
    inner = table.table("requirements") if isinstance(value, dict) else None
    if inner is None:
        wanted = "the name of a requirements file, a list of requirements or a table"
        raise table.wrong_type("requirements", wanted, value, f'requirements = "{_EXAMPLE}"')
    inner.refuse_unknown(_KEYS)
    if "file" in inner.values and "list" in inner.values:
        raise inner.error("list", "stands beside `file`; keep one of the two")
    options = RequirementOptions(
        package=inner.string("package", "api"),
        extras=inner.strings("extras", "aws"),
        groups=inner.strings("groups", "lambda"),
        from_source=inner.strings("from-source", "psycopg2"),
        build_image=inner.string("build-image", "my-build-image:latest"),
        detect=not {"file", "list"} & inner.values.keys(),
    )
    files = (_file(inner, "file"),) if "file" in inner.values else ()
    return Requirements(files, _strings(inner, "list"), options)


def _file(table: Table, key: str) -> Path:
    text = table.string(key, _EXAMPLE) or ""
    if _SIGNS.search(text) and not exists(table.absolute(text)):
        raise table.wrong_type(key, "a file name or a list of requirements", text, f'requirements = ["{text}"]')
    path = table.existing(key, text)
    if not path.is_file():
        raise table.error(key, f"{shown(path)} is not a file; name a requirements file or a lock")
    return path


def _strings(table: Table, key: str) -> tuple[str, ...]:
    listed = table.strings(key, "requests>=2")
    for index, text in enumerate(listed):
        if text.startswith("-") or (text.endswith((".txt", ".in")) and table.absolute(text).is_file()):
            problem = f"{text!r} is not a requirement; a requirements file is named by a string, not in a list"
            raise table.error(f"{key}[{index}]", problem)
    return listed
