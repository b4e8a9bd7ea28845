"""What a drawing of an artifact is made of: its files with what they are for, the modules that the handler loads, what
native files need and who provides it, the distributions and who brings them.

Data for programs, gathered only when it is asked for. Judges nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lambdapack.checking import Subject
from lambdapack.facts.elf import ElfFacts
from lambdapack.finding import Json
from lambdapack.profiles import SystemLibrary

if TYPE_CHECKING:
    from lambdapack.facts.attempts import ImportAttempt


def details_of(subject: Subject) -> dict[str, Json]:
    """Returns what stands under `details` in the JSON report."""
    return {
        "sizes": list(_sizes(subject)),
        "files": list(_files(subject)),
        "distributions": list(_distributions(subject)),
        "modules": list(_modules(subject)),
        "native": list(_native(subject)),
    }


def _sizes(subject: Subject) -> Iterator[dict[str, Json]]:
    """Bytes and files of what stands directly in a mounted folder, largest first; of an image, of its own folders."""
    points = subject.own_folders or tuple(mount.point for mount in subject.stack.mounts)
    found: dict[str, list[int]] = defaultdict(list)
    owners: dict[str, set[str]] = defaultdict(set)
    for located in subject.stack.files():
        point = max((folder for folder in points if located.path.startswith(f"{folder}/")), key=len, default=None)
        if point is None:
            continue
        place = f"{point}/{located.path[len(point) + 1 :].partition('/')[0]}"
        found[place].append(located.entry.size)
        dist = subject.distribution_of(located.path)
        owners[place] |= {dist.name} if dist else set()
    for place, sizes in sorted(found.items(), key=lambda item: (-sum(item[1]), item[0])):
        yield {"path": place, "bytes": sum(sizes), "files": len(sizes), "distributions": sorted(owners[place])}


def _files(subject: Subject) -> Iterator[dict[str, Json]]:
    """Every file of the artifact itself; `use` is what it is for: `import` when importing the handler needs it, else
    what it would be: `native`, `python` or `data`."""
    needed = _needed(subject)
    for located in subject.stack.files():
        if not subject.is_own(located.path):
            continue
        dist = subject.distribution_of(located.path)
        if located.path in needed:
            use = "import"
        elif isinstance(subject.native.elf.get(located.path), ElfFacts):
            use = "native"
        else:
            use = "python" if located.path.endswith((".py", ".pyc")) else "data"
        size = located.entry.size
        yield {"path": located.path, "bytes": size, "distribution": dist.name if dist else None, "use": use}


def _needed(subject: Subject) -> set[str]:
    """The files that importing the handler needs: found by following it, and, where it was tried, by what it did."""
    found: set[str] = set()
    for execution in subject.imports.executions.values() if subject.imports else ():
        path = execution.module.path
        if path is not None:
            found |= subject.native.closure(path) if execution.module.kind == "extension" else {path}
    for attempt in subject.attempts:
        found.update(item.path for item in attempt.imports if item.path is not None)
        found.update(attempt.shared_objects)
    return found


def _distributions(subject: Subject) -> Iterator[dict[str, Json]]:
    """Bytes and files of each distribution by name, who requires it, and what importing it took, where that was tried:
    `import_seconds` without what it imports from others."""
    found: dict[tuple[str, str], list[int]] = {(dist.name, dist.version): [] for dist in subject.distributions}
    for located in subject.stack.files():
        dist = subject.distribution_of(located.path)
        if dist is not None:
            found[dist.name, dist.version].append(located.entry.size)
    required = subject.requirements.requirers()
    seconds = _seconds(subject)
    for (name, version), sizes in sorted(found.items()):
        yield {
            "name": name,
            "version": version,
            "bytes": sum(sizes),
            "files": len(sizes),
            "required_by": list(required.get(name, ())),
            "import_seconds": seconds.get(name, 0.0) if seconds is not None else None,
        }


def _seconds(subject: Subject) -> dict[str, float] | None:
    """The import time of each distribution's own modules, None when nothing was imported."""
    attempts: list[ImportAttempt] = [attempt for attempt in subject.attempts if attempt.imports]
    if not attempts:
        return None
    found: dict[str, float] = defaultdict(float)
    for item in attempts[0].imports:
        dist = subject.distribution_of(item.path) if item.path is not None else None
        if dist is not None:
            found[dist.name] += item.own_seconds
    return found


def _modules(subject: Subject) -> Iterator[dict[str, Json]]:
    """What importing the handler loads, in its order; `importer` is who imports it first."""
    for name, execution in (subject.imports.executions if subject.imports else {}).items():
        yield {
            "name": name,
            "kind": execution.module.kind,
            "path": execution.module.path,
            "importer": execution.chain[-2] if len(execution.chain) > 1 else None,
        }


def _native(subject: Subject) -> Iterator[dict[str, Json]]:
    """Native files; `provided` says for each needed soname who has it: a path of the artifact, `runtime`, or null."""
    for path, facts in sorted(subject.native.elf.items()):
        if not isinstance(facts, ElfFacts) or not subject.is_own(path):
            continue
        providers = subject.native.providers(path)
        yield {
            "path": path,
            "machine": facts.machine,
            "needed": list(facts.needed),
            "provided": {
                soname: "runtime" if isinstance(provider, SystemLibrary) else provider
                for soname, provider in providers.items()
            },
        }
