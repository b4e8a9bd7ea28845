"""Would the dynamic loader of the runtime accept a native file? Worked out as ld.so does it, without loading anything.

Walks through all that a file needs, and compares symbol versions with the file that would really provide them: bundled
or the system's. Where a library is looked for, whether a file is taken by itself, and which symbols nobody defines are
worked out in modules of their own. Sources: ld.so(8), glibc's elf/dl-load.c and elf/dl-version.c.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.binding import undefined_symbols
from lambdapack.facts.capi import init_functions
from lambdapack.facts.elf import ElfFacts, NotElf, VersionNeed
from lambdapack.facts.elf_reading import read_elf
from lambdapack.facts.extension import read_extension_name
from lambdapack.facts.fitness import RefusalKind, refusal
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.links_kept import ElfFiles, Links, kept_links
from lambdapack.facts.search import LibrarySearch, Provider
from lambdapack.profiles.profile import RuntimeProfile, SystemLibrary, Version, dotted

ProblemKind = (
    RefusalKind
    | Literal["glibc", "symbol-version", "missing-library", "python-symbol", "undefined-symbol", "no-init-function"]
)

_LIBRARY_NAME = re.compile(r"\.so(?:\.[0-9][^/]*)?$")
_INIT_FUNCTION = re.compile(r"Py(?:Init|ModExport)U?_")
_VERSION = re.compile(r"^([A-Z]+)_([0-9]+(?:\.[0-9]+)*)$")
# Marker versions without a number, and the glibc that first has them (glibc 2.36 NEWS: DT_RELR).
_MARKERS: Mapping[str, Version] = {"GLIBC_ABI_DT_RELR": (2, 36), "GLIBC_ABI_GNU2_TLS": (2, 42)}


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """Why the loader refuses `path` when it is asked to load `root` (the same file, or one that needs `path`).

    `wanted` and `available` are the two values that disagree. `soname` is the library concerned. `elsewhere` is a file
    of the artifact that has this soname where the loader does not look, or that defines the symbol: loaded before (for
    everyone, if it is about a symbol), it satisfies the need.
    `certain` is False where that, or the runtime, is not known well enough. `pythons` are the versions of Python that
    have an undefined symbol. `says` is the loader's own text where it does not follow from the kind.
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
    says: str | None = None


class NativeFacts:
    """The native files of a stack and what the loader of one runtime makes of them. With `folders`, only what stands
    below those is read beforehand: an image's own libraries are read when something needs them. `key` stands for
    everything that this depends on; None where that is not known."""

    def __init__(
        self,
        stack: Stack,
        profile: RuntimeProfile,
        *,
        managed: bool,
        folders: tuple[str, ...] | None = None,
        known: KnownFacts | None = None,
        key: bytes | None = None,
    ) -> None:
        self._stack = stack
        self._known = known or KnownFacts()
        self._profile = profile
        self._managed = managed
        self._search = LibrarySearch(
            profile, fitting=self._fitting, elf_at=self._elf_at, resolve=stack.resolve, managed=managed
        )
        self.unread: dict[str, str] = {}
        places = ("/",) if folders is None else tuple(f"{folder}/" for folder in folders)
        kept = kept_links(self._known, key) if key is not None else None
        self.elf = ElfFiles(kept.paths if kept is not None else (), self._facts_of)
        if kept is None:
            self._read(
                located
                for located in stack.files()
                if located.path.startswith(places) and _LIBRARY_NAME.search(located.path)
            )
        self._links = kept or self._linked()
        if key is not None and not self.unread:
            self._links.keep(self._known, key)

    def _linked(self) -> Links:
        """Returns what can be told of the files before one is loaded."""
        elf = {path: facts for path, facts in self.elf.items() if isinstance(facts, ElfFacts)}
        sonames: dict[str, list[str]] = {}
        for path in self.elf:
            facts = elf.get(path)
            sonames.setdefault((facts.soname if facts else None) or posixpath.basename(path), []).append(path)
        needed = {soname for facts in elf.values() for soname in facts.needed}
        ranks = {path: posixpath.basename(path) in needed for path in self.elf}
        ranks |= {path: ranks[path] or facts.soname in needed for path, facts in elf.items()}
        roots = tuple(sorted(ranks, key=lambda path: (ranks[path], path)))
        debug_symbols = {path: facts.debug_bytes for path, facts in elf.items() if facts.debug_bytes}
        return Links(tuple(self.elf), sonames, roots, debug_symbols)

    def _read(self, wanted: Iterable[Located]) -> None:
        for located in wanted:
            if located.entry.size >= self._profile.quotas.unzipped_bytes:
                continue  # larger than a whole function may be, which is told elsewhere: nothing is known of it
            try:
                self.elf.add(located.path, self._elf_of(located))
            except UnreadableMember as error:
                self.unread[located.path] = str(error)

    def _elf_of(self, located: Located) -> ElfFacts | NotElf:
        return self._known.get(located, "elf", partial(self._read_elf, located))

    def _facts_of(self, path: str) -> ElfFacts | NotElf:
        """Reads a file that could be read in an earlier run."""
        return self._elf_of(self._stack.located[path])

    def _read_elf(self, located: Located) -> ElfFacts | NotElf:
        return read_elf(self._stack.read_bytes(located))

    @property
    def managed(self) -> bool:
        """True for the managed runtime, which has fewer libraries than its image."""
        return self._managed

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
        if any(problem.certain for problem in problems):
            return problems
        if path not in self._links.inits:
            self._links.inits[path] = tuple(self._no_init_function(path))
        return (*problems, *self._links.inits[path])

    def problems(self, path: str) -> tuple[LoadProblem, ...]:
        """Returns everything that stands in the way of loading a file and what it needs."""
        if path not in self._links.problems:
            self._links.problems[path] = tuple(dict.fromkeys(self._check(path)))
        return self._links.problems[path]

    def roots(self) -> tuple[str, ...]:
        """Returns the native files that nothing else in the artifact needs: those are loaded by name, and with them all
        that they need. Files that are only reached in a circle come last."""
        return self._links.roots

    def is_for_musl(self, path: str) -> bool:
        """True for an ELF file that is linked against musl."""
        facts = self._elf_at(path)
        return facts is not None and facts.is_for_musl

    def debug_symbols(self) -> Mapping[str, int]:
        """The bytes that are there for debuggers only, by the file of the artifact that has them."""
        return self._links.debug_symbols

    def closure(self, root: str) -> frozenset[str]:
        """Returns the files of the artifact that loading `root` loads."""
        self.problems(root)
        return self._links.closures[root]

    def providers(self, path: str) -> dict[str, Provider | None]:
        """Returns for each soname that a file needs who provides it when nothing else has been loaded before."""
        facts = self._elf_at(path)
        needed = facts.needed if facts is not None else ()
        return {soname: self._search.provider(soname, path, (path,)) for soname in needed}

    def bundled(self, soname: str) -> tuple[str, ...]:
        """Returns the files of the stack that carry a soname, wherever they stand."""
        return tuple(sorted(self._links.sonames.get(soname, ())))

    def _check(self, root: str) -> Iterable[LoadProblem]:
        loaded: dict[str, str] = {}  # by soname: what is loaded once satisfies every later need of it
        queue: list[tuple[str, tuple[str, ...]]] = [(root, (root,))]
        system: set[str] = set()
        incomplete = False
        while queue:
            path, chain = queue.pop(0)
            facts = self._facts_at(path)
            if facts is None:
                incomplete = True
                continue
            refused = refusal(facts, self._profile)
            if refused is not None:
                yield LoadProblem(
                    refused.kind, root, path, refused.wanted, refused.found, certain=refused.certain, says=refused.says
                )
                if refused.certain:
                    incomplete = True
                    continue
            assert isinstance(facts, ElfFacts)
            providers: dict[str, Provider] = {}
            for soname in facts.needed:
                provider = loaded.get(soname) or self._search.provider(soname, path, chain)
                if provider is None:
                    incomplete = True
                    yield self._missing(root, path, soname)
                    continue
                providers[soname] = provider
                if isinstance(provider, str):
                    if provider not in loaded.values():
                        queue.append((provider, (*chain, provider)))
                    loaded[soname] = provider
                    found = self._elf_at(provider)  # through a link, too
                    if found is not None and found.soname:
                        loaded.setdefault(found.soname, provider)
                else:
                    system.add(soname)
                if isinstance(provider, SystemLibrary) and self._managed and provider.in_managed is not True:
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
                for problem in self._version_problem(root, path, need, providers.get(need.library)):
                    incomplete = incomplete or problem.certain
                    yield problem
        self._links.closures[root] = frozenset((root, *loaded.values()))
        # A file that is refused, or a library that is missing, is the cause by itself.
        if not incomplete:
            yield from self._undefined_symbols(root, system)

    def _facts_at(self, path: str) -> ElfFacts | NotElf | None:
        """The facts of the file at a path, links followed, reading it when that was not done before."""
        located = self._stack.file(path)
        if located is None:
            return self.elf.get(path)
        if located.path not in self.elf and located.path not in self.unread:
            self._read([located])
        return self.elf.get(located.path)

    def _elf_at(self, path: str) -> ElfFacts | None:
        facts = self._facts_at(path)
        return facts if isinstance(facts, ElfFacts) else None

    def _undefined_symbols(self, root: str, system: set[str]) -> Iterable[LoadProblem]:
        made_for = read_extension_name(root).python
        if made_for not in (None, dotted(self._profile.python)):
            return  # told of by its name
        loaded = self._loaded(root)
        files = {path: facts.symbols for path, facts in loaded.items() if facts.symbols is not None}
        if len(files) < len(self._links.closures[root]):
            return
        for lack in undefined_symbols(files, system, self._profile):
            # Other code may have loaded a file that defines it, for everyone (RTLD_GLOBAL).
            elsewhere = self._definer(lack.symbol)
            certain = lack.certain and elsewhere is None
            if lack.pythons:
                available = f"not in Python {dotted(self._profile.python)}"
                yield LoadProblem(
                    "python-symbol", root, lack.path, lack.symbol, available, certain=certain, pythons=lack.pythons
                )
            else:
                yield LoadProblem(
                    "undefined-symbol",
                    root,
                    lack.path,
                    lack.symbol,
                    f"only in {elsewhere}" if elsewhere else "nowhere",
                    elsewhere=elsewhere,
                    certain=certain,
                )

    def _no_init_function(self, path: str) -> Iterable[LoadProblem]:
        """The function that an import calls is looked for in the file and in all that it has loaded (dlsym(3))."""
        loaded = self._loaded(path)
        tables = [facts.symbols for facts in loaded.values()]
        wanted = init_functions(path, self._profile.python)
        if len(loaded) < len(self.closure(path)) or None in tables:
            return
        # One after the other: the file itself is nearly always enough.
        if not any(table.defined.intersection(wanted) for table in tables if table is not None):
            defined = frozenset().union(*(table.defined for table in tables if table is not None))
            found = ", ".join(sorted(name for name in defined if _INIT_FUNCTION.match(name)))
            yield LoadProblem("no-init-function", path, path, wanted[-1], found)

    def _loaded(self, root: str) -> dict[str, ElfFacts]:
        """Returns the readable files of the artifact that loading `root` loads, the file itself first."""
        paths = sorted(self._links.closures[root], key=lambda path: (path != root, path))
        return {path: facts for path in paths if (facts := self._elf_at(path)) is not None}

    def _definer(self, symbol: str) -> str | None:
        """A file of the artifact that defines a name."""
        for path, facts in self.elf.items():
            if isinstance(facts, ElfFacts) and facts.symbols is not None and symbol in facts.symbols.defined:
                return path
        return None

    def _missing(self, root: str, path: str, soname: str) -> LoadProblem:
        """A library that no search path leads to. A copy elsewhere may have been loaded before by other code, which
        satisfies every later need of the same soname (dl-load.c: _dl_map_object)."""
        elsewhere = [p for p in self.bundled(soname) if refusal(self.elf[p], self._profile) is None]
        available = f"only at {elsewhere[0]}, where the loader does not look" if elsewhere else "nowhere"
        found = elsewhere[0] if elsewhere else None
        return LoadProblem("missing-library", root, path, soname, available, soname, found, certain=found is None)

    def _fitting(self, path: str) -> str | None:
        """Returns the file at a path unless it is for another machine: the loader passes over those and looks on."""
        if self._stack.file(path) is None:
            return None
        facts = self._facts_at(path)
        return None if isinstance(facts, ElfFacts) and not facts.fits(self._profile.machine) else path

    def _version_problem(
        self, root: str, path: str, need: VersionNeed, provider: Provider | None
    ) -> Iterable[LoadProblem]:
        if need.weak or provider is None:
            return
        if isinstance(provider, str):
            real = self._stack.file(provider)
            facts = self.elf.get(real.path) if real else None
            if not isinstance(facts, ElfFacts) or need.version in facts.defined_versions:
                return
            # For a library that defines no versions there is a warning; one that knows of none at all, not even those
            # of others, ends the process (dl-lookup.c: an assertion in check_match).
            if facts.defined_versions or not facts.version_needs:
                available = f"{provider} does not define it" + ("" if facts.defined_versions else ", nor any version")
                yield LoadProblem("symbol-version", root, path, need.version, available, need.library)
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
                    "glibc", root, path, need.version, f"GLIBC_{dotted(self._profile.glibc)}", need.library
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
                f"{prefix}_{dotted(ceiling)}",
                need.library,
                certain=wanted > newest,
            )
