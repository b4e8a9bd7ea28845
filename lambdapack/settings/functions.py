"""The configured functions: `[tool.lambdapack.functions.NAME]` and the defaults above them.

Does not know which runtimes exist (that is `profiles`), what a handler string may name (checks) or how anything is
built (`builder`): of these it only looks at the shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from lambdapack.settings.ignores import Ignore, read_ignores
from lambdapack.settings.packing import PACKING_KEYS, Packing, read_packing
from lambdapack.settings.requirements import RequirementOptions, read_requirements
from lambdapack.settings.table import Table, exists
from lambdapack.settings.wording import did_you_mean, nearest_word, shown

PackageKind = Literal["zip", "layer", "image"]

PACKAGE_KINDS: tuple[PackageKind, ...] = get_args(PackageKind)
DEFAULT_ARCHITECTURE = "x86_64"
DEFAULT_KEYS = ("runtime", "architecture")
FUNCTION_KEYS = (
    "handler",
    *DEFAULT_KEYS,
    "source",
    "shared",
    "requirements",
    "exclude",
    "package",
    "output",
    "layers",
    "contracts",
    "ignore",
    *PACKING_KEYS,
)

# Lambda's own rule for a function's name, but for a leading `-`, which a command line would take for an option.
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_RUNTIME = re.compile(r"python3\.[0-9]+")
_ALMOST_RUNTIME = re.compile(r"(?:c?py(?:thon)?|cp)?[ _-]?3[._-]?([0-9]{1,2})(?:\.[0-9x]+)?", re.IGNORECASE)
_CONTRACT = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_CONTRACT_EXAMPLE = "shared.config:Config.load"
_ARCHITECTURES = ("x86_64", "arm64")
ARCHITECTURE_SPELLINGS = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64", "armv8": "arm64"}


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """One `[tool.lambdapack.functions.NAME]`. All paths are absolute; `source` and `shared` exist.

    `handler`: as Lambda is given it; the empty string for a layer, which has none.
    `source`: files or folders whose *contents* stand at the artifact's root.
    `shared`: first-party packages or modules (a folder or a `.py` file) that stand at the root under their own name.
    `requirements`: files (`requirement_files`: requirement files, locks) or requirement strings (`requirement_list`),
    not both; `requirement_options` say which part of them counts.
    `exclude`: glob patterns over paths in the artifact.
    `output`: where the artifact is written, by default `dist/NAME.zip` (an image: `dist/NAME.tar`) beside the
    configuration.
    `layers`: ZIPs or folders of the layers it runs with, in order; they may not be there yet. `named_layers`: those
    of them that are configured here, with their names.
    `contracts`: names that have to be in the artifact besides, `package.module:Name.attribute`.
    `ignores`: findings that do not count, those of all functions first. `packing`: how the artifact is put together.
    `used_by`: of a layer, the functions that name it.
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
    layers: tuple[Path, ...] = ()
    named_layers: tuple[tuple[str, Path], ...] = ()
    contracts: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    packing: Packing = field(default_factory=Packing)
    used_by: tuple[FunctionSettings, ...] = ()
    requirement_options: RequirementOptions = field(default_factory=RequirementOptions)


def read_functions(table: Table) -> dict[str, FunctionSettings]:
    """Reads the defaults and the functions of our table; other keys of it are a `UsageError`."""
    table.refuse_unknown(("functions", *DEFAULT_KEYS, "ignore"))
    defaults = _Defaults(_runtime(table), _architecture(table), read_ignores(table))
    functions: dict[str, FunctionSettings] = {}
    named = table.table("functions")
    for name in named.values if named else ():
        assert named is not None
        if not _FUNCTION_NAME.fullmatch(name):
            raise named.error("", f"{name!r} is not a function's name; use up to 64 letters, digits, '-' and '_'")
        own = named.table(name)
        assert own is not None
        functions[name] = _function(own, name, defaults)
    _refuse_shared_output(named, functions)
    if named is None:
        return functions
    functions = {name: _with_layers(named, functions, name) for name in functions}
    return {name: _with_users(named, functions, name) for name in functions}


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What stands above the functions and holds for all of them."""

    runtime: str | None
    architecture: str | None
    ignores: tuple[Ignore, ...]


def _function(table: Table, name: str, defaults: _Defaults) -> FunctionSettings:
    table.refuse_unknown(FUNCTION_KEYS)
    package = _package(table)
    handler = table.string("handler", "handler.lambda_handler")
    if handler is None and package != "layer":
        raise table.error("handler", 'is missing; write handler = "MODULE.FUNCTION"')
    runtime = _runtime(table) or defaults.runtime
    if runtime is None:
        raise table.error("runtime", 'is missing; write runtime = "python3.13", here or once for all functions')
    source = tuple(_paths(table, "source", "src"))
    shared = tuple(_paths(table, "shared", "shared", _refuse_other_than_python))
    requirements = read_requirements(table)
    to_find = requirements.options.detect and "requirements" in table.values
    packing = read_packing(table, package)
    if packing.include == "auto" and not (source or shared):
        source = (table.path.parent,)
    if not (source or shared or requirements.files or requirements.strings or to_find):
        raise table.error("source", 'is missing, and nothing else is packed; write source = ["FOLDER"]')
    return FunctionSettings(
        name=name,
        handler=handler or "",
        runtime=runtime,
        architecture=_architecture(table) or defaults.architecture or DEFAULT_ARCHITECTURE,
        source=source,
        shared=shared,
        requirement_files=requirements.files,
        requirement_list=requirements.strings,
        requirement_options=requirements.options,
        exclude=table.strings("exclude", "**/__pycache__/**"),
        package=package,
        output=_output(table, f"{name}.tar" if package == "image" else f"{name}.zip"),
        layers=tuple(table.absolute(text) for text in table.strings("layers", "dist/layer.zip")),
        contracts=tuple(_contracts(table)),
        ignores=(*defaults.ignores, *read_ignores(table)),
        packing=packing,
    )


def _runtime(table: Table) -> str | None:
    runtime = table.string("runtime", "python3.13")
    if runtime is None or _RUNTIME.fullmatch(runtime):
        return runtime
    almost = _ALMOST_RUNTIME.fullmatch(runtime.strip())
    advice = f"did you mean 'python3.{almost[1]}'?" if almost else "it looks like 'python3.13'"
    raise table.error("runtime", f"{runtime!r} is not a Python runtime of Lambda; {advice}")


def _architecture(table: Table) -> str | None:
    architecture = table.string("architecture", DEFAULT_ARCHITECTURE)
    if architecture is None or architecture in _ARCHITECTURES:
        return architecture
    lower = architecture.lower()
    nearest = ARCHITECTURE_SPELLINGS.get(lower) or nearest_word(lower, _ARCHITECTURES)
    advice = f"did you mean {nearest!r}?" if nearest else "write 'x86_64' or 'arm64'"
    raise table.error("architecture", f"{architecture!r} is not an architecture of Lambda; {advice}")


def _package(table: Table) -> PackageKind:
    given = table.string("package", "zip") or "zip"
    for kind in PACKAGE_KINDS:
        if given == kind:
            return kind
    advice = did_you_mean(given, PACKAGE_KINDS) or "; write 'zip', 'layer' or 'image'"
    raise table.error("package", f"{given!r} is not a kind of package{advice}")


def _paths(
    table: Table, key: str, example: str, refuse: Callable[[Table, str, Path], None] | None = None
) -> Iterator[Path]:
    for index, text in enumerate(table.strings(key, example)):
        path = table.existing(f"{key}[{index}]", text)
        if refuse is not None:
            refuse(table, f"{key}[{index}]", path)
        yield path


def _contracts(table: Table) -> Iterator[str]:
    for index, text in enumerate(table.strings("contracts", _CONTRACT_EXAMPLE)):
        if not _CONTRACT.fullmatch(text):
            problem = f"{text!r} names no contract; write MODULE:NAME, for example {_CONTRACT_EXAMPLE!r}"
            raise table.error(f"contracts[{index}]", problem)
        yield text


def _refuse_other_than_python(table: Table, key: str, path: Path) -> None:
    if not path.is_dir() and path.suffix != ".py":
        raise table.error(key, f"{shown(path)} is neither a folder nor a .py file; name a package or a module")


def _output(table: Table, file: str) -> Path:
    path = table.absolute(table.string("output", f"dist/{file}") or f"dist/{file}")
    if path.is_dir():
        raise table.error("output", f"{shown(path)} is a folder; name the file to write, e.g. {file} in it")
    return path


def _with_layers(named: Table, functions: Mapping[str, FunctionSettings], name: str) -> FunctionSettings:
    """Puts the outputs of configured layers where `layers` has their names."""
    function, own = functions[name], named.table(name)
    assert own is not None
    paths: list[Path] = []
    named_layers: list[tuple[str, Path]] = []
    for index, (text, path) in enumerate(zip(own.strings("layers", "dist/layer.zip"), function.layers, strict=True)):
        other = functions.get(text)
        if other is None or (other.package != "layer" and exists(path)):
            paths.append(path)
            continue
        if other.package != "layer":
            raise named.error(f"{name}.layers[{index}]", f'{text!r} is no layer; its package is "{other.package}"')
        if (other.runtime, other.architecture) != (function.runtime, function.architecture):
            target = f"{other.runtime} {other.architecture}, {name!r} for {function.runtime} {function.architecture}"
            raise named.error(f"{name}.layers[{index}]", f"{text!r} is a layer for {target}; give both the same")
        paths.append(other.output)
        named_layers.append((text, other.output))
    if named_layers and function.package != "zip":
        raise named.error(
            f"{name}.layers", f'a {function.package} takes no layers; remove it, or write package = "zip"'
        )
    return replace(function, layers=tuple(paths), named_layers=tuple(named_layers))


def _with_users(named: Table, functions: Mapping[str, FunctionSettings], name: str) -> FunctionSettings:
    """Tells a layer which functions run with it."""
    function = functions[name]
    users = tuple(other for other in functions.values() if name in dict(other.named_layers))
    if function.package == "layer" and function.packing.pyc != "off" and not users:
        problem = "goes by what handlers reach, and no function of this configuration names this layer; leave it out"
        raise named.error(f"{name}.pyc", problem)
    return replace(function, used_by=users)


def _refuse_shared_output(table: Table | None, functions: Mapping[str, FunctionSettings]) -> None:
    first: dict[Path, str] = {}
    for name, function in functions.items():
        other = first.setdefault(function.output, name)
        if table is not None and other != name:
            problem = f"{shown(function.output)} is written by {other!r} too; give each function its own"
            raise table.error(f"{name}.output", problem)
