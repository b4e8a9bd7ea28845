"""The local backend: the matching interpreter of this machine, in an environment made up as Lambda's.

On Linux it runs in a sandbox, with this machine's libraries clamped to the target's symbol versions. Where no sandbox
can be made, the handler's code runs as the user who runs lambdapack, unless the caller forbids that. What an attempt
proves is said in `proof`. On Windows, attempts are not run.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.facts.invocations import Invocation
from lambdapack.importtest import probe
from lambdapack.importtest.answers import Heard, Scene, account, question
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest, Unavailable
from lambdapack.importtest.dialogue import converse
from lambdapack.importtest.interpreters import Interpreter, Progress, find_interpreter
from lambdapack.importtest.invocation import InvocationRequest
from lambdapack.importtest.invoking import NO_EMULATOR, invoke_in, not_invoked
from lambdapack.importtest.layout import Layout
from lambdapack.importtest.local_room import invoking_command, local_room, packages_folder
from lambdapack.importtest.many import load_all
from lambdapack.importtest.materialise import Materialised, materialise
from lambdapack.importtest.process import Ended, run_limited, watches_memory
from lambdapack.importtest.provision import Provision, provide
from lambdapack.importtest.room import PRIVATE
from lambdapack.importtest.sandbox import run_confined, sandbox_trouble
from lambdapack.profiles.profile import RuntimeProfile

_SHARED_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")


@dataclass
class LocalBackend:
    """Runs attempts in a local interpreter. `progress` is told in one line of what takes long. `require_sandbox`: an
    attempt for which no sandbox can be made is not run, for artifacts that somebody else made.

    An interpreter is looked for once per version: a download that failed is not tried again.
    """

    progress: Progress | None = None
    require_sandbox: bool = False
    name: str = "local"
    _found: dict[tuple[tuple[int, int], str, bool], Interpreter | Unavailable] = field(default_factory=dict, repr=False)

    def available(self, profile: RuntimeProfile) -> Unavailable | None:
        """Returns why no attempt can run here as things are, or None. Downloads nothing."""
        found = self.interpreter(profile, downloads=False)
        if isinstance(found, Unavailable):
            return found
        return sandbox_trouble() if self.require_sandbox else None

    def interpreter(self, profile: RuntimeProfile, *, downloads: bool) -> Interpreter | Unavailable:
        """Returns the interpreter that stands in for the profile's runtime, or why there is none."""
        if os.name == "nt":
            return Unavailable("local import tests need Linux or macOS", "run the import test there, or in WSL")
        here = self._found.get((profile.python, profile.machine, False))
        if isinstance(here, Interpreter):
            return here
        key = (profile.python, profile.machine, downloads)
        if key not in self._found:
            self._found[key] = find_interpreter(
                profile.python, profile.machine, downloads=downloads, progress=self.progress
            )
        return self._found[key]

    def attempt(self, request: AttemptRequest) -> ImportAttempt:
        """Loads the handler once, in a fresh process on a temporary copy of the artifact."""
        interpreter = self.interpreter(request.profile, downloads=not request.no_python_downloads)
        if isinstance(interpreter, Unavailable):
            return _not_run(request, interpreter)
        trouble = _foreign_native_code(request, interpreter)
        if trouble is not None:
            return replace(_not_run(request, trouble), interpreter=interpreter.version)
        with tempfile.TemporaryDirectory(prefix="lambdapack-", ignore_cleanup_errors=True) as name:
            workspace = Path(os.path.realpath(name))
            root = workspace / "root"
            (root / "tmp").mkdir(parents=True)
            copy = materialise(request.mounts, root)
            provision = _provision(request, interpreter)
            if isinstance(provision, Unavailable) and self.require_sandbox:
                return _not_run(request, provision)

            def load(one: AttemptRequest, number: int) -> ImportAttempt:
                place = workspace / str(number)
                place.mkdir()
                return self._load(one, interpreter, provision, copy, place)

            return load_all(request, load)

    def invoke(self, request: InvocationRequest, emulator: Callable[[], Path | None]) -> Invocation:
        """Sends the handler one event through the emulator that `emulator` brings, always in a sandbox."""
        attempt = request.attempt
        interpreter = self.interpreter(attempt.profile, downloads=not attempt.no_python_downloads)
        if isinstance(interpreter, Unavailable):
            return not_invoked(request, self.name, interpreter)
        provision = _provision(attempt, interpreter)
        if isinstance(provision, Unavailable):
            return not_invoked(request, self.name, provision)
        brought = emulator()
        if brought is None:
            return not_invoked(request, self.name, NO_EMULATOR)
        if not _has_client(attempt):
            why = Unavailable("AWS's runtime client cannot be fetched", "make the package index reachable")
            return not_invoked(request, self.name, why)
        with tempfile.TemporaryDirectory(prefix="lambdapack-", ignore_cleanup_errors=True) as name:
            workspace = Path(os.path.realpath(name))
            (workspace / "root").mkdir()
            copy = materialise(attempt.mounts, workspace / "root")
            layout = Layout(Path("/"), attempt, interpreter)
            scene = _confined_scene(interpreter, provision, copy, attempt)
            python, bootstrap = invoking_command(layout)
            return invoke_in(
                local_room(layout, provision, copy.root, workspace),
                request,
                workspace,
                python=python,
                emulator=brought,
                bootstrap=bootstrap,
                environment=layout.environment,
                found=Invocation("not-run", attempt.handler, self.name, proof=scene.proof),
            )

    def _load(
        self,
        request: AttemptRequest,
        interpreter: Interpreter,
        provision: Provision | Unavailable,
        copy: Materialised,
        workspace: Path,
    ) -> ImportAttempt:
        """Carries out one request: in a sandbox, or without one where none can be made and none is required."""
        trouble = provision if isinstance(provision, Unavailable) else None
        try:
            if isinstance(provision, Provision):
                heard = _run_confined(Layout(Path("/"), request, interpreter), provision, copy.root, workspace)
                if isinstance(heard, Heard):
                    return account(request, heard, _confined_scene(interpreter, provision, copy, request))
                trouble = heard
            if trouble is not None and self.require_sandbox:
                return _not_run(request, trouble)
            layout = Layout(copy.root, request, interpreter)
            return account(request, _run(layout, workspace), _scene(layout, copy, trouble))
        except OSError as error:
            why = Unavailable(f"{interpreter.path} cannot be started: {error.strerror}", "reinstall it")
            return _not_run(request, why)


def _not_run(request: AttemptRequest, why: Unavailable) -> ImportAttempt:
    return ImportAttempt("not-run", request.handler, "local", reason=why.reason, remedy=why.remedy)


def _foreign_native_code(request: AttemptRequest, interpreter: Interpreter) -> Unavailable | None:
    """Lambda's native code is for Linux and glibc: macOS and musl interpreters cannot load it, sound or not."""
    if interpreter.libc.startswith("glibc"):
        return None
    for trees in request.mounts.values():
        for tree in trees:
            for entry in tree.entries():
                if entry.is_file and _SHARED_LIBRARY.search(entry.path):
                    here = "macOS" if sys.platform == "darwin" else interpreter.libc or sys.platform
                    return Unavailable(
                        f"{entry.path} is native code for Linux with glibc, and Python here is for {here}",
                        "run the import test on a Linux system with glibc, or in a container of one",
                    )
    return None


def _provision(request: AttemptRequest, interpreter: Interpreter) -> Provision | Unavailable:
    if sys.platform != "linux":
        return Unavailable("sandboxes need Linux", "run the import test there, or in a container")
    return provide(interpreter, request.profile)


def _run_confined(layout: Layout, provision: Provision, copied: Path, workspace: Path) -> Heard | Unavailable:
    """Starts the probe in a sandbox and returns what came back, or why there is no sandbox."""
    request = layout.request
    own = packages_folder(request)

    def start(channel: int, crash: int) -> Ended | Unavailable:
        room = local_room(layout, provision, copied, workspace)
        return run_confined(
            replace(room, command=(*room.command, str(channel))),
            workspace,
            descriptors=(channel, crash),
            time_limit=request.time_limit,
            memory_limit=request.memory_limit,
        )

    asked = question(
        request,
        packages=[own],
        client=_has_client(request),
        path=layout.python_path,
        site=layout.path_config_dirs,
        roots=[TASK_ROOT, LAYER_ROOT],
    )
    return converse(asked, workspace, start, inside=f"{PRIVATE}/channel")


def _run(layout: Layout, workspace: Path) -> Heard:
    """Starts the probe without a sandbox and returns what came back."""
    request = layout.request
    # -I: nothing of the user's Python settings; -S: none of its packages; -B: Lambda's file system is read-only;
    # -u: what was printed is not lost when the process is killed.
    command = [str(layout.interpreter.path), "-I", "-S", "-B", "-u", probe.__file__]

    def start(channel: int, crash: int) -> Ended:
        return run_limited(
            [*command, str(channel)],
            environment=layout.environment,
            folder=Path(layout.place(TASK_ROOT)),
            descriptors=(channel, crash),
            time_limit=request.time_limit,
            memory_limit=request.memory_limit,
        )

    asked = question(
        request,
        packages=[str(request.runtime_packages)] if request.runtime_packages else [],
        client=_has_client(request),
        path=layout.python_path,
        site=layout.path_config_dirs,
        roots=[layout.place(mount) for mount in (TASK_ROOT, LAYER_ROOT)],
    )
    heard = converse(asked, workspace, start)
    assert isinstance(heard, Heard)  # nothing is unavailable without a sandbox
    return heard


def _has_client(request: AttemptRequest) -> bool:
    return request.runtime_packages is not None and (request.runtime_packages / "awslambdaric").is_dir()


def _confined_scene(
    interpreter: Interpreter, provision: Provision, copy: Materialised, request: AttemptRequest
) -> Scene:
    libraries = f"host libraries ({interpreter.libc})"
    if provision.clamped:
        libraries = f"host libraries, clamped to {', '.join(provision.clamped)}"
    proof = "; ".join(
        (
            f"local CPython {interpreter.version} ({interpreter.source}) in a sandbox",
            libraries,
            "Lambda's file system layout, user, sys.path order and environment with placeholder credentials",
            "no network, read-only but for /tmp",
            "the libraries' own versions are this machine's, not Lambda's",
        )
    )
    layout = Layout(Path("/"), request, interpreter)
    return Scene(
        "local",
        proof,
        interpreter.version,
        str(interpreter.path),
        copy,
        layout.as_on_lambda,
        whole_system=False,
    )


def _scene(layout: Layout, copy: Materialised, no_sandbox: Unavailable | None) -> Scene:
    interpreter = layout.interpreter
    libraries = f"host {interpreter.libc} and host libraries" if interpreter.libc else "host libraries"
    parts = [
        f"local CPython {interpreter.version} ({interpreter.source}) without a sandbox",
        f"{no_sandbox.reason if no_sandbox else 'none can be made'}: your user, network and writable files",
        f"{libraries}, not Lambda's",
        "Lambda's sys.path order and environment with placeholder credentials",
    ]
    if not watches_memory():
        parts.append("no memory limit")
    if copy.unreadable and getattr(os, "geteuid", lambda: 1)() == 0:
        parts.append("as root, which reads files that Lambda's user may not")
    return Scene("local", "; ".join(parts), interpreter.version, str(interpreter.path), copy, layout.as_on_lambda)
