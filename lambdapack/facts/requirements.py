"""What installed distributions require of each other: `Requires-Dist`, with markers and extras evaluated for a target.

Knows what is installed and what the runtime brings. Whether anything fails for want of a requirement is not known here:
that is the import's to show.
Sources: PEP 508 and the core metadata specification of the Python Packaging User Guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.profiles.profile import Preinstalled


@dataclass(frozen=True, slots=True)
class Conflict:
    """A requirement of one distribution that another, installed one does not satisfy."""

    dist: DistFacts
    requirement: str
    found: DistFacts


@dataclass(frozen=True, slots=True)
class Outgrown:
    """A requirement of an older version than the runtime was last seen with; it is not in the artifact itself."""

    dist: DistFacts
    requirement: str
    found: Preinstalled


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that nothing in the artifact satisfies. `name` is the normalised name of what is wanted.

    `perhaps` is the runtime's distribution of that name where reports of the runtime contradict each other.
    """

    dist: DistFacts
    requirement: str
    name: str
    perhaps: Preinstalled | None


class Requirements:
    """The requirements of installed distributions; `environment` are the marker values of the target, `preinstalled`
    what the runtime brings.

    Of a distribution that is there twice, the first one counts: it stands first on `sys.path`.
    """

    def __init__(
        self,
        distributions: Iterable[DistFacts],
        environment: Mapping[str, str],
        preinstalled: Iterable[Preinstalled],
        finder: ModuleFinder,
    ) -> None:
        self._installed: dict[str, DistFacts] = {}
        for dist in distributions:
            self._installed.setdefault(dist.name, dist)
        self._environment = dict(environment)
        self._preinstalled = {canonicalize_name(item.name): item for item in preinstalled}
        self._finder = finder
        self._applying = tuple(self._apply())

    def requirers(self) -> dict[str, tuple[str, ...]]:
        """Returns for each installed distribution the names of those that require it here."""
        found: dict[str, set[str]] = {}
        for dist, requirement in self._applying:
            name = canonicalize_name(requirement.name)
            if name in self._installed and name != dist.name:
                found.setdefault(name, set()).add(dist.name)
        return {name: tuple(sorted(names)) for name, names in found.items()}

    @property
    def applying(self) -> Iterator[tuple[DistFacts, str, str]]:
        """Yields every requirement that applies to the target: whose it is, of what (normalised), and as written."""
        for dist, requirement in self._applying:
            yield dist, canonicalize_name(requirement.name), _shown(requirement)

    def conflicts(self) -> Iterator[Conflict]:
        """Yields the requirements on distributions that are there, in another version."""
        for dist, requirement in self._applying:
            found = self._installed.get(canonicalize_name(requirement.name))
            if found is None:
                continue
            try:
                if not requirement.specifier.contains(found.version, prereleases=True):
                    yield Conflict(dist, _shown(requirement), found)
            except InvalidVersion:
                continue  # metadata that says nothing that can be held against anything

    def outgrown(self) -> Iterator[Outgrown]:
        """Yields the requirements that the runtime's own version is too new for. One that it is too old for says
        nothing: AWS updates what the runtime brings."""
        for dist, requirement in self._applying:
            name = canonicalize_name(requirement.name)
            found = self._preinstalled.get(name)
            if name in self._installed or found is None or found.version is None:
                continue
            if any(_is_outgrown(specifier, found.version) for specifier in requirement.specifier):
                yield Outgrown(dist, _shown(requirement), found)

    def unmet(self) -> Iterator[Unmet]:
        """Yields the requirements on distributions that are not there, without those that the runtime certainly brings
        and those of whose name a module can be imported: code without metadata is there all the same."""
        for dist, requirement in self._applying:
            name = canonicalize_name(requirement.name)
            perhaps = self._preinstalled.get(name)
            if name in self._installed or (perhaps is not None and perhaps.certain):
                continue
            if perhaps is None and self._finder.find(requirement.name.replace("-", "_"), None) is not None:
                continue
            yield Unmet(dist, _shown(requirement), name, perhaps)

    def _apply(self) -> Iterator[tuple[DistFacts, Requirement]]:
        """Yields every requirement that applies to the target. A requirement under an extra applies when another
        installed distribution asks for that extra: nobody knows what the user asked for."""
        parsed = {name: tuple(_parse(dist)) for name, dist in self._installed.items()}
        asked: dict[str, set[str]] = {name: {""} for name in parsed}
        pending = [(name, "") for name in parsed]
        seen: set[tuple[str, int]] = set()
        while pending:
            name, extra = pending.pop(0)
            for number, requirement in enumerate(parsed[name]):
                if (name, number) in seen or not self._applies(requirement, extra):
                    continue
                seen.add((name, number))
                yield self._installed[name], requirement
                wanted = canonicalize_name(requirement.name)
                for other in map(canonicalize_name, requirement.extras):
                    if wanted in asked and other not in asked[wanted]:
                        asked[wanted].add(other)
                        pending.append((wanted, other))

    def _applies(self, requirement: Requirement, extra: str) -> bool:
        if requirement.marker is None:
            return True
        try:
            return requirement.marker.evaluate({**self._environment, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
            return False


def _is_outgrown(specifier: Specifier, version: str) -> bool:
    if specifier.operator not in ("<", "<=", "==", "~=") or specifier.contains(version, prereleases=True):
        return False
    try:
        return Version(version) > Version(specifier.version.removesuffix(".*"))
    except InvalidVersion:
        return False


def _parse(dist: DistFacts) -> Iterator[Requirement]:
    for text in dist.requires:
        try:
            yield Requirement(text)
        except (InvalidRequirement, RecursionError):
            continue


def _shown(requirement: Requirement) -> str:
    return str(requirement).split(";")[0].strip()
