"""How the installed distributions and the files agree: what is there twice, overwritten, changed, gone.

Holds `RECORD` against the files by name and size, and by hash only when asked to. Judges nothing: who strips or trims
what he installed leaves the same traces as who broke it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.distributions import DistFacts, Recorded, owners, record_hash
from lambdapack.facts.modules import is_of_runtime

_IMPORTABLE = (".py", ".so")
# What packages carry along for their own tests and documentation, by folder or file name.
_ASIDE = frozenset(("test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks"))


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One distribution installed twice. `first` is found first on `sys.path`; in one folder, where only the metadata
    is there twice, `files_of` is the one whose RECORD fits the files, None when neither does or both do."""

    first: DistFacts
    other: DistFacts
    files_of: DistFacts | None

    @property
    def in_one_folder(self) -> bool:
        return self.first.root == self.other.root


@dataclass(frozen=True, slots=True)
class Overwritten:
    """Files that two distributions record with different content. `winner` is the one whose content is there."""

    first: DistFacts
    other: DistFacts
    paths: tuple[str, ...]
    winner: DistFacts | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that is not what RECORD says. `by`: `size` or `hash`; `found` and `recorded` are its two values."""

    dist: DistFacts
    path: str
    by: str
    found: str
    recorded: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Modules that a distribution installed and that are not there any more; `left` are those that are."""

    dist: DistFacts
    paths: tuple[str, ...]
    left: int


def is_aside(path: str) -> bool:
    """True for tests, documentation and examples: nothing that a function imports."""
    folders, _, name = path.rpartition("/")
    return name.startswith(("test_", "conftest.")) or not _ASIDE.isdisjoint(folders.lower().split("/"))


class Installation:
    """All installed distributions of one stack, in the order of `sys.path`, held against its files."""

    def __init__(self, stack: Stack, distributions: Iterable[DistFacts]) -> None:
        self._stack = stack
        self.distributions = tuple(distributions)

    @cached_property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """Each distribution that is there more than once, with the one that is found first. What an image's runtime
        brings may be there again: the function's own copy is meant to come before it."""
        first: dict[str, DistFacts] = {}
        found = []
        for dist in self.distributions:
            known = first.setdefault(dist.name, dist)
            overrides_runtime = is_of_runtime(dist.root) and not is_of_runtime(known.root)
            if known is not dist and not overrides_runtime:
                files_of = self._files_of(known, dist) if known.root == dist.root else None
                found.append(Duplicate(known, dist, files_of))
        return tuple(found)

    @cached_property
    def overwritten(self) -> tuple[Overwritten, ...]:
        """Files outside of tests that two distributions of different names claim, each with another content."""
        claims: dict[str, tuple[DistFacts, Recorded]] = {}
        shared: dict[tuple[str, str], tuple[DistFacts, DistFacts, list[str]]] = {}
        for dist in self.distributions:
            for path, recorded in self._files[dist.folder].items():
                holder, other = claims.setdefault(path, (dist, recorded))
                if holder.name == dist.name or other == recorded or None in (other.hash, recorded.hash):
                    continue
                if path.endswith(_IMPORTABLE) and not is_aside(path):
                    shared.setdefault((holder.folder, dist.folder), (holder, dist, []))[2].append(path)
        return tuple(
            Overwritten(first, other, tuple(sorted(paths)), self._files_of(first, other, paths))
            for first, other, paths in shared.values()
        )

    def changed(self, *, deep: bool = False) -> Iterator[Changed]:
        """Yields files of another size than RECORD says; `deep`: also those of the same size and another SHA-256, for
        which every file is read."""
        claimed = {path for item in self.overwritten for path in item.paths}
        claimed |= {path for item in self.duplicates if item.in_one_folder for path in self._files[item.other.folder]}
        for dist in self.distributions:
            for path, recorded in self._files[dist.folder].items():
                located = self._stack.located.get(path)
                if located is None or not located.entry.is_file or path in claimed:
                    continue
                if recorded.size is not None and located.entry.size != recorded.size:
                    yield Changed(dist, path, "size", str(located.entry.size), str(recorded.size))
                elif deep and recorded.hash is not None and recorded.hash.startswith("sha256="):
                    digest = self._digest(path)
                    if digest is not None and digest != recorded.hash:
                        yield Changed(dist, path, "hash", digest, recorded.hash)

    def size(self, dist: DistFacts) -> int:
        """The bytes of what a distribution installed and the artifact still has, metadata included."""
        located = self._stack.located
        return sum(located[path].entry.size for path in dist.record or () if path in located)

    def is_duplicate(self, winner: str, hidden: Iterable[str]) -> bool:
        """True when a file and those that it hides belong to one distribution, which is there twice."""
        first = self._owners.get(winner)
        return first is not None and all(
            (other := self._owners.get(path)) is not None and other.name == first.name for path in hidden
        )

    @cached_property
    def _files(self) -> dict[str, Mapping[str, Recorded]]:
        """What each distribution brings, by its `.dist-info` folder."""
        return {dist.folder: dist.files for dist in self.distributions}

    @cached_property
    def _owners(self) -> dict[str, DistFacts]:
        return owners(self.distributions)

    def gone(self) -> Iterator[Gone]:
        """Yields what is left of distributions that lost modules other than their tests."""
        for dist in self.distributions:
            modules = [path for path in self._files[dist.folder] if path.endswith(_IMPORTABLE)]
            absent = [path for path in modules if path not in self._stack.located and not self._is_compiled(path)]
            paths = [path for path in absent if not is_aside(path)]
            if paths:
                there = sum(1 for path in modules if not is_aside(path)) - len(paths)
                yield Gone(dist, tuple(sorted(paths)), there)

    def _is_compiled(self, path: str) -> bool:
        """True when a module stands as byte code where its source was: that is found as well."""
        return path.endswith(".py") and f"{path}c" in self._stack.located

    def _files_of(self, one: DistFacts, other: DistFacts, paths: Iterable[str] | None = None) -> DistFacts | None:
        """Returns the one of two whose RECORD the files fit better, by their sizes."""
        fits = [self._fitting(dist, paths) for dist in (one, other)]
        return None if fits[0] == fits[1] else (one if fits[0] > fits[1] else other)

    def _fitting(self, dist: DistFacts, paths: Iterable[str] | None) -> int:
        files = self._files[dist.folder]
        sizes = ((self._stack.located.get(path), files.get(path)) for path in (files if paths is None else paths))
        return sum(1 for located, said in sizes if located and said and located.entry.size == said.size)

    def _digest(self, path: str) -> str | None:
        """The SHA-256 of a file as RECORD spells it; None for one that cannot be read, which another check tells."""
        try:
            data = self._stack.read_bytes(self._stack.located[path])
        except UnreadableMember:
            return None
        return record_hash(data)
