"""What uv does not honour in requirement files: the hashes. And the index options, to ask the same indexes again.

`uv pip compile` reads `--hash=…` and ignores it (seen with uv 0.13: a wrong digest resolves happily), so a project
that pins hashes would get whatever the index serves. Follows `-r` and `-c` as pip does, relative to the file they
stand in. Leaves every judgement of syntax to uv, which reads the same files first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lambdapack.errors import BuildFailed

# https://pip.pypa.io/en/stable/reference/requirements-file-format/
_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"^(?:-r|-c|--requirements?|--constraints?)(?:\s*=\s*|\s+|(?<=^-[rc]))(?P<path>\S.*)$")
_INDEX_OPTION = re.compile(r"^(?:-i|-f|--index-url|--extra-index-url|--find-links|--no-index|--pre)(?:[\s=]|$)")
_WHEEL_FILE = re.compile(r"(?:^|[/\\@\s])(?P<file>(?P<name>[A-Za-z0-9_.]+)-[^/\\\s]+\.whl)(?=$|[\s;#])")
_NAME = re.compile(r"^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?=$|[\s\[(<>=!~;@])")
_HASH = re.compile(r"--hash(?:=|\s+)(?P<algorithm>\w+):(?P<digest>[0-9A-Fa-f]+)")


@dataclass(slots=True)
class RequirementDetails:
    """What was found besides the requirements. `hashes`: SHA-256 digests (hex) by normalised name.

    `index_options`: lines that say where distributions come from, as written. `direct`: file names of wheels that are
    required by path or URL, by normalised name. `files`: all requirement files that were read.
    `names`: what is named in them (not in a `pyproject.toml`), normalised.
    """

    hashes: dict[str, set[str]] = field(default_factory=dict)
    index_options: list[str] = field(default_factory=list)
    direct: dict[str, str] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def read_details(files: Iterable[Path], lines: Iterable[str], folder: Path) -> RequirementDetails:
    """Reads requirement files and loose requirement lines (whose `-r` are relative to `folder`).

    Raises `BuildFailed` for a hash that lambdapack cannot hold a wheel against.
    """
    details = RequirementDetails()
    _scan("\n".join(lines), folder, details)
    for file in files:
        _scan_file(file, details)
    return details


def _scan_file(file: Path, details: RequirementDetails) -> None:
    if file in details.files or file.suffix == ".toml":
        return
    details.files.add(file)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BuildFailed(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BuildFailed(f"{file}: is not UTF-8", hint="save the requirement file as UTF-8") from error
    _scan(text, file.parent, details)


def _scan(text: str, folder: Path, details: RequirementDetails) -> None:
    for line in _logical_lines(text):
        if include := _INCLUDE.match(line):
            target = include["path"].strip("\"'")
            if "://" not in target and (folder / target).is_file():
                _scan_file((folder / target).resolve(), details)
        elif _INDEX_OPTION.match(line):
            details.index_options.append(_absolute_option(line, folder))
        else:
            if match := _NAME.match(line):
                details.names.add(canonicalize_name(match[0]))
            if match := _WHEEL_FILE.search(line):
                details.direct[canonicalize_name(match["name"])] = unquote(match["file"])
            if "--hash" in line:
                _note_hashes(line, details)


def _logical_lines(text: str) -> Iterator[str]:
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        if line := _COMMENT.sub("", raw).strip():
            yield line


def _absolute_option(line: str, folder: Path) -> str:
    match = re.match(r"^(-f|--find-links)[\s=]+(?P<place>.+)$", line)
    if match is None or "://" in match["place"]:
        return line
    return f"--find-links {(folder / match['place']).resolve().as_uri()}"


def _note_hashes(line: str, details: RequirementDetails) -> None:
    text = line.partition("--hash")[0].strip()
    try:
        name = canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return  # uv has read the same line and is the one to complain
    found = {match["digest"].lower() for match in _HASH.finditer(line) if match["algorithm"].lower() == "sha256"}
    if not found:
        raise BuildFailed(
            f"{name}: is pinned by a hash that is not SHA-256, the only one package indexes publish",
            hint="add --hash=sha256:… to the requirement",
        )
    details.hashes.setdefault(name, set()).update(found)
