"""The installed distributions of an artifact: what their `.dist-info` folders say.

Source: the "Recording installed projects" specification of the Python Packaging User Guide.
"""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember


@dataclass(frozen=True, slots=True)
class DistFacts:
    """One distribution. `name` is normalised, `folder` its `.dist-info`, `root` the folder it is installed in.

    `tags` are the wheel tags of `WHEEL`. `record` are the absolute paths that `RECORD` lists, None when there is none.
    """

    name: str
    version: str
    folder: str
    root: str
    tags: tuple[str, ...]
    requires: tuple[str, ...]
    record: frozenset[str] | None

    def missing(self, present: Iterable[str] | dict[str, object]) -> tuple[str, ...]:
        """Returns the recorded files that are not among the present ones."""
        return tuple(sorted((self.record or frozenset()) - set(present)))


@dataclass(frozen=True, slots=True)
class Conflict:
    """A requirement of one distribution that another, installed one does not satisfy."""

    dist: DistFacts
    requirement: str
    found: DistFacts


def version_conflicts(distributions: Iterable[DistFacts], environment: Mapping[str, str]) -> Iterator[Conflict]:
    """Yields conflicts between distributions that are there; `environment` are the marker values of the target.

    Of a distribution that is there twice, the first one counts: it stands first on `sys.path`.
    """
    installed: dict[str, DistFacts] = {}
    for dist in distributions:
        installed.setdefault(dist.name, dist)
    for dist in installed.values():
        for text in dist.requires:
            try:
                requirement = Requirement(text)
                found = installed.get(canonicalize_name(requirement.name))
                if found is None or (
                    requirement.marker and not requirement.marker.evaluate({**environment, "extra": ""})
                ):
                    continue
                if not requirement.specifier.contains(found.version, prereleases=True):
                    yield Conflict(dist, str(requirement).split(";")[0].strip(), found)
            except (InvalidRequirement, InvalidVersion, UndefinedEnvironmentName):
                continue  # metadata that says nothing that can be held against anything


def marker_environment(python: tuple[int, int], machine: str) -> dict[str, str]:
    """The marker values of a target (PEP 508); a patch release makes no difference to what is judged by them."""
    version = f"{python[0]}.{python[1]}"
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }


def owners(distributions: Iterable[DistFacts]) -> dict[str, DistFacts]:
    """Returns the distribution that records each file; of several, the first."""
    found: dict[str, DistFacts] = {}
    for dist in distributions:
        for path in dist.record or ():
            found.setdefault(path, dist)
    return found


def read_distributions(stack: Stack, roots: Iterable[str]) -> tuple[DistFacts, ...]:
    """Reads every distribution installed directly in one of the folders of `sys.path`."""
    found = []
    for root in dict.fromkeys(roots):
        for name in sorted(stack.names(root)):
            if name.endswith(".dist-info") and stack.is_folder(f"{root}/{name}"):
                facts = _read(stack, root, name)
                if facts is not None:
                    found.append(facts)
    return tuple(found)


def _text(stack: Stack, path: str) -> str | None:
    located = stack.file(path)
    if located is None:
        return None
    try:
        return stack.read_bytes(located).decode("utf-8", "replace")
    except UnreadableMember:
        return None


def _read(stack: Stack, root: str, folder_name: str) -> DistFacts | None:
    folder = f"{root}/{folder_name}"
    metadata = _text(stack, f"{folder}/METADATA")
    if metadata is None:
        return None
    headers = HeaderParser().parsestr(metadata)
    stem_name, _, stem_version = folder_name.removesuffix(".dist-info").partition("-")
    wheel = HeaderParser().parsestr(_text(stack, f"{folder}/WHEEL") or "")
    record = _text(stack, f"{folder}/RECORD")
    return DistFacts(
        name=canonicalize_name(headers.get("Name") or stem_name),
        version=headers.get("Version") or stem_version,
        folder=folder,
        root=root,
        tags=tuple(wheel.get_all("Tag") or ()),
        requires=tuple(headers.get_all("Requires-Dist") or ()),
        record=None if record is None else frozenset(_recorded(record, root)),
    )


def _recorded(record: str, root: str) -> Iterable[str]:
    try:
        for row in csv.reader(io.StringIO(record)):
            if row and row[0] and not row[0].startswith("/"):
                yield posixpath.normpath(posixpath.join(root, row[0]))
    except csv.Error:
        return
