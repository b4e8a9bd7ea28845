"""Would the dynamic loader of the runtime accept a native file? Worked out as ld.so does it, without loading anything.

Resolves `DT_NEEDED` through `DT_RPATH`, `LD_LIBRARY_PATH`, `DT_RUNPATH` and the system directories, and compares symbol
versions with the file that would really provide them: bundled or the system's. Sources: ld.so(8), glibc's
elf/dl-load.c and elf/dl-version.c.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.capi import init_functions, lacking
from lambdapack.facts.elf import ElfFacts, NotElf, VersionNeed, read_elf
from lambdapack.facts.extension import read_extension_name
from lambdapack.profiles.profile import RuntimeProfile, SystemLibrary, Version

ProblemKind = Literal[
    "not-elf",
    "truncated",
    "wrong-class",
    "wrong-machine",
    "glibc",
    "symbol-version",
    "missing-library",
    "undefined-symbol",
    "no-init-function",
]

_OWN_FOLDERS = ("/var/task", "/opt")  # every other folder of LD_LIBRARY_PATH is the runtime's
_LIBRARY_NAME = re.compile(r"\.so(?:\.[0-9][^/]*)?$")
_INIT_FUNCTION = re.compile(r"Py(?:Init|ModExport)U?_")
_VERSION = re.compile(r"^([A-Z]+)_([0-9]+(?:\.[0-9]+)*)$")
# Marker versions without a number, and the glibc that first has them (glibc 2.36 NEWS: DT_RELR).
_MARKERS: Mapping[str, Version] = {"GLIBC_ABI_DT_RELR": (2, 36), "GLIBC_ABI_GNU2_TLS": (2, 42)}


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """Why the loader refuses `path` when it is asked to load `root` (the same file, or one that needs `path`).

    `wanted` and `available` are the two values that disagree. `soname` is the library concerned. `elsewhere` is a file
    of the artifact that has this soname where the loader does not look: loaded before, it satisfies the need.
    `certain` is False where that, or the runtime, is not known well enough. `pythons` are the versions of Python that
    have an undefined symbol.
    """

    kind: ProblemKind
    root: str
    path: str
    wanted: str
    available: str
    soname: str | None = None
    elsewhere: str | None = None
    certain: bool = True
    pythons: tuple[str, ...] = ()


class NativeFacts:
    """The native files of a stack and what the loader of one runtime makes of them. With `folders`, only what stands
    below those is read beforehand: an image's own libraries are read when something needs them."""

    def __init__(
        self, stack: Stack, profile: RuntimeProfile, *, managed: bool, folders: tuple[str, ...] | None = None
    ) -> None:
        self._stack = stack
        self._profile = profile
        self._managed = managed
        self.elf: dict[str, ElfFacts | NotElf] = {}
        self.unread: dict[str, str] = {}
        places = ("/",) if folders is None else tuple(f"{folder}/" for folder in folders)
        self._read(
            located
            for located in stack.files()
            if located.path.startswith(places) and _LIBRARY_NAME.search(located.path)
        )
        self._own = frozenset(self.elf)
        self._sonames: dict[str, list[str]] = {}
        for path, facts in self.elf.items():
            name = facts.soname if isinstance(facts, ElfFacts) and facts.soname else posixpath.basename(path)
            self._sonames.setdefault(name, []).append(path)
        self._problems: dict[str, tuple[LoadProblem, ...]] = {}
        self._closures: dict[str, frozenset[str]] = {}

    def _read(self, wanted: Iterable[Located]) -> None:
        for located in wanted:
            if located.entry.size >= self._profile.quotas.unzipped_bytes:
                self.elf[located.path] = NotElf("larger than a whole function may be", "file too large")
                continue
            try:
                self.elf[located.path] = read_elf(self._stack.read_bytes(located))
            except UnreadableMember as error:
                self.unread[located.path] = str(error)

    def stack_paths(self) -> frozenset[str]:
        """Every path in the artifact, for comparison with what distributions record."""
        return frozenset(self._stack.located)

    def loads(self, path: str) -> bool:
        """True unless importing the file as the module that it is named after certainly fails."""
        return not any(problem.certain for problem in self.import_problems(path))

    def import_problems(self, path: str) -> tuple[LoadProblem, ...]:
        """Returns everything that stands in the way of importing a file as the module that it is named after: what the
        loader says, and after that whether Python finds its function there."""
        problems = self.problems(path)
        return problems if any(problem.certain for problem in problems) else (*problems, *self._no_init_function(path))

    def problems(self, path: str) -> tuple[LoadProblem, ...]:
        """Returns everything that stands in the way of loading a file and what it needs."""
        if path not in self._problems:
            self._problems[path] = tuple(dict.fromkeys(self._check(path)))
        return self._problems[path]

    def roots(self) -> tuple[str, ...]:
        """Returns the native files that nothing else in the artifact needs: those are loaded by name, and with them all
        that they need. Files that are only reached in a circle come last."""
        needed = {soname for facts in self.elf.values() if isinstance(facts, ElfFacts) for soname in facts.needed}
        ranks = {
            path: posixpath.basename(path) in needed or (isinstance(facts, ElfFacts) and facts.soname in needed)
            for path, facts in self.elf.items()
            if path in self._own
        }
        return tuple(sorted(ranks, key=lambda path: (ranks[path], path)))

    def closure(self, root: str) -> frozenset[str]:
        """Returns the files of the artifact that loading `root` loads."""
        self.problems(root)
        return self._closures[root]

    def bundled(self, soname: str) -> tuple[str, ...]:
        """Returns the files of the stack that carry a soname, wherever they stand."""
        return tuple(sorted(self._sonames.get(soname, ())))

    def _check(self, root: str) -> Iterable[LoadProblem]:
        loaded: dict[str, str] = {}  # by soname: what is loaded once satisfies every later need of it
        queue: list[tuple[str, tuple[str, ...]]] = [(root, (root,))]
        missing: list[str] = []
        while queue:
            path, chain = queue.pop(0)
            located = self._stack.file(path)
            if located is not None and located.path not in self.elf and located.path not in self.unread:
                self._read([located])
            facts = self.elf.get(located.path if located else path)
            if facts is None:
                continue
            unfit = self._unfit(facts)
            if unfit is not None:
                yield LoadProblem(unfit[0], root, path, unfit[1], unfit[2])
                continue
            assert isinstance(facts, ElfFacts)
            providers: dict[str, str | SystemLibrary] = {}
            for soname in facts.needed:
                provider = loaded.get(soname) or self._provider(soname, path, facts, chain)
                if provider is None:
                    missing.append(soname)
                    yield self._missing(root, path, soname)
                    continue
                providers[soname] = provider
                if isinstance(provider, str):
                    if provider not in loaded.values():
                        queue.append((provider, (*chain, provider)))
                    loaded[soname] = provider
                    found = self.elf.get(provider)
                    if isinstance(found, ElfFacts) and found.soname:
                        loaded.setdefault(found.soname, provider)
                elif self._managed and provider.in_managed is not True:
                    yield LoadProblem(
                        "missing-library",
                        root,
                        path,
                        soname,
                        "only the container image is known to have it",
                        soname,
                        certain=False,
                    )
            for need in facts.version_needs:
                yield from self._version_problem(root, path, need, providers.get(need.library))
        self._closures[root] = frozenset((root, *loaded.values()))
        yield from self._undefined_symbols(root, missing)

    def _undefined_symbols(self, root: str, missing: Iterable[str]) -> Iterable[LoadProblem]:
        """C-API names that neither the target's Python nor anything loaded with `root` has. CPython loads with RTLD_NOW
        (`sys.getdlopenflags`), so that functions are bound at once, too."""
        python, made_for = self._profile.python, read_extension_name(root).python
        loaded = self._loaded(root)
        # A file for another Python is told of by its name; another Python's own library that is missing, as missing.
        if made_for not in (None, _dotted(python)) or any(soname.startswith("libpython") for soname in missing):
            return
        defined = frozenset().union(*(facts.defined_python or () for facts in loaded.values()))
        for path, facts in loaded.items():
            for lack in lacking((facts.undefined_python or frozenset()) - defined, python):
                # Other code may have loaded a file that defines it, for everyone (RTLD_GLOBAL).
                certain = lack.certain and not self._is_defined(lack.symbol)
                available = f"not in Python {_dotted(python)}"
                yield LoadProblem(
                    "undefined-symbol", root, path, lack.symbol, available, certain=certain, pythons=lack.pythons
                )

    def _no_init_function(self, path: str) -> Iterable[LoadProblem]:
        """The function that an import calls is looked for in the file and in all that it has loaded (dlsym(3))."""
        loaded = self._loaded(path)
        names = [facts.defined_python for facts in loaded.values()]
        if len(loaded) < len(self.closure(path)) or None in names:
            return
        defined = frozenset().union(*(found for found in names if found is not None))
        wanted = init_functions(path, self._profile.python)
        if not defined.intersection(wanted):
            found = ", ".join(sorted(name for name in defined if _INIT_FUNCTION.match(name)))
            yield LoadProblem("no-init-function", path, path, wanted[-1], found)

    def _loaded(self, root: str) -> dict[str, ElfFacts]:
        """Returns the readable files of the artifact that loading `root` loads, the file itself first."""
        found = {}
        for path in sorted(self._closures[root], key=lambda path: (path != root, path)):
            located = self._stack.file(path)
            facts = self.elf.get(located.path if located else path)
            if isinstance(facts, ElfFacts):
                found[path] = facts
        return found

    def _is_defined(self, symbol: str) -> bool:
        """True when any file of the artifact defines a name of Python's."""
        return any(symbol in (facts.defined_python or ()) for facts in self.elf.values() if isinstance(facts, ElfFacts))

    def _unfit(self, facts: ElfFacts | NotElf) -> tuple[ProblemKind, str, str] | None:
        machine = self._profile.machine
        if isinstance(facts, NotElf):
            return "not-elf", "an ELF shared object", facts.what
        if facts.machine != machine and facts.bits == 64:
            return "wrong-machine", machine, facts.machine
        if facts.bits != 64:
            return "wrong-class", f"64-bit {machine}", f"{facts.bits}-bit {facts.machine}"
        if facts.missing_bytes:
            return "truncated", "the whole file", f"cut short, {facts.missing_bytes} bytes are missing"
        return None

    def _missing(self, root: str, path: str, soname: str) -> LoadProblem:
        """A library that no search path leads to. A copy elsewhere may have been loaded before by other code, which
        satisfies every later need of the same soname (dl-load.c: _dl_map_object)."""
        elsewhere = [p for p in self.bundled(soname) if self._unfit(self.elf[p]) is None]
        available = f"only at {elsewhere[0]}, where the loader does not look" if elsewhere else "nowhere"
        found = elsewhere[0] if elsewhere else None
        return LoadProblem("missing-library", root, path, soname, available, soname, found, certain=found is None)

    def _provider(self, soname: str, path: str, facts: ElfFacts, chain: tuple[str, ...]) -> str | SystemLibrary | None:
        """Returns the stack's file or the system's library that a need leads to."""
        origin = posixpath.dirname(self._stack.resolve(path) or path)
        if "/" in soname:
            return self._fitting(_expand(soname, origin))
        if not facts.runpath:
            # DT_RPATH is looked at for the file itself and for every file that led to it.
            for loader in reversed(chain):
                loading = self.elf.get(loader)
                if isinstance(loading, ElfFacts) and not loading.runpath:
                    found = self._search(loading.rpath, soname, posixpath.dirname(loader))
                    if found is not None:
                        return found
        for folder in self._profile.library_path:
            found = self._fitting(f"{folder}/{soname}")
            if found is not None:
                return found
            if soname in self._profile.libraries and not folder.startswith(_OWN_FOLDERS):
                return self._profile.libraries[soname]
        found = self._search((*facts.runpath, *self._profile.system_library_dirs), soname, origin)
        return found if found is not None else self._profile.libraries.get(soname)

    def _search(self, folders: Iterable[str], soname: str, origin: str) -> str | SystemLibrary | None:
        for folder in folders:
            expanded = posixpath.normpath(_expand(folder, origin))
            found = self._fitting(f"{expanded}/{soname}")  # an image has the system's libraries, too
            if found is not None:
                return found
            if expanded in self._profile.system_library_dirs and soname in self._profile.libraries:
                return self._profile.libraries[soname]
        return None

    def _fitting(self, path: str) -> str | None:
        """Returns the file at a path unless it is for another machine: the loader passes over those and looks on."""
        located = self._stack.file(path)
        if located is None:
            return None
        if located.path not in self.elf and located.path not in self.unread:
            self._read([located])
        facts = self.elf.get(located.path)
        if isinstance(facts, ElfFacts) and not facts.fits(self._profile.machine):
            return None
        return posixpath.normpath(path)

    def _version_problem(
        self, root: str, path: str, need: VersionNeed, provider: str | SystemLibrary | None
    ) -> Iterable[LoadProblem]:
        if need.weak or provider is None:
            return
        if isinstance(provider, str):
            real = self._stack.file(provider)
            facts = self.elf.get(real.path) if real else None
            if isinstance(facts, ElfFacts) and facts.defined_versions and need.version not in facts.defined_versions:
                yield LoadProblem(
                    "symbol-version", root, path, need.version, f"not defined by {provider}", need.library
                )
            return
        if need.version in _MARKERS:
            prefix, wanted = "GLIBC", _MARKERS[need.version]
        else:
            match = _VERSION.match(need.version)
            if match is None:
                return
            prefix, wanted = match[1], tuple(int(part) for part in match[2].split("."))
        if prefix == "GLIBC":
            if wanted > self._profile.glibc:
                yield LoadProblem(
                    "glibc", root, path, need.version, f"GLIBC_{_dotted(self._profile.glibc)}", need.library
                )
            return
        ceiling = self._profile.symbol_ceilings.get(prefix)
        if ceiling is not None and wanted > ceiling:
            newest = self._profile.symbol_ceilings_newest.get(prefix, ceiling)
            yield LoadProblem(
                "symbol-version",
                root,
                path,
                need.version,
                f"{prefix}_{_dotted(ceiling)}",
                need.library,
                certain=wanted > newest,
            )


def _expand(path: str, origin: str) -> str:
    return (
        path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin).replace("${LIB}", "lib64").replace("$LIB", "lib64")
    )


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)
