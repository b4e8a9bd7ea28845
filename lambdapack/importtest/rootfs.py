"""The rootfs backend: the runtime's real file system in a sandbox of this machine, without any container engine.

The image comes over the registry protocol, or from an archive, OCI layout or folder (`root_source`); what runs in it is
confined by `sandbox`. What an attempt proves is said in `proof`. Linux only.

Where no namespaces can be made, as in most containers, root still runs it in a plain chroot: as an unprivileged user
who can open nothing outside, gains no privileges, and whose network calls are refused. But it shares this machine's
processes, may fill the disk, and finds no /proc. So an artifact that somebody else may have made comes there only
when the caller says so (`require_sandbox`).
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lambdapack.errors import MissingRequirement
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.facts.invocations import Invocation
from lambdapack.importtest import invocation, observation, probe
from lambdapack.importtest.answers import Heard, Scene, account, question
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest, Unavailable
from lambdapack.importtest.dialogue import converse
from lambdapack.importtest.in_image import environment, interpreter, proof_of, search_path
from lambdapack.importtest.invocation import InvocationRequest
from lambdapack.importtest.invoking import NO_EMULATOR, invoke_in, not_invoked
from lambdapack.importtest.many import load_all
from lambdapack.importtest.materialise import Materialised, materialise
from lambdapack.importtest.plain_root import plain_root_trouble
from lambdapack.importtest.process import Ended
from lambdapack.importtest.room import PRIVATE, Room, Step
from lambdapack.importtest.root_source import RootFileSystem, root_of, root_of_tree, unpacked_already
from lambdapack.importtest.sandbox import Plain, run_confined, sandbox_trouble
from lambdapack.profiles.profile import RuntimeProfile
from lambdapack.progress import Progress, silent

_PROBE = (Path(probe.__file__), Path(observation.__file__))
# These come with every room.
_OWN = frozenset(("dev", "proc", "tmp"))


@dataclass
class RootfsBackend:
    """Runs attempts in a root file system. `source` overrides the profile's image; `progress` hears in one line what
    takes long. `own_emulator`: an image's own emulator goes before another. `require_sandbox`: no plain chroot."""

    source: str | None = None
    progress: Progress = silent
    own_emulator: bool = True
    require_sandbox: bool = False
    name: str = "rootfs"

    def available(self, profile: RuntimeProfile) -> Unavailable | None:
        """Returns why no attempt can run as things are, or None. Pulls nothing."""
        trouble = self._no_way()
        if trouble is not None:
            return trouble
        source = self.source or profile.image
        if Path(source).exists() or unpacked_already(source, profile) is not None:
            return None
        return Unavailable(
            f"{source} has not been pulled", f"pull it with: lambdapack test --backend rootfs --image {source}"
        )

    def attempt(self, request: AttemptRequest) -> ImportAttempt:
        """Loads the handler once, in a fresh process on a temporary copy of the artifact; an image runs as it is."""
        root = self._root(request)
        if isinstance(root, Unavailable):
            return _not_run(request, root)
        with _workspace() as workspace:
            copy = _copy(request, workspace)

            def load(one: AttemptRequest, number: int) -> ImportAttempt:
                place = workspace / str(number)
                place.mkdir()
                return self._load(one, root, copy, place)

            return load_all(request, load)

    def invoke(self, request: InvocationRequest, emulator: Callable[[], Path | None]) -> Invocation:
        """Sends the handler one event through the image's own emulator, or the one that `emulator` brings."""
        attempt = request.attempt
        root = self._root(attempt)
        if isinstance(root, Unavailable):
            return not_invoked(request, self.name, root)
        own = (root.folder / invocation.EMULATOR[1:]).is_file()
        brought = None if own and self.own_emulator else emulator()
        if not own and brought is None:
            return not_invoked(request, self.name, NO_EMULATOR)
        with _workspace() as workspace:
            room = _room(attempt, root, _copy(attempt, workspace), workspace)
            return invoke_in(
                room,
                request,
                workspace,
                python=interpreter(attempt),
                emulator=brought,
                bootstrap=(invocation.BOOTSTRAP,),
                environment=environment(attempt),
                plain=_plain(network=True),  # over it the emulator is spoken to
                found=Invocation(
                    "not-run",
                    attempt.handler,
                    self.name,
                    proof=_proof(root, attempt, network=True),
                    facts=_image_facts(root),
                ),
            )

    def _no_way(self) -> Unavailable | None:
        """Returns why nothing can be confined here, by namespaces or, where that will do, by a plain chroot."""
        trouble = sandbox_trouble()
        if trouble is None or plain_root_trouble() is not None:
            return trouble
        if self.require_sandbox:
            return Unavailable(
                f"{trouble.reason}; a plain chroot is not for artifacts of unknown origin",
                f"if you trust it, add --backend {self.name}; or {trouble.remedy}",
            )
        return None

    def _root(self, request: AttemptRequest) -> RootFileSystem | Unavailable:
        trouble = self._no_way()
        if trouble is not None:
            return trouble
        try:
            if request.image is not None:
                root = root_of_tree(request.image.tree, request.image.origin, request.profile, self.progress)
            else:
                root = root_of(self.source or request.profile.image, request.profile, self.progress)
        except MissingRequirement as error:
            remedy = "or bring the image as a file: --rootfs ARCHIVE"
            return Unavailable(str(error), f"{error.hint}; {remedy}" if error.hint else remedy[3:])
        python = interpreter(request)
        if not os.path.lexists(root.folder / python[1:]):
            return Unavailable(f"{root.name}: has no {python}", f"name an image of {request.profile.runtime}")
        return root

    def _load(
        self, request: AttemptRequest, root: RootFileSystem, copy: Materialised | None, workspace: Path
    ) -> ImportAttempt:
        """Carries out one request."""
        heard = _run(request, root, copy, workspace)
        if isinstance(heard, Unavailable):
            return _not_run(request, heard)
        scene = Scene(self.name, _proof(root, request), "", interpreter(request), copy, _as_on_lambda)
        attempt = account(request, heard, scene)
        return replace(attempt, facts=attempt.facts | _image_facts(root))


@contextmanager
def _workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lambdapack-", ignore_cleanup_errors=True) as name:
        yield Path(os.path.realpath(name))


def _copy(request: AttemptRequest, workspace: Path) -> Materialised | None:
    """Writes out the artifact; an image runs as it is."""
    copied = workspace / "root"
    copied.mkdir()
    return None if request.image else materialise(request.mounts, copied)


def _plain(*, network: bool = False) -> Plain | None:
    """What is done where there can be no namespaces."""
    return None if sandbox_trouble() is None else Plain(network)


def _proof(root: RootFileSystem, request: AttemptRequest, *, network: bool = False) -> str:
    if _plain() is None:
        proof = f"{proof_of(root.name, root.digest, request)}; in a sandbox of this machine"
        foreign = request.profile.machine != platform.machine()
        return f"{proof}; {request.profile.architecture} emulated, so its times say nothing" if foreign else proof
    reach = "this machine's network" if network else "no network"
    proof = proof_of(root.name, root.digest, request, files="write-protected", network=reach)
    first, _, rest = proof.partition("; ")
    lacking = "not apart from this machine's processes and disk, no /proc"
    return f"{first}; in a plain chroot, since no namespaces can be made here: {lacking}; {rest}"


def _image_facts(root: RootFileSystem) -> dict[str, str]:
    return {"image": root.name} | ({"image_digest": f"sha256:{root.digest}"} if root.digest else {})


def _not_run(request: AttemptRequest, why: Unavailable) -> ImportAttempt:
    return ImportAttempt("not-run", request.handler, "rootfs", reason=why.reason, remedy=why.remedy)


def _run(
    request: AttemptRequest, root: RootFileSystem, copy: Materialised | None, workspace: Path
) -> Heard | Unavailable:
    """Starts the probe in the root file system, and returns what came back."""
    room = _room(request, root, copy, workspace)
    command = (interpreter(request), "-I", "-S", "-B", "-u", f"{PRIVATE}/probe.py")

    def start(channel: int, crash: int) -> Ended | Unavailable:
        return run_confined(
            replace(room, command=(*command, str(channel))),
            workspace,
            descriptors=(channel, crash),
            time_limit=request.time_limit,
            memory_limit=request.memory_limit,
            plain=_plain(),
        )

    path, packages = search_path(request)
    asked = question(
        request,
        packages=packages,
        client=True,
        path=path,
        site=request.profile.path_config_dirs,
        roots=[TASK_ROOT, LAYER_ROOT],
    )
    return converse(asked, workspace, start, inside=f"{PRIVATE}/channel")


def _room(request: AttemptRequest, root: RootFileSystem, copy: Materialised | None, workspace: Path) -> Room:
    """The root file system with the artifact in it; nothing is started in it yet."""
    shown = {mount: copy.root / mount.strip("/") for mount in (TASK_ROOT, LAYER_ROOT)} if copy else {}
    steps = (*show_root(root.folder, shown), *_ours(workspace))
    return Room(steps, (), environment(request), (request.image.folder or "/") if request.image else TASK_ROOT)


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


def _as_on_lambda(text: str, _: str) -> str:
    return text.replace(f"{PRIVATE}/probe.py", "/var/runtime/bootstrap.py")
