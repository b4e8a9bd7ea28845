"""What code asks for by name and the artifact does not have: the metadata of a distribution, a library, a data file.

Rests on the calls that importing the handler makes. Knows where each of these is looked for; judges nothing.
"""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from packaging.utils import canonicalize_name

from lambdapack.artifact import Stack
from lambdapack.facts.calls import Call
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.libraries import loads_library
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.profiles.profile import RuntimeProfile

Guard = Literal["none", "unknown", "ready"]

_METADATA = frozenset(
    f"{module}.{function}"
    for module in ("importlib.metadata", "importlib_metadata")
    for function in ("version", "distribution", "metadata", "requires", "files")
) | {"pkg_resources.get_distribution", "pkg_resources.require", "pkg_resources.get_entry_map"}
_READERS = frozenset((
    "open", "io.open", "builtins.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "tarfile.open",
    "zipfile.ZipFile", "pathlib.Path.open", "pathlib.Path.read_text", "pathlib.Path.read_bytes",
    "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "joblib.load", "pandas.read_csv", "pandas.read_json",
    "pandas.read_parquet", "pandas.read_pickle", "pandas.read_excel", "pandas.read_table",
))  # fmt: skip
_PACKAGE_READERS = frozenset((
    "pkgutil.get_data", "pkg_resources.resource_string", "pkg_resources.resource_stream",
    "importlib.resources.read_text", "importlib.resources.read_binary",
    "importlib.resources.open_text", "importlib.resources.open_binary",
))  # fmt: skip
_CHANGING_FOLDER = ("os.chdir", "contextlib.chdir")
_NO_METADATA = ("PackageNotFoundError", "ModuleNotFoundError", "ImportError", "DistributionNotFound", "ResolutionError")
_METADATA_FOLDERS = (".dist-info", ".egg-info")
_REQUIREMENT_SIGNS = "<>=!~[;( "


@dataclass(frozen=True, slots=True)
class Lookup:
    """One thing that is asked for and not there. `wanted` is its name, `call` where it is asked for.

    `certain`: the handler's import stops at it. Otherwise something decides that cannot be known, or it stands in a
    function. `found` is a file that may have been meant, elsewhere in the artifact.
    """

    wanted: str
    call: Call
    certain: bool
    found: str | None = None


class Lookups:
    """What is asked for in vain when one handler is imported."""

    def __init__(
        self,
        stack: Stack,
        profile: RuntimeProfile,
        finder: ModuleFinder,
        imports: ImportFacts,
        native: NativeFacts,
        *,
        managed: bool,
    ) -> None:
        self._stack = stack
        self._profile = profile
        self._finder = finder
        self._imports = imports
        self._native = native
        self._managed = managed

    @cached_property
    def metadata(self) -> tuple[Lookup, ...]:
        """The distributions whose metadata is asked for and not there, by canonical name."""
        return tuple(self._missing_metadata())

    def _missing_metadata(self) -> Iterator[Lookup]:
        if self._finder.opaque_entries:
            return
        for call in self._imports.calls_named(_METADATA.__contains__):
            if not call.arguments or not isinstance(call.arguments[0], str):
                continue
            name = canonicalize_name(_name_of(call.arguments[0]))
            if not name or name in self._named or any(item.name == name for item in self._profile.preinstalled):
                continue
            call = self._imports.as_reached(call)
            guard = guard_against(call, *_NO_METADATA)
            own = canonicalize_name(call.module.partition(".")[0]) == name  # its own version, which it tells on request
            if guard != "ready" and self._matters(call) and (call.when == "import" or not own):
                yield Lookup(name, call, call.when == "import" and guard == "none")

    @cached_property
    def libraries(self) -> tuple[Lookup, ...]:
        """The native libraries that are loaded by name and that the loader does not find."""
        return tuple(self._missing_libraries())

    def _missing_libraries(self) -> Iterator[Lookup]:
        libraries = self._imports.libraries
        failing = {(item.path, item.line, item.name) for item in self._imports.fatal if item.kind == "library"}
        for call in self._imports.calls_named(loads_library):
            name = libraries.wanted(call)
            absent = name is not None and libraries.is_absent(call)
            if name is None or absent is False:
                continue
            call = self._imports.as_reached(call)
            fails = call.when == "import" and (call.path, call.line, name) in failing
            guard = guard_against(call, "OSError", "IOError", "EnvironmentError")
            if not fails and (guard == "ready" or not self._matters(call)):
                continue
            elsewhere = self._native.bundled(posixpath.basename(name))
            yield Lookup(name, call, fails, elsewhere[0] if elsewhere else None)

    @cached_property
    def files(self) -> tuple[Lookup, ...]:
        """The data files that are read and not there, by their path on Lambda."""
        return tuple(self._missing_files())

    def _missing_files(self) -> Iterator[Lookup]:
        for call in self._imports.calls_named((_READERS | _PACKAGE_READERS).__contains__):
            path = opened_file(call) or self._package_file(call)
            if path is None or not self._is_absent(path):
                continue
            guard = guard_against(call, "FileNotFoundError", "OSError", "IOError", "EnvironmentError")
            call = self._imports.as_reached(call)
            if guard != "ready" and self._matters(call):
                full = posixpath.normpath(posixpath.join(self._root, path))
                certain = call.when == "import" and guard == "none"
                yield Lookup(full, call, certain, self._elsewhere(full))

    def _package_file(self, call: Call) -> str | None:
        """Returns the file of a package that a call reads by the package's name and its own."""
        arguments = call.arguments[:2]
        if call.name not in _PACKAGE_READERS or len(arguments) < 2 or not all(isinstance(x, str) for x in arguments):
            return None
        package = self._finder.find_dotted(arguments[0])
        if package is None or package.path is None:
            return None
        return posixpath.join(posixpath.dirname(package.path), arguments[1])

    def _is_absent(self, path: str) -> bool:
        """True for a path in the artifact's own folders, which are read-only on Lambda, where nothing stands."""
        if not path.startswith("/"):
            if not self._managed or any(self._imports.calls_named(_CHANGING_FOLDER.__contains__)):
                return False  # relative to a folder that is not known
            path = posixpath.join(self._root, path)
        full = posixpath.normpath(path)
        return full.startswith((f"{self._root}/", "/opt/")) and self._stack.resolve(full) is None

    @property
    def _root(self) -> str:
        return self._profile.python_path[0]

    def _elsewhere(self, path: str) -> str | None:
        """A file of the same name, whatever its letters' case, nearest to the root."""
        name = posixpath.basename(path).lower()
        found = [other for other in self._stack.located if posixpath.basename(other).lower() == name]
        return min(found, key=lambda other: (other.count("/"), other), default=None)

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


def opened_file(call: Call) -> str | None:
    """Returns the path that a call opens for reading; None for other calls, and for what is not known."""
    if call.name not in _READERS or not call.arguments or not isinstance(call.arguments[0], str | PurePosixPath):
        return None
    mode: object = "r"
    if call.name.rpartition(".")[2] in ("open", "ZipFile"):
        mode = call.keywords.get("mode", call.arguments[1] if len(call.arguments) > 1 else "r")
    if not isinstance(mode, str) or set(mode) & set("wax+"):
        return None
    return str(call.arguments[0]) or None


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
