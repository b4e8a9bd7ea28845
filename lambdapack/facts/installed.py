"""What code asks of installed packages when it is imported: `importlib.metadata`, the version a native module names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import Any

from packaging.utils import canonicalize_name

from lambdapack.artifact import Stack
from lambdapack.facts.calls import NOT_KNOWN, Call
from lambdapack.facts.conditions import Unknown
from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.modules import Module
from lambdapack.facts.path_values import ASKING
from lambdapack.profiles.profile import RuntimeProfile

_NATIVE = re.compile(r"\.so(?:\.[0-9][^/]*)?$")
_WORKING_FOLDER = "/var/task"
_SYSTEM = ("/var/", "/usr/", "/lib/", "/lib64/")
_READ_ONLY = ("/var/task/", "/opt/")


class NativeVersion(str):
    """The `__version__` of a native module, as its distribution names it. It differs from another version for certain
    only if the module's file does not have that one's text: otherwise the comparison is unknown."""

    __slots__ = ("_mentions", "module")
    _mentions: Callable[[str], bool]
    module: Module

    def __new__(cls, text: str, module: Module, mentions: Callable[[str], bool]) -> NativeVersion:
        version = super().__new__(cls, text)
        version.module = module
        version._mentions = mentions
        return version

    def __eq__(self, other: object) -> bool:
        if str.__eq__(self, other) is True:
            return True
        if not isinstance(other, str) or self._mentions(other):
            raise Unknown
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)


class Installed:
    """Answers for the distributions of one artifact. Of one that is there twice the first counts, as on `sys.path`."""

    def __init__(
        self, stack: Stack, distributions: Iterable[DistFacts], profile: RuntimeProfile, *, managed: bool
    ) -> None:
        self._stack = stack
        self._managed = managed
        self._profile = profile
        self._by_name: dict[str, DistFacts] = {}
        for dist in distributions:
            self._by_name.setdefault(dist.name, dist)

    def answer(self, call: Call) -> Any:
        """Returns what a function of `importlib.metadata` returns, `NOT_KNOWN` where that is not worked out. An object
        is a dictionary of its known attributes."""
        name = call.arguments[0] if len(call.arguments) == 1 else NOT_KNOWN
        if call.name in ASKING:
            return self._stands_at(str(name), call.name) if name is not NOT_KNOWN else NOT_KNOWN
        dist = self._by_name.get(canonicalize_name(name)) if isinstance(name, str) else None
        if dist is None:
            return NOT_KNOWN
        match call.name.rpartition(".")[2]:
            case "version":
                return dist.version
            case "distribution":
                known: dict[str, Any] = {"version": dist.version}
                if self._profile.python >= (3, 13) and self._stack.file(f"{dist.folder}/direct_url.json") is None:
                    known["origin"] = None
                return known
        return NOT_KNOWN

    def has_lost_libraries(self, path: str) -> bool:
        """True when RECORD of the distribution that a file belongs to lists native files that are gone."""
        present = self._stack.located
        for dist in self._by_name.values():
            if path in dist.files:
                return any(_NATIVE.search(lost) for lost in dist.missing(present))
        return False

    def _stands_at(self, path: str, question: str) -> Any:
        """Says what is in the artifact's own folders, which nothing changes on Lambda."""
        full = posixpath.normpath(path)
        if self._managed and not path.startswith("/"):
            full = posixpath.normpath(f"{_WORKING_FOLDER}/{path}")
        if not full.startswith(_READ_ONLY):
            name = full.rpartition("/")[2]
            # The names of the runtime's own libraries are known.
            foreign = full.startswith(_SYSTEM) and _NATIVE.search(name) and name not in self._profile.libraries
            return False if foreign and self._stack.resolve(full) is None else NOT_KNOWN
        is_file, is_folder = self._stack.file(full) is not None, self._stack.is_folder(full)
        match question.rpartition(".")[2]:
            case "isfile" | "is_file":
                return is_file
            case "isdir" | "is_dir":
                return is_folder
        return is_file or is_folder
