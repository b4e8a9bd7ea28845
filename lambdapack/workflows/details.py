"""What a drawing of an artifact is made of: sizes by place, the modules that the handler loads, native files.

Data for programs, gathered only when it is asked for. Judges nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lambdapack.checking import Subject
from lambdapack.facts.elf import ElfFacts
from lambdapack.finding import Json


def details_of(subject: Subject) -> dict[str, Json]:
    """Returns what stands under `details` in the JSON report."""
    return {
        "sizes": list(_sizes(subject)),
        "distributions": list(_distributions(subject)),
        "modules": list(_modules(subject)),
        "native": [
            {"path": path, "machine": facts.machine, "needed": list(facts.needed)}
            for path, facts in sorted(subject.native.elf.items())
            if isinstance(facts, ElfFacts)
        ],
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


def _distributions(subject: Subject) -> Iterator[dict[str, Json]]:
    """Bytes and files of each distribution, by name."""
    found: dict[tuple[str, str], list[int]] = {(dist.name, dist.version): [] for dist in subject.distributions}
    for located in subject.stack.files():
        dist = subject.distribution_of(located.path)
        if dist is not None:
            found[dist.name, dist.version].append(located.entry.size)
    for (name, version), sizes in sorted(found.items()):
        yield {"name": name, "version": version, "bytes": sum(sizes), "files": len(sizes)}


def _modules(subject: Subject) -> Iterator[dict[str, Json]]:
    """What importing the handler loads, in its order; `importer` is who imports it first."""
    for name, execution in (subject.imports.executions if subject.imports else {}).items():
        yield {
            "name": name,
            "kind": execution.module.kind,
            "path": execution.module.path,
            "importer": execution.chain[-2] if len(execution.chain) > 1 else None,
        }
