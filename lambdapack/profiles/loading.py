"""Reads the profiles that lambdapack brings (`data/*.json`) and checks that they have the shape of `RuntimeProfile`.

Knows the file format (`writing.py` is its other half) and how people misspell a runtime or an architecture. Does not
know any fact about a runtime: these are all in the data.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from lambdapack.errors import LambdapackError, UsageError
from lambdapack.profiles.profile import (
    Knowledge,
    Lifecycle,
    Preinstalled,
    Provenance,
    Quotas,
    RuntimeProfile,
    SystemLibrary,
    Version,
)
from lambdapack.settings import ARCHITECTURE_SPELLINGS, cache_folder

SCHEMA_VERSION = 1
ARCHITECTURES = ("x86_64", "arm64")

_DATA = Path(__file__).parent / "data"
_STATUSES = ("preview", "supported", "deprecated")
# 3.13, py313, cp313, Python 3.13, python3.13.1, python:3.13, 313
_ALMOST_RUNTIME = re.compile(r"(?:c?py(?:thon)?|cp)?[ _:-]*3[._-]?(\d{1,2})(?:\.[0-9x]+)?", re.IGNORECASE)
# AWS_Lambda_python3.13, public.ecr.aws/lambda/python:3.13
_RUNTIME_INSIDE = re.compile(r"python:?3\.(\d{1,2})(?!\d)")

T = TypeVar("T")


class MalformedProfile(LambdapackError):
    """A profile file does not have the shape of `RuntimeProfile`: a bug of ours if it is one that lambdapack brings."""


@functools.cache
def known_runtimes() -> tuple[str, ...]:
    """Returns Lambda's identifiers of the runtimes that a profile exists for, oldest first."""
    names = {path.name.rsplit("-", 1)[0] for path in _DATA.glob("python3.*-*.json")}
    return tuple(sorted(names, key=lambda name: int(name.removeprefix("python3."))))


def load_profile(runtime: str, architecture: str) -> RuntimeProfile:
    """Returns the profile of `runtime` (`python3.13`) on `architecture` (`x86_64`, `arm64`), always the same object.

    Raises UsageError for a name that is not known, with the one that was probably meant.
    """
    known = known_runtimes()
    if runtime not in known:
        raise _unknown("runtime", runtime, known, _nearest_runtime(runtime, known))
    if architecture not in ARCHITECTURES:
        raise _unknown("architecture", architecture, ARCHITECTURES, _nearest_architecture(architecture))
    return _load(f"{runtime}-{architecture}")


def parse_profile(text: str, origin: str) -> RuntimeProfile:
    """Returns the profile in `text`, the content of a profile file. `origin` names it in errors.

    Raises MalformedProfile that says which field is wrong and what was expected.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise MalformedProfile(f"{origin}: not a JSON file: {error}") from error
    top = _Fields(data, origin, "")
    if top.take("schema_version", _integer) != SCHEMA_VERSION:
        top.fail("schema_version", f"{SCHEMA_VERSION}")
    profile = RuntimeProfile(
        runtime=top.take("runtime", _string),
        architecture=top.take("architecture", _one_of(ARCHITECTURES)),
        machine=top.take("machine", _string),
        python=top.take("python", _python),
        operating_system=top.take("operating_system", _string),
        glibc=top.take("glibc", _version),
        symbol_ceilings=_versions(top, "symbol_ceilings"),
        symbol_ceilings_newest=_versions(top, "symbol_ceilings_newest"),
        libraries=_libraries(top),
        stdlib_modules=frozenset(top.take("stdlib_modules", _strings)),
        builtin_modules=frozenset(top.take("builtin_modules", _strings)),
        preloaded_modules=frozenset(top.take("preloaded_modules", _strings)),
        preinstalled=_preinstalled(top),
        extension_suffixes=top.take("extension_suffixes", _strings),
        wheel_tags=_wheel_tags(top),
        python_path=top.take("python_path", _strings),
        path_config_dirs=top.take("path_config_dirs", _strings),
        library_path=top.take("library_path", _strings),
        system_library_dirs=top.take("system_library_dirs", _strings),
        preloaded_libraries=frozenset(top.take("preloaded_libraries", _strings)),
        isa_level=top.take("isa_level", _one_of((0, 1, 2, 3, 4))),
        image=top.take("image", _string),
        quotas=_quotas(top),
        lifecycle=_lifecycle(top),
        provenance=_provenance(top),
    )
    top.taken.add("scan")  # what `runtimes scan` adds for people and `runtimes diff`
    top.finish()
    return profile


def read_profile(path: Path) -> RuntimeProfile:
    """Returns the profile in a file of the user's, as `runtimes scan` writes them. Raises `UsageError`."""
    try:
        return parse_profile(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, MalformedProfile) as error:
        raise UsageError(f"{path}: is no profile: {error}", hint="lambdapack runtimes scan writes one") from error


def read_data(name: str) -> str:
    """Returns the text of a data file that lambdapack brings. Raises MalformedProfile when it cannot be read."""
    try:
        return (_DATA / name).read_text(encoding="utf-8")
    except OSError as error:
        raise MalformedProfile(f"{name}: cannot be read: {error.strerror}") from error


def kept_profile(runtime: str, architecture: str) -> Path:
    """Returns where a profile stands that overrides the shipped one of this runtime, if the user has kept one."""
    return cache_folder() / "profiles" / f"{runtime}-{architecture}.json"


@functools.cache
def _load(identifier: str) -> RuntimeProfile:
    name = f"{identifier}.json"
    profile = parse_profile(read_data(name), name)
    if profile.identifier != identifier:
        raise MalformedProfile(f"{name}: holds the profile of {profile.identifier}")
    return profile


def _unknown(what: str, given: str, known: tuple[str, ...], meant: str | None) -> UsageError:
    hint = f"known {what}s: {', '.join(known)}"
    return UsageError(f"unknown {what} '{given}'", hint=f"did you mean '{meant}'? {hint}" if meant else hint)


def _nearest_runtime(given: str, known: tuple[str, ...]) -> str | None:
    almost = _ALMOST_RUNTIME.fullmatch(given.strip()) or _RUNTIME_INSIDE.search(given)
    if almost and f"python3.{almost[1]}" in known:
        return f"python3.{almost[1]}"
    close = difflib.get_close_matches(given.strip().lower(), known, n=1, cutoff=0.7)
    return close[0] if close else None


def _nearest_architecture(given: str) -> str | None:
    name = given.strip().lower()
    if name in ARCHITECTURES:
        return name
    if name in ARCHITECTURE_SPELLINGS:
        return ARCHITECTURE_SPELLINGS[name]
    close = difflib.get_close_matches(name, (*ARCHITECTURES, *ARCHITECTURE_SPELLINGS), n=1)
    return ARCHITECTURE_SPELLINGS.get(close[0], close[0]) if close else None


class _Fields:
    """The fields of one JSON object, taken out one by one, so that what is missing, wrong or left over can be named."""

    def __init__(self, value: object, origin: str, place: str) -> None:
        self.origin = origin
        self.place = place
        if not isinstance(value, dict):
            raise MalformedProfile(f"{origin}: {place or 'the file'} is not an object")
        self.values: dict[str, Any] = value
        self.taken: set[str] = set()

    def take(self, name: str, read: Callable[[Any], T]) -> T:
        """Returns the field as `read` gives it; `read` raises ValueError with what it wanted."""
        if name not in self.values:
            raise MalformedProfile(f"{self.origin}: {self.place}{name} is missing")
        self.taken.add(name)
        try:
            return read(self.values[name])
        except ValueError as error:
            self.fail(name, str(error))

    def inner(self, name: str) -> _Fields:
        return _Fields(self.take(name, lambda value: value), self.origin, f"{self.place}{name}.")

    def fail(self, name: str, wanted: str) -> NoReturn:
        raise MalformedProfile(f"{self.origin}: {self.place}{name} is not {wanted}")

    def finish(self) -> None:
        """Refuses a field that nothing reads: it would be a fact that is silently not used."""
        left = sorted(set(self.values) - self.taken)
        if left:
            raise MalformedProfile(f"{self.origin}: {self.place}{left[0]} is not a field of a profile")


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _optional_string(value: Any) -> str | None:
    return None if value is None else _string(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a whole number")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _optional_boolean(value: Any) -> bool | None:
    return None if value is None else _boolean(value)


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _version(value: Any) -> Version:
    if not isinstance(value, list) or not value or not all(type(item) is int and item >= 0 for item in value):
        raise ValueError("a list of whole numbers")
    return tuple(value)


def _python(value: Any) -> tuple[int, int]:
    version = _version(value)
    if len(version) != 2:
        raise ValueError("major and minor")
    return version[0], version[1]


def _one_of(allowed: tuple[str, ...] | tuple[int, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(map(str, allowed))}")
        return value

    return read


def _versions(top: _Fields, name: str) -> Mapping[str, Version]:
    fields = top.inner(name)
    return {prefix: fields.take(prefix, _version) for prefix in fields.values}


def _libraries(top: _Fields) -> Mapping[str, SystemLibrary]:
    every = top.inner("libraries")
    libraries: dict[str, SystemLibrary] = {}
    for soname in every.values:
        fields = every.inner(soname)
        libraries[soname] = SystemLibrary(
            soname, in_image=fields.take("in_image", _boolean), in_managed=fields.take("in_managed", _optional_boolean)
        )
        fields.finish()
    return libraries


def _preinstalled(top: _Fields) -> tuple[Preinstalled, ...]:
    every = top.inner("preinstalled")
    distributions: list[Preinstalled] = []
    for name in every.values:
        fields = every.inner(name)
        distributions.append(
            Preinstalled(
                name,
                version=fields.take("version", _optional_string),
                modules=fields.take("modules", _strings),
                certain=fields.take("certain", _boolean),
            )
        )
        fields.finish()
    return tuple(distributions)


def _wheel_tags(top: _Fields) -> tuple[str, ...]:
    """Multiplies the tags out: every interpreter and ABI with every platform, then those for any platform."""
    fields = top.inner("wheel_tags")
    platforms = fields.take("platforms", _strings)
    tags = [f"{pair}-{platform}" for pair in fields.take("with_platform", _strings) for platform in platforms]
    tags += [f"{pair}-any" for pair in fields.take("with_any", _strings)]
    fields.finish()
    return tuple(tags)


def _quotas(top: _Fields) -> Quotas:
    fields = top.inner("quotas")
    quotas = Quotas(
        zipped_bytes=fields.take("zipped_bytes", _integer),
        unzipped_bytes=fields.take("unzipped_bytes", _integer),
        image_bytes=fields.take("image_bytes", _integer),
        layers=fields.take("layers", _integer),
        init_seconds=fields.take("init_seconds", _integer),
    )
    fields.finish()
    return quotas


def _lifecycle(top: _Fields) -> Lifecycle:
    fields = top.inner("lifecycle")
    lifecycle = Lifecycle(
        status=fields.take("status", _one_of(_STATUSES)),
        as_of=fields.take("as_of", _string),
        released=fields.take("released", _optional_string),
        deprecation=fields.take("deprecation", _optional_string),
        block_create=fields.take("block_create", _optional_string),
        block_update=fields.take("block_update", _optional_string),
    )
    fields.finish()
    return lifecycle


def _provenance(top: _Fields) -> Mapping[str, Provenance]:
    every = top.inner("provenance")
    groups: dict[str, Provenance] = {}
    for group in every.values:
        fields = every.inner(group)
        groups[group] = Provenance(
            source=fields.take("source", _string),
            date=fields.take("date", _string),
            knowledge=fields.take("knowledge", _one_of(get_args(Knowledge))),
            note=fields.take("note", _text),
        )
        fields.finish()
    return groups
