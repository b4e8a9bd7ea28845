"""Makes wheels of what has none: sdists, folders, repositories.

What is plainly Python is built by uv on this machine: its wheel says `any` and is the same everywhere. Anything else is
for the target's own system; a wheel that this machine's compiler made is never used. What was built is kept by the
content of its source and by the target.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from lambdapack.builder.choice import Source
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.refusals import target_words
from lambdapack.builder.sources import SourceTree, fetch_source
from lambdapack.builder.store import WheelStore, digest_of
from lambdapack.builder.uv_command import find_uv, index_variables, short_reason
from lambdapack.errors import BuildFailed
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

_RECIPE = "1"
"""Counted up when the same source would come out as another wheel."""

_ANY = "any"
_EPOCH = "315532800"  # 1980-01-01, the first date a ZIP archive can hold

BuildForTarget = Callable[[Source, SourceTree, Sequence[str], Path], Path]
"""Builds a source for the target in its own system; given options that name indexes and a folder for the wheel, returns
the wheel."""


@dataclass(frozen=True, slots=True)
class WheelMaker:
    """Builds wheels for one target. `for_target` builds what has native code, in a `place` that has a name: what was
    built elsewhere is not taken for it. `folder` is where uv finds its configuration."""

    profile: RuntimeProfile
    store: WheelStore
    for_target: BuildForTarget
    folder: Path
    place: str = ""
    progress: Progress = silent

    def make(self, source: Source, indexes: Sequence[str] = ()) -> ResolvedWheel:
        """Returns the wheel of a source, from the store if the same content was built before. `indexes` are options
        that name indexes, as in requirement files.

        Raises `BuildFailed`, and `MissingRequirement` when it has native code and there is nothing to build it in.
        """
        with self.store.scratch() as scratch:
            tree = fetch_source(source, self.store, scratch, self.progress)
            for target in (_ANY, self._target):
                kept = self._kept(source, tree, target)
                if kept is not None:
                    return kept
            out = scratch / "wheels"
            out.mkdir()
            path = self._build(source, tree, indexes, out)
            return self._keep(source, tree, path)

    @property
    def _target(self) -> str:
        return f"{self.profile.identifier} {self.place}"

    def _build(self, source: Source, tree: SourceTree, indexes: Sequence[str], out: Path) -> Path:
        if not tree.looks_native:
            path = self._build_here(source, tree, indexes, out)
            if _is_for_any_platform(path.name):
                return path
            # Compiled for this machine: of no use, whatever its tags say.
            path.unlink()
        return self.for_target(source, tree, indexes, out)

    def _build_here(self, source: Source, tree: SourceTree, indexes: Sequence[str], out: Path) -> Path:
        self.progress(f"building {source.label}")
        with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
            # What an earlier build left in `build/` would go into the wheel, too.
            configuration = Path(temporary, "setuptools.cfg")
            configuration.write_text(f"[build]\nbuild_base = {temporary}\n", encoding="utf-8")
            environment = {
                **os.environ,
                **index_variables(indexes),
                "DIST_EXTRA_CONFIG": str(configuration),
                "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", _EPOCH),
            }
            command = [find_uv(), "build", "--wheel", "--color=never", "--no-python-downloads"]
            command += [f"--python={sys.executable}", f"--out-dir={out}", "--no-create-gitignore", str(tree.folder)]
            command += ["--no-index"] if "--no-index" in indexes else []
            run = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        if run.returncode != 0:
            raise BuildFailed(f"{source.label}: cannot be built: {_why(run.stderr)}")
        return only_wheel(out, source)

    def _keep(self, source: Source, tree: SourceTree, path: Path) -> ResolvedWheel:
        wheel = _as_resolved(source, path)
        if not _accepts(wheel.filename, self.profile):
            raise BuildFailed(
                f"{source.label}: was built as {wheel.filename}, which does not fit {target_words(self.profile)}"
            )
        content = path.read_bytes()
        self.store.put(self.store.path_of(wheel), lambda stream: stream.write(content))
        target = _ANY if _is_for_any_platform(wheel.filename) else self._target
        record = {"filename": wheel.filename, "sha256": wheel.sha256, "version": wheel.version, "size": wheel.size}
        self.store.write_text(self._record(tree, target), json.dumps(record))
        return wheel_in_store(wheel, self.store)

    def _kept(self, source: Source, tree: SourceTree, target: str) -> ResolvedWheel | None:
        text = self.store.read_text(self._record(tree, target))
        try:
            record = json.loads(text or "")
            wheel = ResolvedWheel(
                source.name, record["version"], record["filename"], "", record["sha256"], record["size"]
            )
        except (ValueError, KeyError, TypeError):
            return None
        found = wheel_in_store(wheel, self.store)
        return (
            found
            if digest_of(Path(found.location)) == wheel.sha256 and _accepts(wheel.filename, self.profile)
            else None
        )

    def _record(self, tree: SourceTree, target: str) -> str:
        key = hashlib.sha256(f"{_RECIPE} {tree.digest} {target}".encode()).hexdigest()
        return f"built/{key[:2]}/{key}.json"


def wheel_in_store(wheel: ResolvedWheel, store: WheelStore) -> ResolvedWheel:
    """The same wheel with its place in the store as its location."""
    place = str(store.path_of(wheel))
    return ResolvedWheel(wheel.name, wheel.version, wheel.filename, place, wheel.sha256, wheel.size)


def only_wheel(folder: Path, source: Source) -> Path:
    """Returns the one wheel in a folder. Raises `BuildFailed`."""
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise BuildFailed(f"{source.label}: building it gave {len(found)} wheels instead of one")
    return found[0]


def _why(stderr: str) -> str:
    """uv's reason, and the last that the build back end said before it."""
    said, mark, reason = stderr.rpartition("\nerror: ")
    if not mark:
        return short_reason(stderr)
    last = [line.strip() for line in said.splitlines() if line.strip() and line.strip() != "Building wheel..."][-1:]
    return ": ".join([short_reason(f"error: {reason}"), *last])


def _as_resolved(source: Source, path: Path) -> ResolvedWheel:
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise BuildFailed(f"{source.label}: was built as {path.name}, which is not the name of a wheel") from error
    if name != canonicalize_name(source.name):
        raise BuildFailed(f"{source.label}: was built as {path.name}, which is another distribution")
    return ResolvedWheel(source.name, str(version), path.name, str(path), digest_of(path) or "", path.stat().st_size)


def _is_for_any_platform(filename: str) -> bool:
    return filename.removesuffix(".whl").endswith("-any")


def _accepts(filename: str, profile: RuntimeProfile) -> bool:
    return not {str(tag) for tag in parse_wheel_filename(filename)[3]}.isdisjoint(profile.wheel_tags)
