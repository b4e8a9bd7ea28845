"""What of an artifact can be mended for certain, told from its facts. Mends nothing itself, and fetches nothing.

Certain is what follows from what the artifact says of itself: a distribution is named with its version, so the same
version's wheel for this runtime is what was meant; RECORD lists the files that were there; `Requires-Dist` names what
is missing. Which version of an undeclared import was meant, nobody can tell, and code is never changed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lambdapack.checking import Subject
from lambdapack.facts.distributions import DistFacts
from lambdapack.finding import Finding, Severity
from lambdapack.report import Report

# Findings about a file that the right wheel of its distribution would not have.
_WRONG_FILE = ("ELF", "PKG003")
_UNREADABLE = 0o444
_JUNK_FOLDERS = frozenset((".git", ".hg", ".svn", ".venv", ".tox", ".nox", ".idea", ".vscode", "__MACOSX"))
_JUNK_FILES = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))


@dataclass(frozen=True, slots=True)
class Replacement:
    """A distribution that comes from another wheel of the same version. `why` completes "because ..."."""

    dist: DistFacts
    why: str


@dataclass(frozen=True, slots=True)
class Restoration:
    """Files that RECORD lists and that are gone."""

    dist: DistFacts
    paths: tuple[str, ...]


@dataclass(slots=True)
class Repairs:
    """What is to be done. Paths are those of the stack (`/var/task/handler.py`).

    `conflicting` are distributions in a version that others do not take; `required` the requirements of those that are
    missing or conflict, each with the name of the distribution that has it. `readable` and `executable` are files whose
    modes are wrong. `junk` is left out. `top` is a folder that everything stands in and should not.
    """

    replace: dict[str, Replacement] = field(default_factory=dict)
    restore: dict[str, Restoration] = field(default_factory=dict)
    conflicting: dict[str, DistFacts] = field(default_factory=dict)
    required: list[tuple[str, str]] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)
    executable: list[str] = field(default_factory=list)
    junk: list[str] = field(default_factory=list)
    top: str | None = None

    @property
    def any(self) -> bool:
        """True when there is something to do."""
        return any((self.replace, self.restore, self.required, self.readable, self.executable, self.junk, self.top))


def find_repairs(subject: Subject, report: Report, mount: str) -> Repairs:
    """Returns what can be mended of what stands below `mount`. The artifact has been inspected: `report` says what is
    wrong with it."""
    repairs = Repairs()
    own = [dist for dist in subject.distributions if dist.root.startswith(mount) and not dist.editable]
    by_folder = {dist.folder for dist in own}
    for finding in report.findings:
        if finding.severity is not Severity.ERROR or not finding.code.startswith(_WRONG_FILE):
            continue
        dist = subject.distribution_of(finding.path) if finding.path else None
        if dist is not None and dist.folder in by_folder:
            repairs.replace.setdefault(dist.name, Replacement(dist, finding.message))
    for dist in own:
        misfit = subject.misfit(dist)
        if misfit is not None and dist.name not in repairs.replace and _has_native(dist):
            repairs.replace[dist.name] = Replacement(dist, f"it is made for {misfit}")
    for gone in subject.installation.gone():
        if gone.dist.folder in by_folder and gone.dist.name not in repairs.replace:
            repairs.restore[gone.dist.name] = Restoration(gone.dist, gone.paths)
    _find_requirements(subject, own, repairs)
    _find_modes(subject, report.findings, mount, repairs)
    repairs.junk = [item.path for item in subject.stack.files() if _is_junk(subject, item.path, mount)]
    repairs.top = _superfluous_top(subject, report, mount)
    return repairs


def _has_native(dist: DistFacts) -> bool:
    return any(posixpath.basename(path).endswith(".so") or ".so." in path for path in dist.record or ())


def _find_requirements(subject: Subject, own: Iterable[DistFacts], repairs: Repairs) -> None:
    """Missing distributions, and those of a version that others refuse."""
    folders = {dist.folder for dist in own}
    for unmet in subject.requirements.unmet():
        if unmet.dist.folder in folders and unmet.perhaps is None:
            repairs.required.append((unmet.requirement, unmet.dist.name))
    for conflict in subject.requirements.conflicts():
        if conflict.found.folder in folders:
            repairs.conflicting[conflict.found.name] = conflict.found
            repairs.required.append((conflict.requirement, conflict.dist.name))


def _find_modes(subject: Subject, findings: Iterable[Finding], mount: str, repairs: Repairs) -> None:
    for item in subject.stack.files():
        if item.path.startswith(mount) and item.entry.permissions & _UNREADABLE != _UNREADABLE:
            repairs.readable.append(item.path)
    for finding in findings:
        path = finding.path
        if finding.code == "ELF011" and path and path.startswith(mount) and path in subject.stack.located:
            repairs.executable.append(path)


def _is_junk(subject: Subject, path: str, mount: str) -> bool:
    """What editors, version control and other systems leave behind, unless a distribution has installed it."""
    if not path.startswith(mount):
        return False
    *folders, name = path.removeprefix(mount).strip("/").split("/")
    if name not in _JUNK_FILES and _JUNK_FOLDERS.isdisjoint(folders):
        return False
    dist = subject.distribution_of(path)
    return dist is None or path not in (dist.record or ())


def _superfluous_top(subject: Subject, report: Report, mount: str) -> str | None:
    """The one folder that everything stands in, when the handler is not found for it: what a ZIP of a folder, instead
    of its content, has."""
    if not any(finding.code == "IMP003" for finding in report.findings) or not report.handler:
        return None
    module = report.handler.rpartition(".")[0].replace(".", "/")
    names = {path.removeprefix(mount).strip("/").partition("/")[0] for path in _files_below(subject, mount)}
    names -= _JUNK_FOLDERS | _JUNK_FILES
    if len(names) != 1:
        return None
    [top] = names
    found = any(f"{mount}/{top}/{module}{end}" in subject.stack.located for end in (".py", "/__init__.py"))
    return top if found else None


def _files_below(subject: Subject, mount: str) -> Iterator[str]:
    return (item.path for item in subject.stack.files() if item.path.startswith(f"{mount}/"))
