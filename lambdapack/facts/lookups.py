"""What code asks for by name and the artifact does not have: the metadata of a distribution, a library, a data file.

Rests on the calls that importing the handler makes. Knows where each of these is looked for; judges nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from packaging.utils import canonicalize_name

from lambdapack.artifact import Stack
from lambdapack.facts.calls import Call
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.profiles.profile import RuntimeProfile

Guard = Literal["none", "unknown", "ready"]

_METADATA = frozenset(
    f"{module}.{function}"
    for module in ("importlib.metadata", "importlib_metadata")
    for function in ("version", "distribution", "metadata", "requires", "files")
) | {"pkg_resources.get_distribution", "pkg_resources.require", "pkg_resources.get_entry_map"}
_NO_METADATA = ("PackageNotFoundError", "ModuleNotFoundError", "ImportError", "DistributionNotFound", "ResolutionError")
_METADATA_FOLDERS = (".dist-info", ".egg-info")
_REQUIREMENT_SIGNS = "<>=!~[;( "


@dataclass(frozen=True, slots=True)
class Lookup:
    """One thing that is asked for and not there. `wanted` is its name, `call` where it is asked for.

    `certain`: the handler's import stops at it. Otherwise something decides that cannot be known, or it stands in a
    function.
    """

    wanted: str
    call: Call
    certain: bool


class Lookups:
    """What is asked for in vain when one handler is imported."""

    def __init__(self, stack: Stack, profile: RuntimeProfile, finder: ModuleFinder, imports: ImportFacts) -> None:
        self._stack = stack
        self._profile = profile
        self._finder = finder
        self._imports = imports

    @cached_property
    def metadata(self) -> tuple[Lookup, ...]:
        """The distributions whose metadata is asked for and not there, by canonical name."""
        return tuple(self._missing_metadata())

    def _missing_metadata(self) -> Iterator[Lookup]:
        if self._finder.opaque_entries:
            return
        for call in self._imports.calls:
            if call.name not in _METADATA or not call.arguments or not isinstance(call.arguments[0], str):
                continue
            name = canonicalize_name(_name_of(call.arguments[0]))
            if not name or name in self._named or any(item.name == name for item in self._profile.preinstalled):
                continue
            guard = guard_against(call, *_NO_METADATA)
            own = canonicalize_name(call.module.partition(".")[0]) == name  # its own version, which it tells on request
            if guard != "ready" and self._matters(call) and (call.when == "import" or not own):
                yield Lookup(name, call, call.when == "import" and guard == "none")

    @cached_property
    def _named(self) -> frozenset[str]:
        """The distributions with metadata anywhere: code may have put its folder on `sys.path`."""
        names = (folder.rpartition("/")[2] for folder in (*self._stack.folders(), *self._stack.located))
        return frozenset(
            canonicalize_name(name[: name.rindex(".")].partition("-")[0])
            for name in names
            if name.endswith(_METADATA_FOLDERS)
        )

    def _matters(self, call: Call) -> bool:
        """False for what a library does in functions or under conditions: that is its own business."""
        return call.when == "import" or self._imports.owner(call.path or "") is None


def guard_against(call: Call, *errors: str) -> Guard:
    """Says whether a `try` around a call is ready for one of these errors; `unknown` for classes that are not Python's
    own: they may be other names of the same."""
    caught = {name.rpartition(".")[2] for name in call.guards}
    if caught & {"BaseException", "Exception", *errors}:
        return "ready"
    return "unknown" if any(not hasattr(builtins, name) for name in caught) else "none"


def _name_of(requirement: str) -> str:
    """Returns the name in a requirement: `pkg_resources.require` takes those, too."""
    for at, letter in enumerate(requirement):
        if letter in _REQUIREMENT_SIGNS:
            return requirement[:at]
    return requirement
