"""Where a function's dependencies are declared: what the configuration names, or else what stands beside its code.

Knows the names of the files and which of them comes first; reads of their content only what tells a project from
another. How each is read: `locked.py`, `uv_command.py`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.utils import canonicalize_name

from lambdapack.errors import BuildFailed, UsageError
from lambdapack.memo import Readings
from lambdapack.settings import FunctionSettings

InputKind = Literal["nothing", "requirements", "uv", "poetry", "pipenv", "pylock"]

_LOCKS: dict[str, InputKind] = {"uv.lock": "uv", "poetry.lock": "poetry", "Pipfile.lock": "pipenv"}
_PROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be resolved. `folder` is where uv runs: it looks for its configuration there, and relative paths in
    `strings` start there.

    `files`: requirement files or a `pyproject.toml` (kind `requirements`), or one lock. `own`: the project that the
    function itself belongs to is packed, too, because nothing else of it is. The rest as in `RequirementOptions`.
    """

    kind: InputKind
    files: tuple[Path, ...]
    strings: tuple[str, ...]
    folder: Path
    package: str | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    from_source: frozenset[str] = frozenset()
    own: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The inputs as a plan lists them: paths of files, or requirement strings."""
        return (*map(str, self.files), *self.strings)


def requirement_inputs(folder: Path, files: tuple[Path, ...] = (), strings: tuple[str, ...] = ()) -> Inputs:
    """Inputs that are requirement files and strings."""
    return Inputs("requirements" if files or strings else "nothing", files, strings, folder)


def find_inputs(function: FunctionSettings, root: Path, readings: Readings | None = None) -> Inputs:
    """Returns a function's inputs. `root` is the folder of the configuration; `readings` is told where was looked.

    Raises `UsageError` where two locks of different tools leave open which one counts, or for options that the input
    has no place for.
    """
    options = function.requirement_options
    files = function.requirement_files
    package = options.package
    if options.detect:
        files, package = _detect(function, root, package, readings or Readings(noting=False))
    folder = files[0].parent if files else root
    kind = kind_of(files[0]) if files else "requirements" if function.requirement_list else "nothing"
    inputs = Inputs(
        kind=kind,
        files=files,
        strings=function.requirement_list,
        folder=folder,
        package=package,
        extras=options.extras,
        groups=options.groups,
        from_source=frozenset(map(canonicalize_name, options.from_source)),
        own=not (function.source or function.shared),
    )
    _refuse_misplaced(inputs, options.package)
    return inputs


def kind_of(file: Path) -> InputKind:
    """Tells by its name what a file is."""
    if is_pylock(file):
        return "pylock"
    return _LOCKS.get(file.name, "requirements")


def is_pylock(file: Path) -> bool:
    """True for `pylock.toml` and `pylock.NAME.toml` (PEP 751)."""
    return file.name == "pylock.toml" or (file.name.startswith("pylock.") and file.name.count(".") == 2)


def read_project(folder: Path) -> dict[str, Any]:
    """Returns the `pyproject.toml` of a folder, or nothing where there is none. Raises `BuildFailed`."""
    try:
        return tomllib.loads((folder / _PROJECT).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BuildFailed(f"{folder / _PROJECT}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BuildFailed(f"{folder / _PROJECT}: is not valid TOML: {error}") from error


def _detect(
    function: FunctionSettings, root: Path, package: str | None, readings: Readings
) -> tuple[tuple[Path, ...], str | None]:
    """The nearest declaration at or above the function's sources, up to the folder of the configuration."""
    starts = [place if place.is_dir() else place.parent for place in function.source] or [root]
    for start in starts:
        for folder in _upwards(start, root):
            file = _declared_in(folder, readings)
            if file is None:
                continue
            if file.name == _PROJECT:
                lock, member = _lock_of_workspace(folder, readings)
                if lock is not None:
                    return (lock,), package or member
            return (file,), package
    return (), package


def _upwards(start: Path, root: Path) -> Iterator[Path]:
    start, root = start.resolve(), root.resolve()
    yield start
    if start.is_relative_to(root):
        for folder in start.parents:
            if not folder.is_relative_to(root):
                break
            yield folder


def _declared_in(folder: Path, readings: Readings) -> Path | None:
    for name in ("pylock.toml", *_LOCKS, "requirements.txt", _PROJECT):
        readings.file(folder / name)
    if (folder / "pylock.toml").is_file():
        return folder / "pylock.toml"
    locks = [folder / name for name in _LOCKS if (folder / name).is_file()]
    if len(locks) > 1:
        names = " and ".join(lock.name for lock in locks)
        raise UsageError(
            f"{folder} has {names}, and nothing says which one counts",
            hint=f'name it: requirements = "{locks[0].name}"',
        )
    if locks:
        return locks[0]
    if (folder / "requirements.txt").is_file():
        return folder / "requirements.txt"
    return folder / _PROJECT if "project" in read_project(folder) else None


def _lock_of_workspace(folder: Path, readings: Readings) -> tuple[Path | None, str | None]:
    """The `uv.lock` above a folder that knows it as a member of its workspace, and the member's name."""
    for above in folder.parents:
        lock = above / "uv.lock"
        readings.file(lock)
        if lock.is_file():
            try:
                packages = tomllib.loads(lock.read_text(encoding="utf-8")).get("package", [])
            except (OSError, ValueError):
                return None, None  # whoever reads it for its content says what is wrong with it
            for package in packages:
                source = package.get("source", {})
                place = source.get("editable") or source.get("virtual")
                if place and Path(os.path.normpath(above / place)) == folder:
                    return lock, str(package["name"])
        if (above / ".git").exists():
            break
    return None, None


def _refuse_misplaced(inputs: Inputs, package: str | None) -> None:
    """Options that the kind of input has no place for are mistakes, not nothing."""
    name = inputs.files[0].name if inputs.files else "a list of requirements"
    if package and inputs.kind != "uv":
        raise UsageError(
            f"requirements.package: {name} has no members of a workspace", hint="`package` goes with a uv.lock"
        )
    is_project = inputs.kind == "requirements" and bool(inputs.files) and inputs.files[0].suffix == ".toml"
    if (inputs.extras or inputs.groups) and (inputs.kind in ("requirements", "nothing") and not is_project):
        raise UsageError(
            f"requirements: {name} has no extras and groups", hint="they go with a lock or a pyproject.toml"
        )
    if inputs.extras and inputs.kind == "pipenv":
        raise UsageError("requirements.extras: a Pipfile.lock has no extras", hint="use `groups` for its categories")
