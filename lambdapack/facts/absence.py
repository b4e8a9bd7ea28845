"""Why a module or name cannot be imported: what the artifact shows about the place where it should be."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.elf import ElfFacts, NotElf
from lambdapack.facts.extension import is_usable
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.facts.outcome import Failure
from lambdapack.profiles import known_runtimes, load_profile, load_standard_library
from lambdapack.profiles.profile import RuntimeProfile

AbsenceKind = Literal[
    "wrong-machine",  # its native file is there, for another machine
    "wrong-abi",  # its native file is there, for another Python or system
    "unbuilt",  # the source of its native file is there, never compiled
    "removed",  # a distribution's RECORD lists its file, and the file is not there
    "left-standard-library",
    "not-yet-standard-library",
    "other-spelling",
    "elsewhere",
    "hidden",  # another copy of its package has it; `detail` is the one that is found first
    "absent",
]


@dataclass(frozen=True, slots=True)
class Absence:
    """The explanation of a failed import. `path` is the file that shows it, `detail` depends on the kind: the machine
    found, the distribution, the Python version since when."""

    kind: AbsenceKind
    module: str
    path: str | None = None
    detail: str = ""
    elf: ElfFacts | NotElf | None = None


class AbsenceReader:
    """Explains failures with what one artifact holds."""

    def __init__(
        self, finder: ModuleFinder, native: NativeFacts, distributions: tuple[DistFacts, ...], profile: RuntimeProfile
    ) -> None:
        self._finder = finder
        self._native = native
        self._profile = profile
        self._removed = removed_modules(native.stack_paths(), distributions, profile)

    def explain(self, failure: Failure) -> Absence:
        """Returns the most specific explanation of a missing module or name."""
        names = [failure.module]
        if failure.kind in ("missing-name", "missing-attribute"):
            names.insert(0, f"{failure.module}.{failure.name}")
        for name in names:
            found = self._native_file(name) or self._removed_file(name) or self._uncompiled(name)
            if found is not None:
                return found
        if failure.kind == "missing-module":
            return self._absent_module(failure.module)
        module = self._finder.find_dotted(failure.module)
        if module is not None and module.kind in ("stdlib", "builtin"):
            having = load_standard_library().history(failure.module, failure.name or "")
            return self._history(failure.module, having) or Absence("absent", failure.module)
        return Absence("absent", failure.module)

    def _native_file(self, name: str) -> Absence | None:
        parent = self._finder.find_dotted(name.rpartition(".")[0]) if "." in name else None
        if "." in name and (parent is None or parent.search is None):
            return None
        paths = [
            path
            for path in self._finder.near_misses(name, parent)
            if not is_usable(path, self._profile.extension_suffixes)
        ]
        if not paths:
            return None
        path = paths[0]
        facts = self._native.elf.get(path)
        if isinstance(facts, ElfFacts) and not facts.fits(self._profile.machine):
            return Absence("wrong-machine", name, path, facts.machine, facts)
        return Absence("wrong-abi", name, path, elf=facts)

    def _removed_file(self, name: str) -> Absence | None:
        if name not in self._removed:
            return None
        path, dist = self._removed[name]
        return Absence("removed", name, path, dist)

    def _uncompiled(self, name: str) -> Absence | None:
        parent = self._finder.find_dotted(name.rpartition(".")[0]) if "." in name else None
        path = None if "." in name and parent is None else self._finder.uncompiled(name, parent)
        return Absence("unbuilt", name, path) if path else None

    def _absent_module(self, name: str) -> Absence:
        parent_name = name.rpartition(".")[0]
        parent = self._finder.find_dotted(parent_name) if parent_name else None
        if not parent_name or (parent is not None and parent.kind in ("stdlib", "builtin")):
            history = self._standard_library(name)
            if history is not None:
                return history
        spellings = self._finder.other_spellings(name, parent)
        if spellings:
            return Absence("other-spelling", name, spellings[0])
        if parent is not None and parent.path is not None:
            hidden = self._finder.behind(name)
            if hidden is not None:
                return Absence("hidden", name, hidden, parent.path.rpartition("/")[0])
        elsewhere = self._finder.elsewhere(name)
        if elsewhere:
            return Absence("elsewhere", name, elsewhere[0])
        return Absence("absent", name)

    def _standard_library(self, name: str) -> Absence | None:
        """Says when the module left the standard library, or came into it."""
        profiles = (load_profile(runtime, self._profile.architecture) for runtime in known_runtimes())
        return self._history(name, [profile.python for profile in profiles if name in profile.stdlib_modules])

    def _history(self, name: str, having: Collection[tuple[int, int]]) -> Absence | None:
        own = self._profile.python
        earlier, later = [v for v in having if v < own], [v for v in having if v > own]
        if earlier:
            last = max(earlier)
            return Absence("left-standard-library", name, detail=f"{last[0]}.{last[1] + 1}")
        if later:
            first = min(later)
            return Absence("not-yet-standard-library", name, detail=f"{first[0]}.{first[1]}")
        return None


def removed_modules(
    present: frozenset[str], distributions: Iterable[DistFacts], profile: RuntimeProfile
) -> dict[str, tuple[str, str]]:
    """Returns the modules that were installed and whose file is not `present`, each with the file's path and the
    distribution's name."""
    removed: dict[str, tuple[str, str]] = {}
    for dist in distributions:
        for path in dist.missing(present):
            module = _module_of(path, dist.root, profile)
            if module:
                removed.setdefault(module, (path, dist.name))
    return removed


def _module_of(path: str, root: str, profile: RuntimeProfile) -> str | None:
    """Returns the module a recorded file would be, None when it is none that this runtime looks for."""
    relative = path.removeprefix(f"{root}/")
    for suffix in (*profile.extension_suffixes, ".py"):
        if relative.endswith(suffix):
            stem = relative.removesuffix(suffix).removesuffix("/__init__")
            dotted = stem.replace("/", ".")
            return dotted if all(part.isidentifier() for part in dotted.split(".")) else None
    return None
