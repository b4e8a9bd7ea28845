"""The local backend: the matching interpreter of this machine, in an environment made up as Lambda's.

It is no sandbox: the handler's code runs as the user who runs lambdapack. What it proves is said in `proof`.
Linux and macOS; elsewhere, attempts are not run.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import probe
from lambdapack.importtest.answers import Heard, Scene, account, question, read_answers
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest, Unavailable
from lambdapack.importtest.interpreters import Interpreter, Progress, find_interpreter
from lambdapack.importtest.layout import Layout
from lambdapack.importtest.materialise import Materialised, materialise
from lambdapack.importtest.process import run_limited, watches_memory
from lambdapack.profiles.profile import RuntimeProfile

_SHARED_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")


@dataclass
class LocalBackend:
    """Runs attempts in a local interpreter. `progress` is told in one line of what takes long.

    An interpreter is looked for once per version: a download that failed is not tried again.
    """

    progress: Progress | None = None
    name: str = "local"
    _found: dict[tuple[tuple[int, int], str, bool], Interpreter | Unavailable] = field(default_factory=dict, repr=False)

    def available(self, profile: RuntimeProfile) -> Unavailable | None:
        """Returns why no attempt can run here as things are, or None. Downloads nothing."""
        found = self.interpreter(profile, downloads=False)
        return found if isinstance(found, Unavailable) else None

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
            layout = Layout(root, request, interpreter)
            try:
                heard = _run(layout, workspace)
            except OSError as error:
                why = Unavailable(f"{interpreter.path} cannot be started: {error.strerror}", "reinstall it")
                return _not_run(request, why)
            return account(request, heard, _scene(layout, copy))


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


def _run(layout: Layout, workspace: Path) -> Heard:
    """Starts the probe and returns what came back."""
    request = layout.request
    nonce = secrets.token_hex(16)
    channel, crash_log = workspace / "channel", workspace / "crash"
    asked = question(
        request,
        nonce,
        client=any((folder / "awslambdaric").is_dir() for folder in request.runtime_packages),
        path=layout.python_path,
        site=layout.path_config_dirs,
        roots=[layout.place(mount) for mount in (TASK_ROOT, LAYER_ROOT)],
    )
    channel.write_text(json.dumps(asked | {"channel": str(channel), "crash_log": str(crash_log)}), encoding="ascii")
    # -I: nothing of the user's Python settings; -S: none of its packages; -B: Lambda's file system is read-only;
    # -u: what was printed is not lost when the process is killed.
    command = [str(layout.interpreter.path), "-I", "-S", "-B", "-u", probe.__file__]
    # Appending, so that the answer stands behind whatever a handler may write there.
    descriptor = os.open(channel, os.O_RDWR | os.O_APPEND)
    try:
        ended = run_limited(
            [*command, str(descriptor)],
            environment=layout.environment,
            folder=Path(layout.place(TASK_ROOT)),
            descriptor=descriptor,
            time_limit=request.time_limit,
            memory_limit=request.memory_limit,
        )
    finally:
        os.close(descriptor)
    # A crashed process may have left anything.
    text = channel.read_bytes().decode("utf-8", "replace")
    crash = crash_log.read_bytes().decode("utf-8", "replace") if crash_log.exists() else ""
    return Heard(read_answers(text, nonce), ended, crash)


def _scene(layout: Layout, copy: Materialised) -> Scene:
    interpreter = layout.interpreter
    proof = _proof(layout, copy)
    return Scene("local", proof, interpreter.version, str(interpreter.path), copy, layout.as_on_lambda)


def _proof(layout: Layout, copy: Materialised) -> str:
    """One line on what was emulated and what was not."""
    interpreter = layout.interpreter
    libraries = f"host {interpreter.libc} and host libraries" if interpreter.libc else "host libraries"
    parts = [
        f"local CPython {interpreter.version} ({interpreter.source})",
        "Lambda's sys.path order and environment with placeholder credentials",
        f"{libraries}, not Lambda's",
        "no sandbox: your user, network and writable files",
    ]
    if not watches_memory():
        parts.append("no memory limit")
    if copy.unreadable and getattr(os, "geteuid", lambda: 1)() == 0:
        parts.append("as root, which reads files that Lambda's user may not")
    return "; ".join(parts)
