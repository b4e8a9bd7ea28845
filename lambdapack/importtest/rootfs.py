"""The rootfs backend: the runtime's real file system in a sandbox of this machine, without any container engine.

The image comes over the registry protocol, or from an archive, OCI layout or folder (`root_source`); what runs in it is
confined by `sandbox`. What an attempt proves is said in `proof`. Linux only.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.errors import MissingRequirement
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import observation, probe
from lambdapack.importtest.answers import Heard, Scene, account, question
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest, Unavailable
from lambdapack.importtest.dialogue import converse
from lambdapack.importtest.interpreters import Interpreter
from lambdapack.importtest.layout import Layout
from lambdapack.importtest.materialise import Materialised, materialise
from lambdapack.importtest.process import Ended
from lambdapack.importtest.root_source import RootFileSystem, root_of, unpacked_already
from lambdapack.importtest.sandbox import PRIVATE, Room, Step, run_confined, sandbox_trouble
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

_PROBE = (Path(probe.__file__), Path(observation.__file__))
# These come with every room.
_OWN = frozenset(("dev", "proc", "tmp"))


@dataclass
class RootfsBackend:
    """Runs attempts in a root file system. `source` overrides the profile's image; `progress` hears in one line what
    takes long."""

    source: str | None = None
    progress: Progress = silent
    name: str = "rootfs"

    def available(self, profile: RuntimeProfile) -> Unavailable | None:
        """Returns why no attempt can run as things are, or None. Pulls nothing."""
        trouble = sandbox_trouble()
        if trouble is not None:
            return trouble
        source = self.source or profile.image
        if Path(source).exists() or unpacked_already(source, profile) is not None:
            return None
        return Unavailable(
            f"{source} has not been pulled", f"pull it with: lambdapack test --backend rootfs --image {source}"
        )

    def attempt(self, request: AttemptRequest) -> ImportAttempt:
        """Loads the handler once, in a fresh process on a temporary copy of the artifact."""
        try:
            root = root_of(self.source or request.profile.image, request.profile, self.progress)
        except MissingRequirement as error:
            return _not_run(request, Unavailable(str(error), error.hint or "name another source with --rootfs"))
        python = f"/var/lang/bin/{request.profile.runtime}"
        if not os.path.lexists(root.folder / python[1:]):
            return _not_run(
                request,
                Unavailable(f"{root.name}: has no {python}", f"name an image of {request.profile.runtime}"),
            )
        with tempfile.TemporaryDirectory(prefix="lambdapack-", ignore_cleanup_errors=True) as name:
            workspace = Path(os.path.realpath(name))
            copied = workspace / "root"
            copied.mkdir()
            copy = materialise(request.mounts, copied)
            heard = _run(request, root, python, copied, workspace)
            if isinstance(heard, Unavailable):
                return _not_run(request, heard)
            attempt = account(request, heard, _scene(request, root, python, copy))
            facts = {"image": root.name} | ({"image_digest": f"sha256:{root.digest}"} if root.digest else {})
            return replace(attempt, facts=attempt.facts | facts)


def _not_run(request: AttemptRequest, why: Unavailable) -> ImportAttempt:
    return ImportAttempt("not-run", request.handler, "rootfs", reason=why.reason, remedy=why.remedy)


def _run(
    request: AttemptRequest, root: RootFileSystem, python: str, copied: Path, workspace: Path
) -> Heard | Unavailable:
    layout = _layout(request, python)
    packages = [path for path in layout.python_path if path.startswith(("/var/lang/", "/var/runtime"))]
    shown = {mount: copied / mount.strip("/") for mount in (TASK_ROOT, LAYER_ROOT)}
    steps = [*show_root(root.folder, shown), *_ours(workspace)]
    environment = layout.environment | dict(root.environment or {}) | dict(request.extra_env)
    command = (python, "-I", "-S", "-B", "-u", f"{PRIVATE}/probe.py")

    def start(channel: int, crash: int) -> Ended | Unavailable:
        return run_confined(
            Room(tuple(steps), (*command, str(channel)), environment, TASK_ROOT),
            workspace,
            descriptors=(channel, crash),
            time_limit=request.time_limit,
            memory_limit=request.memory_limit,
        )

    asked = question(
        request,
        packages=packages,
        client=True,
        path=layout.python_path,
        site=layout.path_config_dirs,
        roots=[TASK_ROOT, LAYER_ROOT],
    )
    return converse(asked, workspace, start, inside=f"{PRIVATE}/channel")


def _ours(workspace: Path) -> Iterator[Step]:
    for path in _PROBE:
        yield ("read", f"{PRIVATE}/{path.name}", str(path))
    yield ("write", f"{PRIVATE}/channel", str(workspace / "channel"))


def show_root(root: Path, shown: dict[str, Path], folder: str = "") -> Iterator[Step]:
    """Yields what shows a root file system with other folders at some places in it.

    A place that the root has not, or has as a link, is made: its parents are then built up from their parts.
    """
    for entry in sorted((root / folder).iterdir()):
        path = f"{folder}/{entry.name}".lstrip("/")
        inside = [place for place in shown if place.strip("/").startswith(f"{path}/")]
        if f"/{path}" in shown or (not folder and entry.name in _OWN):
            continue
        if entry.is_symlink():
            if not inside:
                yield ("link", f"/{path}", str(entry.readlink()))
        elif inside and not all(_is_real_folder(root, place) for place in inside):
            yield ("folder", f"/{path}")
            if entry.is_dir():
                yield from show_root(root, {place: shown[place] for place in inside}, path)
        else:
            yield ("read", f"/{path}", str(entry))
    if not folder:
        yield from (("read", place, str(source)) for place, source in shown.items())


def _is_real_folder(root: Path, place: str) -> bool:
    path = root
    for part in place.strip("/").split("/"):
        path /= part
        if path.is_symlink() or not path.is_dir():
            return False
    return True


def _layout(request: AttemptRequest, python: str) -> Layout:
    return Layout(Path("/"), request, Interpreter(Path(python), "", request.profile.machine, "image"))


def _scene(request: AttemptRequest, root: RootFileSystem, python: str, copy: Materialised) -> Scene:
    what = f"{root.name} (sha256:{root.digest[:12]})" if root.digest else f"the root file system {root.name}"
    proof = "; ".join(
        (
            f"in {what}, in a sandbox",
            "an unprivileged user, read-only files, no network, placeholder credentials",
            "the base image, which has more system libraries than the managed runtime",
        )
    )
    return Scene("rootfs", proof, "", python, copy, _layout(request, python).as_on_lambda)
