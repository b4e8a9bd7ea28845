"""What the user configured: `[tool.lambdapack]` of `pyproject.toml`, or `lambdapack.toml`.

Knows the keys, their types and what a path in them refers to. Does not know which runtimes exist (that is
`profiles`), what a handler string may name (checks) or how anything is built (`builder`): of these it only
looks at the shape. Every mistake is a `UsageError` of one line: file, dotted key, what is wrong, what to write.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from lambdapack.errors import UsageError

PackageKind = Literal["zip", "layer", "image"]

PACKAGE_KINDS: tuple[PackageKind, ...] = get_args(PackageKind)
DEFAULT_ARCHITECTURE = "x86_64"
DEFAULT_KEYS = ("runtime", "architecture")
FUNCTION_KEYS = ("handler", *DEFAULT_KEYS, "source", "shared", "requirements", "exclude", "package", "output")

# Lambda's own rule for a function's name, but for a leading `-`, which a command line would take for an option.
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_RUNTIME = re.compile(r"python3\.[0-9]+")
_ALMOST_RUNTIME = re.compile(r"(?:c?py(?:thon)?|cp)?[ _-]?3[._-]?([0-9]{1,2})(?:\.[0-9x]+)?", re.IGNORECASE)
_REQUIREMENT_SIGNS = re.compile(r"[=<>~\[@]")
_ARCHITECTURES = ("x86_64", "arm64")
ARCHITECTURE_SPELLINGS = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64", "armv8": "arm64"}


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """One `[tool.lambdapack.functions.NAME]`. All paths are absolute; `source` and `shared` exist.

    `handler`: as Lambda is given it; the empty string for a layer, which has none.
    `source`: files or folders whose *contents* stand at the artifact's root.
    `shared`: first-party packages or modules (a folder or a `.py` file) that stand at the root under their own name.
    `requirements`: requirement files (`requirement_files`) or requirement strings (`requirement_list`), not both.
    `exclude`: glob patterns over paths in the artifact.
    `output`: where the artifact is written, `dist/NAME.zip` beside the configuration by default.
    """

    name: str
    handler: str
    runtime: str
    architecture: str
    source: tuple[Path, ...]
    shared: tuple[Path, ...]
    requirement_files: tuple[Path, ...]
    requirement_list: tuple[str, ...]
    exclude: tuple[str, ...]
    package: PackageKind
    output: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration and the file it was read from (None: there is none)."""

    path: Path | None
    functions: dict[str, FunctionSettings]

    @property
    def folder(self) -> Path | None:
        """The folder that the file's relative paths start from."""
        return self.path.parent if self.path else None


def load_settings(config: Path | None, start: Path) -> Settings:
    """Reads `config`, or else the nearest configuration at or above the folder `start`.

    In each folder `lambdapack.toml` comes before a `pyproject.toml` that has `[tool.lambdapack]`; the search ends
    at a repository's top (`.git`) or the file system's. Raises `UsageError` for a wrong or missing file."""
    table = _open(config) if config is not None else _search(start)
    if table is None:
        return Settings(path=None, functions={})
    return Settings(path=table.path, functions=_functions(table))


def select_functions(settings: Settings, names: Sequence[str]) -> list[FunctionSettings]:
    """Returns the functions of these names in this order, each once; all of them when `names` is empty."""
    known = settings.functions
    if not known:
        where = _shown(settings.path) if settings.path is not None else "pyproject.toml or lambdapack.toml"
        table = "functions.NAME" if settings.path and settings.path.name != "pyproject.toml" else _PYPROJECT_EXAMPLE
        raise UsageError(f"{where}: no function is configured; add a table [{table}]")
    for name in names:
        if name not in known:
            advice = f"{_did_you_mean(name, known, ' ({})')}; the functions are {', '.join(sorted(known))}"
            raise UsageError(f"{_shown(settings.path)}: no function {name!r}{advice}")
    return [known[name] for name in dict.fromkeys(names or known)]


_PYPROJECT_EXAMPLE = "tool.lambdapack.functions.NAME"


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a configuration file: where it stands and what it holds. Its readers check type and shape."""

    path: Path
    key: str
    values: Mapping[str, Any]

    def dotted(self, key: str) -> str:
        return f"{self.key}.{key}" if self.key else key

    def error(self, key: str, problem: str) -> UsageError:
        """The one line about `key` of this table (about the table itself when `key` is empty)."""
        place = self.dotted(key) if key else self.key
        return UsageError(f"{_shown(self.path)}: {place}: {problem}" if place else f"{_shown(self.path)}: {problem}")

    def wrong_type(self, key: str, wanted: str, value: object, example: str = "") -> UsageError:
        return self.error(key, f"wanted {wanted}, got {_type_name(value)}" + (f"; write {example}" if example else ""))

    def refuse_unknown(self, known: Sequence[str]) -> None:
        unknown = [key for key in self.values if key not in known]
        if not unknown:
            return
        if len(unknown) == 1:
            nearest = _did_you_mean(unknown[0], known)
            raise self.error(unknown[0], f"unknown key{nearest or '; the keys are ' + ', '.join(known)}")
        listed = ", ".join(f"{key!r}" + _did_you_mean(key, known, " ({})") for key in unknown)
        raise self.error("", f"unknown keys {listed}; the keys are {', '.join(known)}")

    def table(self, key: str) -> _Table | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong_type(key, "a table", value)
        return _Table(self.path, self.dotted(key), value)

    def string(self, key: str, example: str) -> str | None:
        """A string with something in it, or None when the key is not there."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, str):
            raise self.wrong_type(key, "a string", value, f'{key} = "{example}"')
        if not value.strip():
            raise self.error(key, f'is empty; write {key} = "{example}", or leave the key out')
        return value

    def strings(self, key: str, example: str) -> tuple[str, ...]:
        """A list of strings, each with something in it; empty when the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            shown = value if isinstance(value, str) and value.strip() else example
            raise self.wrong_type(key, "a list of strings", value, f'{key} = ["{shown}"]')
        for index, item in enumerate(value):
            if not isinstance(item, str):
                raise self.wrong_type(f"{key}[{index}]", "a string", item)
            if not item.strip():
                raise self.error(f"{key}[{index}]", "is empty; remove it")
        return tuple(value)

    def existing(self, key: str, text: str) -> Path:
        """The path that `text` names, seen from the configuration file."""
        path = self.absolute(text)
        if not _exists(path):
            siblings = path.parent.iterdir() if path.parent.is_dir() else ()
            nearest = _nearest(path.name, [sibling.name for sibling in siblings])
            advice = f"did you mean '{Path(text).with_name(nearest).as_posix()}'?" if nearest else "mend the path"
            raise self.error(key, f"'{text}' does not exist (looked for {_shown(path)}); {advice}")
        return path

    def absolute(self, text: str) -> Path:
        """Absolute, without `..`; the last name stays as it was written, because a linked package keeps its name."""
        path = self.path.parent / text
        return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name


# --- finding and opening the file ---------------------------------------------------------------------------


def _search(start: Path) -> _Table | None:
    start = start.resolve()
    for folder in (start, *start.parents):
        own = folder / "lambdapack.toml"
        if own.is_file():
            return _open(own)
        project = folder / "pyproject.toml"
        # Someone else's pyproject.toml is none of our business, not even when it is broken.
        if project.is_file() and b"lambdapack" in _bytes(project):
            table = _own_table(project, _document(project))
            if table is not None:
                return table
        if (folder / ".git").exists():
            break
    return None


def _open(config: Path) -> _Table:
    if config.is_dir():
        raise UsageError(f"{_shown(config)}: is a folder; name the pyproject.toml or lambdapack.toml itself")
    path = config.absolute()
    table = _own_table(path, _document(path))
    if table is None:
        raise UsageError(f"{_shown(path)}: has no [tool.lambdapack]; add a table [{_PYPROJECT_EXAMPLE}]")
    return table


def _own_table(path: Path, document: dict[str, Any]) -> _Table | None:
    """Our part of a file: `[tool.lambdapack]`, or the whole of one that is not a `pyproject.toml`."""
    tool = document.get("tool")
    if isinstance(tool, dict) and "lambdapack" in tool and "functions" not in document:
        return _Table(path, "tool", tool).table("lambdapack")
    return None if path.name == "pyproject.toml" else _Table(path, "", document)


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{_shown(path)}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{_shown(path)}: is not valid TOML: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{_shown(path)}: does not exist; mend the path given with --config") from error
    except OSError as error:
        raise UsageError(f"{_shown(path)}: cannot be read: {error.strerror or error}") from error


# --- the tables ---------------------------------------------------------------------------------------------


def _functions(table: _Table) -> dict[str, FunctionSettings]:
    table.refuse_unknown(("functions", *DEFAULT_KEYS))
    runtime, architecture = _runtime(table), _architecture(table)
    functions: dict[str, FunctionSettings] = {}
    named = table.table("functions")
    for name in named.values if named else ():
        assert named is not None
        if not _FUNCTION_NAME.fullmatch(name):
            raise named.error("", f"{name!r} is not a function's name; use up to 64 letters, digits, '-' and '_'")
        own = named.table(name)
        assert own is not None
        functions[name] = _function(own, name, runtime, architecture)
    _refuse_shared_output(named, functions)
    return functions


def _function(table: _Table, name: str, runtime: str | None, architecture: str | None) -> FunctionSettings:
    table.refuse_unknown(FUNCTION_KEYS)
    package = _package(table)
    handler = table.string("handler", "handler.lambda_handler")
    if handler is None and package != "layer":
        raise table.error("handler", 'is missing; write handler = "MODULE.FUNCTION"')
    runtime = _runtime(table) or runtime
    if runtime is None:
        raise table.error("runtime", 'is missing; write runtime = "python3.13", here or once for all functions')
    source = tuple(_paths(table, "source", "src"))
    shared = tuple(_paths(table, "shared", "shared", _refuse_other_than_python))
    requirement_files, requirement_list = _requirements(table)
    if not (source or shared or requirement_files or requirement_list):
        raise table.error("source", 'is missing, and nothing else is packed; write source = ["FOLDER"]')
    return FunctionSettings(
        name=name,
        handler=handler or "",
        runtime=runtime,
        architecture=_architecture(table) or architecture or DEFAULT_ARCHITECTURE,
        source=source,
        shared=shared,
        requirement_files=requirement_files,
        requirement_list=requirement_list,
        exclude=table.strings("exclude", "**/__pycache__/**"),
        package=package,
        output=_output(table, name),
    )


def _runtime(table: _Table) -> str | None:
    runtime = table.string("runtime", "python3.13")
    if runtime is None or _RUNTIME.fullmatch(runtime):
        return runtime
    almost = _ALMOST_RUNTIME.fullmatch(runtime.strip())
    advice = f"did you mean 'python3.{almost[1]}'?" if almost else "it looks like 'python3.13'"
    raise table.error("runtime", f"{runtime!r} is not a Python runtime of Lambda; {advice}")


def _architecture(table: _Table) -> str | None:
    architecture = table.string("architecture", DEFAULT_ARCHITECTURE)
    if architecture is None or architecture in _ARCHITECTURES:
        return architecture
    lower = architecture.lower()
    nearest = ARCHITECTURE_SPELLINGS.get(lower) or _nearest(lower, _ARCHITECTURES)
    advice = f"did you mean {nearest!r}?" if nearest else "write 'x86_64' or 'arm64'"
    raise table.error("architecture", f"{architecture!r} is not an architecture of Lambda; {advice}")


def _package(table: _Table) -> PackageKind:
    given = table.string("package", "zip") or "zip"
    for kind in PACKAGE_KINDS:
        if given == kind:
            return kind
    advice = _did_you_mean(given, PACKAGE_KINDS) or "; write 'zip', 'layer' or 'image'"
    raise table.error("package", f"{given!r} is not a kind of package{advice}")


def _paths(
    table: _Table, key: str, example: str, refuse: Callable[[_Table, str, Path], None] | None = None
) -> Iterator[Path]:
    for index, text in enumerate(table.strings(key, example)):
        path = table.existing(f"{key}[{index}]", text)
        if refuse is not None:
            refuse(table, f"{key}[{index}]", path)
        yield path


def _refuse_other_than_python(table: _Table, key: str, path: Path) -> None:
    if not path.is_dir() and path.suffix != ".py":
        raise table.error(key, f"{_shown(path)} is neither a folder nor a .py file; name a package or a module")


def _requirements(table: _Table) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Requirement files and requirement strings; one of the two is empty."""
    value = table.values.get("requirements", [])
    if isinstance(value, str):
        text = table.string("requirements", "requirements.txt") or ""
        if _REQUIREMENT_SIGNS.search(text) and not _exists(table.absolute(text)):
            raise table.wrong_type(
                "requirements", "a file name or a list of requirements", text, f'requirements = ["{text}"]'
            )
        path = table.existing("requirements", text)
        if not path.is_file():
            raise table.error("requirements", f"{_shown(path)} is not a file; name a requirements file")
        return (path,), ()
    if not isinstance(value, list):
        wanted = "the name of a requirements file or a list of requirements"
        raise table.wrong_type("requirements", wanted, value, 'requirements = "requirements.txt"')
    listed = table.strings("requirements", "requests>=2")
    for index, text in enumerate(listed):
        if text.startswith("-") or (text.endswith((".txt", ".in")) and table.absolute(text).is_file()):
            problem = f"{text!r} is not a requirement; a requirements file is named by a string, not in a list"
            raise table.error(f"requirements[{index}]", problem)
    return (), listed


def _output(table: _Table, name: str) -> Path:
    path = table.absolute(table.string("output", f"dist/{name}.zip") or f"dist/{name}.zip")
    if path.is_dir():
        raise table.error("output", f"{_shown(path)} is a folder; name the file to write, e.g. {name}.zip in it")
    return path


def _refuse_shared_output(table: _Table | None, functions: Mapping[str, FunctionSettings]) -> None:
    first: dict[Path, str] = {}
    for name, function in functions.items():
        other = first.setdefault(function.output, name)
        if table is not None and other != name:
            problem = f"{_shown(function.output)} is written by {other!r} too; give each function its own"
            raise table.error(f"{name}.output", problem)


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a name that is too long


# --- wording ------------------------------------------------------------------------------------------------


def _shown(path: Path | None) -> str:
    """A path as people write it: from the current folder where it lies below it."""
    if path is None:
        return "configuration"
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else str(absolute)


def _type_name(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "an integer", float: "a float", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _nearest(given: str, known: Iterable[str]) -> str | None:
    """The known word that `given` is a slip of, if one is near: other case or hyphens, a beginning, a typing error."""
    folded = {word.lower().replace("-", "_"): word for word in known}
    wanted = given.lower().replace("-", "_")
    beginnings = [word for word in folded if len(wanted) > 2 and word.startswith(wanted)]
    close = [wanted] if wanted in folded else beginnings or difflib.get_close_matches(wanted, folded, 1)
    return folded[close[0]] if close else None


def _did_you_mean(given: str, known: Iterable[str], shape: str = "; {}") -> str:
    nearest = _nearest(given, known)
    return shape.format(f"did you mean {nearest!r}?") if nearest else ""
