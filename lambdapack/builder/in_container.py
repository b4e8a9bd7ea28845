"""Builds native code in the target's own system: in the runtime's base image, with a compiler in it, without a network.

What the project needs to be built is resolved here, for the target, and put into the container as wheels; so no
credential goes in. Of the wheel that comes out, the native files are judged against the runtime before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lambdapack.builder.build_image import ensure_build_image, named_build_image
from lambdapack.builder.choice import Source
from lambdapack.builder.sources import SourceTree, source_files
from lambdapack.builder.store import WheelStore
from lambdapack.builder.wheel_script import FAILED, MISSING
from lambdapack.containers.building import workshop
from lambdapack.containers.engine import Engine, connect_engine
from lambdapack.containers.images import EngineImage
from lambdapack.errors import BuildFailed, MissingRequirement
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

Judge = Callable[[Path], Sequence[str]]
"""Told a wheel, returns what of its native code will not load in the runtime, in lines; nothing: it will."""

Fetch = Callable[[Sequence[str], Path], Sequence[Path]]
"""Resolves requirements (and options that name indexes) for the target and fetches their wheels; given a folder for
temporary files."""

_SCRIPT = Path(__file__).with_name("wheel_script.py")
_SECONDS = 3600.0
_MOST_ROUNDS = 3
_UNTOLD = "setuptools >= 40.8.0"  # PEP 518: what a project without [build-system] is built with
_SOURCE, _ANSWER = "workshop/source", "/workshop/answer"
_EPOCH = "315532800"  # 1980-01-01, the first date a ZIP archive can hold


@dataclass(frozen=True, slots=True)
class ContainerBuild:
    """Builds for one target. `image`: the name of a build image of the user's own, instead of the official one."""

    profile: RuntimeProfile
    fetch: Fetch
    judge: Judge | None = None
    image: str | None = None
    progress: Progress = silent

    def __call__(self, source: Source, tree: SourceTree, indexes: Sequence[str], out: Path) -> Path:
        """Builds a source and returns the wheel, in the folder `out`. `indexes` are options that name indexes.

        Raises `MissingRequirement` for want of an engine or an image, `BuildFailed` when it does not build, or when
        what was built will not load in the runtime.
        """
        try:
            with connect_engine() as engine:
                image = self._image(engine)
                self.progress(f"building {source.label} in {image.name}")
                path = self._build(engine, image, source, tree, indexes, out)
        except MissingRequirement as error:
            raise MissingRequirement(
                f"{source.label}: has native code and no wheel, so it is built in the runtime's own system: {error}",
                hint=error.hint,
            ) from error
        problems = self.judge(path) if self.judge is not None else ()
        if problems:
            raise BuildFailed(
                f"{source.label}: was built, but will not load in {self.profile.runtime}: {'; '.join(problems)}",
                hint="build it without what the runtime lacks, or put the library into lib/ of the function or a layer",
            )
        return path

    def _image(self, engine: Engine) -> EngineImage:
        if self.image is not None:
            return named_build_image(engine, self.image, self.profile)
        return ensure_build_image(engine, self.profile, self.progress)

    def _build(
        self,
        engine: Engine,
        image: EngineImage,
        source: Source,
        tree: SourceTree,
        indexes: Sequence[str],
        out: Path,
    ) -> Path:
        needed = _told_requirements(tree.folder)
        for _ in range(_MOST_ROUNDS):
            wheels = self.fetch([*indexes, *needed], out.parent)
            status, files = self._run(engine, image, tree, wheels)
            if status != MISSING:
                return self._result(status, files, source, out)
            # Some needs are told only by the build back end itself, in there.
            more = json.loads(files["missing.json"])
            if sorted(more) == sorted(needed):
                break
            needed = more
        raise self._failure(source, files, f"what it needs to be built cannot be installed: {', '.join(needed)}")

    def _run(
        self, engine: Engine, image: EngineImage, tree: SourceTree, wheels: Sequence[Path]
    ) -> tuple[int, dict[str, bytes]]:
        python = f"/var/lang/bin/{self.profile.runtime}"
        folder = f"/{_SOURCE}/{tree.subfolder}".rstrip("/")
        epoch = os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)
        environment = {"SOURCE_DATE_EPOCH": epoch, "HOME": "/tmp", "LC_ALL": "C.UTF-8"}
        with workshop(engine, image, [python, "-I", "-B", "/workshop/build.py", folder], environment) as container:
            with tempfile.TemporaryFile() as archive:
                _pack(archive, tree, wheels)
                archive.seek(0)
                container.put(archive)
            status = container.run(_SECONDS)
            files = container.fetch(_ANSWER) or {}
            if "log" not in files:
                raise self._unfit_image(image, " ".join(container.words().split()))
        return status, files

    def _unfit_image(self, image: EngineImage, words: str) -> MissingRequirement:
        if "exec format error" in words:
            return MissingRequirement(
                f"{image.name}: this engine runs nothing for {self.profile.architecture}",
                hint="register qemu for it (docker run --privileged --rm tonistiigi/binfmt --install all), "
                f"or point DOCKER_HOST at an engine on {self.profile.architecture}",
            )
        return MissingRequirement(
            f"{image.name}: is no image to build in: {words[-300:]}",
            hint="it has to have Python at /var/lang and the tools: see images/README.md in lambdapack's sources",
        )

    def _result(self, status: int, files: dict[str, bytes], source: Source, out: Path) -> Path:
        names = [name for name in files if name.endswith(".whl")]
        if status != 0 or len(names) != 1:
            words = "does not build" if status == FAILED else f"the build ended with status {status}"
            raise self._failure(source, files, words)
        path = out / names[0]
        path.write_bytes(files[names[0]])
        return path

    def _failure(self, source: Source, files: dict[str, bytes], words: str) -> BuildFailed:
        """The refusal with the last words of the log, which is kept."""
        log = files.get("log", b"").decode("utf-8", "replace")
        digest = hashlib.sha256(log.encode()).hexdigest()[:12]
        name = f"build-logs/{source.name}-{source.version or 'source'}-{digest}.txt"
        kept = WheelStore()  # the user's: that of a build without caches is gone when this is read
        kept.write_text(name, log)
        return BuildFailed(f"{source.label}: {words}: {_telling_line(log)}", hint=f"see {kept.root / name}")


def _told_requirements(folder: Path) -> list[str]:
    try:
        table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        requires = table["build-system"]["requires"]
    except (OSError, ValueError, KeyError, TypeError):
        return [_UNTOLD]
    return [str(line) for line in requires]


def _pack(archive: object, tree: SourceTree, wheels: Sequence[Path]) -> None:
    """Writes what goes into the container as a tar, all of it root's: it is root in there without any privilege."""
    with tarfile.open(fileobj=archive, mode="w") as tar:  # type: ignore[call-overload]
        for name in ("workshop", "workshop/wheels", _SOURCE):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(_SCRIPT, "workshop/build.py", filter=_of_root)
        for wheel in wheels:
            tar.add(wheel, f"workshop/wheels/{wheel.name}", filter=_of_root)
        if tree.is_whole:
            tar.add(tree.top, _SOURCE, filter=_of_root)
        else:
            for path in source_files(tree.top):
                tar.add(path, f"{_SOURCE}/{path.relative_to(tree.top).as_posix()}", recursive=False, filter=_of_root)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode |= 0o600
    return entry


def _telling_line(log: str) -> str:
    """The line of a log that says most: the first that a compiler or linker calls an error, else the last one."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith("$ ")]
    marks = ("error:", "Error:", "cannot find -l", "undefined reference", "could not be located")
    telling = [line for line in lines if any(mark in line for mark in marks)]
    return (telling or lines[-1:] or ["nothing was said"])[0][:300]
