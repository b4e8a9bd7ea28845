"""Why a distribution, module or file is in an artifact: who brings it, what it costs, what would drop with it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from lambdapack.checking import DistFacts, Subject
from lambdapack.errors import UsageError
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.facts.outcome import Execution
from lambdapack.facts.ways import loaded_only_through
from lambdapack.presence import Bringer, Part, Presence
from lambdapack.workflows.direct_use import imported_by_own
from lambdapack.workflows.inspection import Attempt, Target, known_facts, open_target, subject_of

_POINTS = ("/var/task/", "/opt/python/", "/opt/")


def why(target: Target, wanted: str, sidecar: Path | None, attempt: Attempt | None = None) -> Presence:
    """Returns why `wanted` (a distribution, a module, or a path) is in the artifact.

    `sidecar` may say why files of the project were chosen. `attempt` measures imports. Raises `UsageError` when the
    artifact has nothing of this name.
    """
    with ExitStack() as exit_stack:
        opened = open_target(target, exit_stack)
        known = exit_stack.enter_context(known_facts(opened))
        subject = subject_of(opened, zipped_size=None, known=known)
        tested = attempt(opened) if attempt is not None else None
        teller = _Teller(subject, tested if tested is not None and tested.status == "ok" else None)
        dist = next((item for item in subject.distributions if item.name == canonicalize_name(wanted)), None)
        if dist is not None:
            return teller.of_distribution(dist)
        path = _path_of(subject, wanted)
        if path is None:
            raise UsageError(
                f"{target.name or target.path}: has no distribution, module or file {wanted!r}",
                hint=_near(subject, wanted),
            )
        return teller.of_file(path, _chosen(sidecar))


@dataclass(frozen=True, slots=True)
class _Teller:
    """Answers for one subject; `attempt` is an import that went well."""

    subject: Subject
    attempt: ImportAttempt | None

    def of_distribution(self, dist: DistFacts) -> Presence:
        """Who requires it, and what nothing else requires."""
        bringers = tuple(
            Bringer(other.name, other.version, text)
            for other, name, text in self.subject.requirements.applying
            if name == dist.name and other.name != dist.name
        )
        chain = self._first_chain(dist)
        names = ", ".join(bringer.name for bringer in bringers)
        reason = f"required by {names}" if bringers else "no other distribution requires it: the project asks for it"
        if chain:
            reason += f"; imported by {chain[-2]}" if len(chain) > 1 else "; the handler is in it"
        else:
            reason += "; nothing that the handler imports reaches it"
        sizes = self.subject.installation.size
        present = [path for path in dist.record or () if path in self.subject.stack.located]
        dropped = sorted((Part(item.name, sizes(item)) for item in self._only_for(dist)), key=lambda part: -part.bytes)
        return Presence(
            kind="distribution",
            name=dist.name,
            version=dist.version,
            path=None,
            owner=None,
            reason=reason,
            chain=chain,
            required_by=bringers,
            bytes=sizes(dist),
            files=len(present),
            milliseconds=self._milliseconds(dist.record or ()),
            would_drop=tuple(dropped),
        )

    def of_file(self, path: str, chosen: dict[str, str]) -> Presence:
        """Which import reaches it, or why it was packed without one."""
        imports, located = self.subject.imports, self.subject.stack.located[path]
        execution = self._execution_of(path)
        dist = self.subject.distribution_of(path)
        inside = next(path.removeprefix(point) for point in (*_POINTS, "/") if path.startswith(point))
        chain = execution.chain if execution is not None else ()
        if execution is not None and imports is not None:
            later = execution.module.name not in imports.loaded
            way = "imported in a function" if later else "imported"
            reason = f"{way} by {chain[-2]}" if len(chain) > 1 else "the handler's own module"
        elif inside in chosen:
            reason = chosen[inside]
        elif dist is not None:
            reason = f"part of {dist.name} {dist.version}; nothing that the handler imports reaches it"
        else:
            reason = "nothing that the handler imports reaches it"
        return Presence(
            kind="module" if execution is not None else "file",
            name=execution.module.name if execution is not None else path,
            version=None,
            path=path,
            owner=dist.name if dist is not None else None,
            reason=reason,
            chain=chain,
            required_by=(),
            bytes=located.entry.size,
            files=1,
            milliseconds=self._milliseconds((path,)),
            would_drop=self._only_through(execution) if execution is not None else (),
        )

    def _first_chain(self, dist: DistFacts) -> tuple[str, ...]:
        record = dist.record or {}
        for execution in self.subject.imports.executions.values() if self.subject.imports else ():
            if execution.module.path in record:
                return execution.chain
        return ()

    def _execution_of(self, path: str) -> Execution | None:
        every = self.subject.imports.executions.values() if self.subject.imports else ()
        return next((execution for execution in every if execution.module.path == path), None)

    def _only_for(self, dist: DistFacts) -> list[DistFacts]:
        """The distributions that nothing but this one needs: no other requires them, no code of the project imports
        them."""
        needs: dict[str, set[str]] = {}
        for other, name, _ in self.subject.requirements.applying:
            needs.setdefault(other.name, set()).add(name)
        asked = {name for names in needs.values() for name in names}
        roots = {item.name for item in self.subject.distributions if item.name not in asked} | imported_by_own(
            self.subject
        )
        kept = _reach(roots - {dist.name}, needs, without=dist.name)
        below = _reach(needs.get(dist.name, set()), needs, without=dist.name)
        return [item for item in self.subject.distributions if item.name in below - kept]

    def _only_through(self, execution: Execution) -> tuple[Part, ...]:
        """The modules that the handler's import would not run without this one."""
        imports = self.subject.imports
        assert imports is not None
        gone = loaded_only_through(imports, execution.module.name)
        located = self.subject.stack.located
        parts = []
        for name in gone:
            path = imports.executions[name].module.path
            if path is not None and path in located:
                parts.append(Part(name, located[path].entry.size))
        return tuple(sorted(parts, key=lambda part: (-part.bytes, part.name)))

    def _milliseconds(self, paths: Collection[str]) -> float | None:
        if self.attempt is None:
            return None
        return round(sum(item.own_seconds for item in self.attempt.imports if item.path in paths) * 1000, 1)


def _reach(start: Iterable[str], needs: dict[str, set[str]], *, without: str) -> set[str]:
    found: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in found and name != without:
            found.add(name)
            pending += needs.get(name, ())
    return found


def _path_of(subject: Subject, wanted: str) -> str | None:
    """The file that is meant: by its place, its path in the artifact, or a module's name."""
    for point in ("", *_POINTS, "/"):
        if (
            f"{point}{wanted}" in subject.stack.located
            and not subject.stack.located[f"{point}{wanted}"].entry.is_directory
        ):
            return f"{point}{wanted}"
    if not all(part.isidentifier() for part in wanted.split(".")):
        return None
    module = subject.finder.find_dotted(wanted)
    return module.path if module is not None and module.path in subject.stack.located else None


def _near(subject: Subject, wanted: str) -> str | None:
    known = [dist.name for dist in subject.distributions]
    known += [
        path.removeprefix(point) for path in subject.stack.located for point in _POINTS[:1] if path.startswith(point)
    ]
    found = difflib.get_close_matches(wanted, known, 3)
    return f"did you mean {' or '.join(found)}?" if found else None


def _chosen(sidecar: Path | None) -> dict[str, str]:
    """The reasons that the build has written down; none where there is no sidecar of ours."""
    try:
        included = json.loads(sidecar.read_bytes()).get("included") if sidecar is not None else None
    except (OSError, ValueError, AttributeError):
        return {}
    return {str(path): str(reason) for path, reason in included.items()} if isinstance(included, dict) else {}
