"""What the modules of each Python's standard library define and import: `data/standard-library.json`, for all runtimes.

Read only when a name of a standard module is asked for, or when an artifact hides one of them. Made by
`tools/profile_sources/collect_names.py`. Does not know which modules there are: that is in the profiles.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from lambdapack.profiles.loading import MalformedProfile, read_data

DATA_NAME = "standard-library.json"

PythonVersion = tuple[int, int]


class StandardLibrary:
    """Answers from the data: tables of module → versions (`3.9-3.12,3.14`) → items between spaces."""

    def __init__(self, names: Mapping[str, Mapping[str, str]], imports: Mapping[str, Mapping[str, str]]) -> None:
        self._names = names
        self._imports = imports

    @functools.cache  # noqa: B019 # there is one instance, which lives as long as the process
    def _versions(self, module: str) -> Mapping[str, frozenset[PythonVersion]]:
        """Returns the names of a module with the versions that have them."""
        return {
            name: _versions_of(span) for span, items in self._names.get(module, {}).items() for name in items.split()
        }

    def lacks(self, python: PythonVersion, module: str, name: str) -> bool:
        """True when a public module of this Python certainly has no such public name. Submodules are no names."""
        known = self._versions(module)
        if name.startswith("_") or not any(python in versions for versions in known.values()):
            return False
        if python in known.get("*", ()):
            return False  # it makes names when it is asked for them
        return python not in known.get(name, ())

    def history(self, module: str, name: str) -> frozenset[PythonVersion]:
        """Returns the versions whose module has the name."""
        return self._versions(module).get(name, frozenset())

    def imports(self, python: PythonVersion, module: str) -> tuple[str, ...]:
        """Returns what a module certainly does while it is imported: `os.path` (imports it), `calendar:timegm,x` (takes
        names from it), `random!Random` (asks for an attribute)."""
        spans = self._imports.get(module, {}).items()
        return tuple(item for span, items in spans if python in _versions_of(span) for item in items.split())


@functools.cache
def _versions_of(span: str) -> frozenset[PythonVersion]:
    found: set[PythonVersion] = set()
    for run in span.split(","):
        first, _, last = run.partition("-")
        low, high = (int(version.partition(".")[2]) for version in (first, last or first))
        found.update((3, minor) for minor in range(low, high + 1))
    return frozenset(found)


@functools.cache
def load_standard_library() -> StandardLibrary:
    """Returns the facts that lambdapack brings. Raises MalformedProfile if the file is not what it should be."""
    try:
        data: dict[str, Any] = json.loads(read_data(DATA_NAME))
        return StandardLibrary(data["names"], data["imports"])
    except (ValueError, KeyError) as error:
        raise MalformedProfile(f"{DATA_NAME}: {error}") from error
