"""A configuration worked out from what a repository has: what `lambdapack init` writes."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lambdapack.discovery import FoundFunction, discover
from lambdapack.errors import UsageError
from lambdapack.settings import load_settings

_FALLBACK_RUNTIME = "python3.13"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_REQUIREMENTS = ("requirements.txt",)
_SHARED = ("shared", "common", "lib", "layers")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be written: `text` at the end of `path`, which `exists` or not yet. `functions` are the names in it,
    `notes` what its reader should check."""

    path: Path
    text: str
    functions: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exists(self) -> bool:
        return self.path.exists()


def propose(folder: Path) -> Proposal:
    """Works out a configuration for the repository in `folder`.

    It goes into `pyproject.toml` where there is one, else into a new `lambdapack.toml`. Raises `UsageError` when there
    is a configuration already, and when no function was found.
    """
    settings = load_settings(None, folder)
    if settings.functions and settings.folder == folder.resolve():
        raise UsageError(
            f"{settings.path}: is a configuration already; its functions are {', '.join(sorted(settings.functions))}"
        )
    found = discover(folder.resolve())
    if not found:
        raise UsageError(
            f"{folder}: no Lambda function found: no template of SAM, CDK, Serverless or Terraform, and no "
            "def handler(event, context)",
            hint="write one by hand: the README's quick start has an example",
        )
    project = folder / "pyproject.toml"
    prefix = "tool.lambdapack." if project.is_file() else ""
    path = project if project.is_file() else folder / "lambdapack.toml"
    notes: list[str] = []
    tables: list[str] = []
    names: list[str] = []
    for function in found:
        name = _name(function.name, names)
        lines = list(_lines(function, folder.resolve(), notes))
        if lines:
            names.append(name)
            tables.append("\n".join((f"[{prefix}functions.{name}]  # {function.origin}", *lines)))
    if not names:
        raise UsageError(f"{folder}: nothing that was found can be built", hint="; ".join(dict.fromkeys(notes)))
    text = "\n\n".join(tables) + "\n"
    tomllib.loads(text)  # never writes what cannot be read
    return Proposal(path, text, tuple(names), tuple(dict.fromkeys(notes)))


def write_proposal(proposal: Proposal) -> None:
    """Adds it to its file; what stands there stays as it is. Raises `UsageError` when the result is no configuration,
    and leaves the file as it was."""
    old = proposal.path.read_text(encoding="utf-8") if proposal.exists else ""
    new = f"{old.rstrip()}\n\n{proposal.text}" if old.strip() else proposal.text
    temporary = proposal.path.with_name(f".lambdapack.{os.getpid()}.toml")
    try:
        temporary.write_text(new, encoding="utf-8")
        load_settings(temporary, proposal.path.parent)
        temporary.replace(proposal.path)
    finally:
        temporary.unlink(missing_ok=True)


def _lines(function: FoundFunction, folder: Path, notes: list[str]) -> Iterator[str]:
    """The keys of one table; nothing for what cannot be built from here."""
    source = function.source
    if not function.layer and function.handler is None:
        notes.append(f"{function.origin}: left out, its handler is not written there")
        return
    if source is None:
        notes.append(f"{function.origin}: its code was not found; source was guessed")
        source = folder
    if function.layer:
        yield 'package = "layer"'
    else:
        yield f"handler = {json.dumps(function.handler)}"
    if function.image:
        yield 'package = "image"'
    runtime = function.runtime or _runtime_of_project(folder)
    if runtime is None:
        runtime = _FALLBACK_RUNTIME
        notes.append(f"{function.origin}: no current runtime is written there; {runtime} was taken")
    yield f"runtime = {json.dumps(runtime)}"
    if function.architecture not in (None, "x86_64"):
        yield f"architecture = {json.dumps(function.architecture)}"
    yield f"source = [{json.dumps(_relative(source, folder))}]"
    shared = [name for name in _SHARED if _is_package(folder / name) and _names(source, name)]
    if not function.layer and not function.image and not _has_handler(source, str(function.handler)):
        notes.append(f"{function.origin}: the file of handler {function.handler} is not in {_relative(source, folder)}")
    if shared and source != folder:
        yield f"shared = {json.dumps(shared)}"
    requirements = next(
        (place / name for place in (source, folder) for name in _REQUIREMENTS if (place / name).is_file()), None
    )
    if requirements is not None:
        yield f"requirements = {json.dumps(_relative(requirements, folder))}"
    if not function.layer:
        if source == folder:
            yield 'include = "auto"'
        yield 'pyc = "reached"'


def _has_handler(source: Path, handler: str) -> bool:
    """Whether the handler's module is there: plugins make some of them only when they deploy."""
    module = handler.rpartition(".")[0].replace(".", "/")
    if source.is_file():
        return source.stem == module
    return (source / f"{module}.py").is_file() or (source / module / "__init__.py").is_file()


def _name(name: str, taken: Iterable[str]) -> str:
    plain = _NOT_IN_NAMES.sub("-", name).strip("-")[:60] or "function"
    number = 2
    made = plain
    while made in taken:
        made, number = f"{plain}-{number}", number + 1
    return made


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _is_package(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.py"))


def _names(source: Path, package: str) -> bool:
    """True when a module directly in the source imports the package."""
    pattern = re.compile(rf"^\s*(?:from|import)\s+{re.escape(package)}\b", re.MULTILINE)
    files = source.glob("*.py") if source.is_dir() else (source,)
    return any(pattern.search(path.read_text(encoding="utf-8", errors="replace")) for path in files)


def _runtime_of_project(folder: Path) -> str | None:
    """The version in `.python-version`, which a project pins its interpreter with."""
    path = folder / ".python-version"
    match = (
        re.match(r"(3\.\d+)", path.read_text(encoding="utf-8", errors="replace").strip()) if path.is_file() else None
    )
    return f"python{match[1]}" if match else None
