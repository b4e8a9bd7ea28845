"""The catalogue of messages and causes, from `data/*.toml`: which words mean what, and what may be behind them.

Knows the shape of the data, and refuses data of another one. Does not know any message.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

# The order matters: the first pattern that fits is taken.
_PATTERN_FILES = ("native.toml", "service.toml", "python.toml")
_CAUSES_FILE = "causes.toml"
_PIECES = {
    "<q>": "[`'\"]*",
    "<module>": r"(?P<module>[A-Za-z_][\w-]*(?:[./][\w-]+)*)",
    "<path>": r"(?P<path>/[^\s:'\"(),`]+|[\w./+-]+\.(?:so|pyd|dylib|dll)[\w.]*)",
    "<soname>": r"(?P<soname>[\w.+-]+\.so(?:\.[\w.]+)?)",
}
_PIECE = re.compile(r"(?<!\?P)<[a-z]+>")  # not the name of a group
_LINE = re.compile(r"@([a-z]+)\b")


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that confirms a cause in an artifact: a finding of a check (`code`, also the beginning of one) whose
    evidence has `where`, or the answer to a question (`ask`). `about` names the package that a finding has to be about,
    instead of what the message names; `any`: it may be about anything."""

    code: str | None = None
    ask: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    about: str | None = None
    any: bool = False


@dataclass(frozen=True, slots=True)
class PossibleCause:
    """Something that may be behind messages; texts have `{names}` in them that the message fills. `undecided`: the
    signs do not show all of it, so that their absence rules nothing out. `shown` is said instead of `says` where a
    check has found it: there `{finding}` is the check's message and `{where}` the file."""

    name: str
    says: str
    seen: tuple[Sign, ...] = ()
    looks: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    undecided: bool = False
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words that mean one thing. `causes` are names, the likeliest first. `only`: what kind of name the module in it
    has to be. `named`: what the pattern knows beside what it reads. `general`: it follows from other errors and is told
    of only when they are not there. `whole`: it shows in what follows the message, too. `not_reproduced`: only the
    service itself says it."""

    name: str
    title: str
    match: tuple[str, ...]
    causes: tuple[str, ...]
    sources: tuple[str, ...]
    only: str | None = None
    misleading: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    general: bool = False
    whole: bool = False
    not_reproduced: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """What a module's name tells; see names.toml."""

    distributions: Mapping[str, str]
    native: frozenset[str]
    native_names: frozenset[str]
    plain: tuple[str, ...]
    native_standard: frozenset[str]
    own: frozenset[str]
    namespaces: frozenset[str]
    gone: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All patterns in the order in which they are tried, and the causes by name."""

    patterns: tuple[Pattern, ...]
    causes: Mapping[str, PossibleCause]
    names: Names


class MalformedCatalogue(ValueError):
    """The data that lambdapack brings is not what it should be: a bug."""


@functools.cache
def load_catalogue() -> Catalogue:
    """Returns the catalogue, always the same object. Raises MalformedCatalogue."""
    table = _read(_CAUSES_FILE)
    lines = table["lines"]
    causes = {name: _cause(name, value, lines) for name, value in table["cause"].items()}
    patterns = tuple(_pattern(value) for file in _PATTERN_FILES for value in _read(file)["pattern"])
    unknown = sorted({name for pattern in patterns for name in pattern.causes} - causes.keys())
    unused = sorted(causes.keys() - {name for pattern in patterns for name in pattern.causes})
    if unknown or unused:
        raise MalformedCatalogue(f"causes without an entry: {unknown}; entries that no pattern names: {unused}")
    return Catalogue(patterns, causes, _names(_read("names.toml")))


@functools.cache
def expressions(pattern: str) -> tuple[re.Pattern[str], ...]:
    """Returns the compiled regular expressions of a pattern, by its name."""
    found = next(item for item in load_catalogue().patterns if item.name == pattern)
    return tuple(re.compile(_spelled_out(text), re.IGNORECASE) for text in found.match)


def _spelled_out(text: str) -> str:
    return _PIECE.sub(lambda match: _PIECES.get(match[0], match[0]), text)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "data" / name).read_text(encoding="utf-8"))


def _pattern(table: dict[str, Any]) -> Pattern:
    try:
        lists = {key: tuple(table[key]) for key in ("match", "causes", "sources")}
        return Pattern(**(table | lists))
    except (KeyError, TypeError) as error:
        raise MalformedCatalogue(f"pattern {table.get('name')}: {error}") from error


def _cause(name: str, table: dict[str, Any], lines: Mapping[str, str]) -> PossibleCause:
    def filled(text: str) -> str:
        return _LINE.sub(lambda match: lines.get(match[1], match[0]), text)

    try:
        looks, fixes = (tuple(map(filled, table[key])) for key in ("looks", "fixes"))
        signs = tuple(Sign(**sign) for sign in table.get("seen", ()))
        return PossibleCause(
            name, table["says"], signs, looks, fixes, table.get("undecided", False), table.get("shown")
        )
    except (KeyError, TypeError) as error:
        raise MalformedCatalogue(f"cause {name}: {error}") from error


def _names(table: dict[str, Any]) -> Names:
    modules = table["modules"]
    sets = {
        key: frozenset(modules[key])
        for key in ("native", "native_names", "native_standard", "own", "namespaces", "gone")
    }
    return Names(distributions=table["distributions"], plain=tuple(modules["plain"]), **sets)
