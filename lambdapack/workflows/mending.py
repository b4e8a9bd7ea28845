"""Makes the files of a repaired artifact: new wheels in the place of old ones, the rest as it is.

Knows what is to be done (`repairs.py`) and how wheels are had (`builder`); writes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from lambdapack.artifact import Located, Tree
from lambdapack.builder import BuildPlan, ResolvedWheel, WheelStore
from lambdapack.builder.archive import EXECUTABLE, PLAIN, Piece
from lambdapack.builder.choice import choose
from lambdapack.builder.fitting import find_fitting
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.segments import install_wheels
from lambdapack.builder.uv_command import WHEELS_ONLY, UvRefused, short_reason
from lambdapack.checking import Subject
from lambdapack.errors import BuildFailed, LambdapackError, UnreadableMember
from lambdapack.facts.distributions import DistFacts
from lambdapack.progress import Progress
from lambdapack.workflows.repairs import Repairs

LAYER_ROOT = "/opt"
TASK_ROOT = "/var/task"


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was done. `kind` is `replaced`, `restored`, `added`, `mode`, `left out` or `moved`."""

    kind: str
    what: str
    why: str


class Mending:
    """Makes the files of the output, and notes what was done and what could not be."""

    def __init__(
        self, subject: Subject, tree: Tree, mount: str, repairs: Repairs, store: WheelStore, progress: Progress
    ) -> None:
        self.subject = subject
        self.tree = tree
        self.mount = mount
        self.repairs = repairs
        self.store = store
        self.progress = progress
        self.done: list[Repair] = []
        self._replaced: list[DistFacts] = []
        self.failed: list[tuple[str, str]] = []

    def pieces(self) -> list[Piece]:
        """Returns all files of the output: those of new wheels, and what stays. Raises `BuildFailed`."""
        new = self._from_wheels()
        gone = self._removed() | set(self.repairs.junk)
        for path in self.repairs.junk:
            self.done.append(Repair("left out", self._shown(path), "nothing that a function uses"))
        if self.repairs.top is not None:
            self.done.append(Repair("moved", f"{self.repairs.top}/", "its content stands at the top now"))
        stays = {piece.path: piece for piece in self._staying(gone)}
        return list({**stays, **new}.values())

    def _from_wheels(self) -> dict[str, Piece]:
        """Replaces, restores and adds distributions; returns their files by path."""
        found: dict[str, Piece] = {}
        for name, replacement in self.repairs.replace.items():
            wheel = self._same_version(replacement.dist)
            if wheel is None:
                continue
            found |= self._installed(wheel, replacement.dist)
            self._replaced.append(replacement.dist)
            self.done.append(Repair("replaced", f"{wheel.label} by {wheel.filename}", replacement.why))
            self.repairs.conflicting.pop(name, None)
        for restoration in self.repairs.restore.values():
            found |= self._restored(restoration.dist, restoration.paths)
        found |= self._added()
        return found

    def _restored(self, dist: DistFacts, paths: tuple[str, ...]) -> dict[str, Piece]:
        wheel = self._same_version(dist)
        if wheel is None:
            return {}
        files = self._installed(wheel, dist)
        wanted = {self._inside(path): path for path in paths}
        found = {
            path: piece
            for path, piece in files.items()
            if path in wanted and dist.is_as_recorded(wanted[path], _content(piece))
        }
        if found:
            many = f"{len(found)} {'file' if len(found) == 1 else 'files'} of {dist.name} {dist.version}"
            self.done.append(Repair("restored", many, "its RECORD lists what is gone"))
        for path in sorted(wanted.keys() - found.keys()):
            self.failed.append((path, f"{wheel.filename} does not have it as RECORD says"))
        return found

    def _added(self) -> dict[str, Piece]:
        """Resolves what is missing, with all that is there as it is."""
        if not self.repairs.required:
            return {}
        kept = {dist.name: dist for dist in self._own() if dist.name not in self.repairs.conflicting}
        strings = sorted({requirement for requirement, _ in self.repairs.required})
        try:
            wheels = self._resolve([*strings, *(f"{dist.name}=={dist.version}" for dist in kept.values())])
        except LambdapackError as error:
            self.failed.append((", ".join(strings), str(error)))
            return {}
        wanted_by = {requirement.partition(" ")[0].lower(): who for requirement, who in self.repairs.required}
        found: dict[str, Piece] = {}
        for wheel in wheels:
            if wheel.name in kept:
                continue
            beside = self.repairs.conflicting.get(wheel.name)
            found |= self._installed(wheel, beside)
            if beside is not None:
                self._replaced.append(beside)
                why = f"others do not take {beside.version}"
                self.done.append(Repair("replaced", f"{wheel.name} {beside.version} by {wheel.label}", why))
            else:
                who = next((who for text, who in wanted_by.items() if text.startswith(wheel.name)), "what was added")
                self.done.append(Repair("added", wheel.label, f"{who} requires it"))
        return found

    def _same_version(self, dist: DistFacts) -> ResolvedWheel | None:
        """The wheel of the version that is there, for this runtime; None when there is none, which is noted."""
        try:
            wheels = self._resolve([f"{dist.name}=={dist.version}"], dependencies=False)
        except LambdapackError as error:
            self.failed.append((f"{dist.name} {dist.version}", str(error)))
            return None
        return next(wheel for wheel in wheels if wheel.name == dist.name)

    def _resolve(self, strings: list[str], *, dependencies: bool = True) -> list[ResolvedWheel]:
        self.progress(f"resolving {strings[0]}")
        profile = self.subject.profile
        inputs = requirement_inputs(Path.cwd(), strings=tuple(strings))
        limits = replace(WHEELS_ONLY, dependencies=dependencies)
        with self.store.scratch() as scratch:
            try:
                lock = find_fitting(inputs, profile, scratch=scratch, limits=limits).lock
            except UvRefused as refusal:
                reason = short_reason(refusal.stderr)
                raise BuildFailed(f"cannot be had as a wheel for {self.subject.target}: {reason}") from refusal
        if lock is None:
            raise BuildFailed(f"there is no wheel of this version for {self.subject.target}")
        return [choice for choice in choose(lock, profile) if isinstance(choice, ResolvedWheel)]

    def _installed(self, wheel: ResolvedWheel, beside: DistFacts | None) -> dict[str, Piece]:
        """The files of a wheel, where the old distribution is, or else where the others are."""
        profile = self.subject.profile
        plan = BuildPlan(
            function=wheel.name,
            handler="",
            runtime=profile.runtime,
            architecture=profile.architecture,
            machine=profile.machine,
            python=profile.python,
            wheel_tags=profile.wheel_tags,
            requirements=(),
            wheels=(wheel,),
            first_party=(),
            exclude=(),
            left_out=(),
            output=Path(wheel.filename),
        )
        roots = [dist.root for dist in (beside, *self._own()) if dist is not None]
        default = f"{self.mount}/python" if self.mount == LAYER_ROOT else self.mount
        root = self._inside(roots[0] if roots else default)
        prefix = f"{root}/" if root else ""
        [installed] = install_wheels(plan, self.store, self.progress)
        return {
            prefix + piece.path: replace(
                piece,
                path=prefix + piece.path,
                packed=piece.packed._replace(headed=not prefix) if piece.packed else None,
            )
            for piece in installed.pieces
        }

    def _removed(self) -> set[str]:
        """Everything of the distributions that were replaced, with what installers and compilers have added."""
        found = set()
        for dist in self._replaced:
            modules = {path for path in dist.record or () if path.endswith(".py")}
            found |= set(dist.record or ())
            for item in self.subject.stack.files():
                folder, _, name = item.path.rpartition("/")
                if folder.startswith(dist.folder) or (
                    folder.endswith("/__pycache__")
                    and f"{folder.removesuffix('__pycache__')}{name.partition('.')[0]}.py" in modules
                ):
                    found.add(item.path)
        return found

    def _staying(self, gone: set[str]) -> Iterator[Piece]:
        """What is kept of the artifact; where it cannot be read, nothing is written."""
        executable = set(self.repairs.executable)
        readable = set(self.repairs.readable)
        for path, located in sorted(self.subject.stack.located.items()):
            if located.tree is not self.tree or located.entry.is_directory or path in gone:
                continue
            mode = EXECUTABLE if located.entry.permissions & 0o111 or path in executable else PLAIN
            if path in executable or path in readable:
                old = f"{located.entry.permissions:04o}"
                self.done.append(Repair("mode", self._shown(path), f"it was {old}, and is {mode:04o} now"))
            real = self.subject.stack.file(path)
            if real is None:
                raise BuildFailed(f"{path}: is a link that leads nowhere", hint="remove it")
            yield Piece(self._inside(path), mode, real.entry.size, self._shown(path), _Opener(real, path))

    def _own(self) -> list[DistFacts]:
        return [dist for dist in self.subject.distributions if dist.root.startswith(self.mount)]

    def _inside(self, path: str) -> str:
        """The path in the output of what stands at a path of the stack."""
        inside = path.removeprefix(self.mount).lstrip("/")
        top = self.repairs.top
        return inside.removeprefix(f"{top}/") if top is not None else inside

    def _shown(self, path: str) -> str:
        return path.removeprefix(self.mount).lstrip("/")


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens a file of the artifact."""

    located: Located
    path: str

    def __call__(self) -> BinaryIO:
        try:
            return io.BytesIO(self.located.tree.read_bytes(self.located.entry))
        except UnreadableMember as error:
            raise BuildFailed(f"{self.path}: cannot be kept, because it cannot be read: {error}") from error


def _content(piece: Piece) -> bytes:
    with piece.open() as stream:
        return stream.read()
