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
from typing import Any

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import probe
from lambdapack.importtest.backend import INIT_LIMIT_SECONDS, MEGABYTE, TASK_ROOT, AttemptRequest, Unavailable
from lambdapack.importtest.doubts import doubt, preinstalled_modules
from lambdapack.importtest.interpreters import Interpreter, Progress, find_interpreter
from lambdapack.importtest.layout import Layout
from lambdapack.importtest.materialise import Materialised, materialise
from lambdapack.importtest.process import Ended, exit_words, run_limited, watches_memory
from lambdapack.profiles.profile import RuntimeProfile

_SHARED_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")
_LONGEST_TRACEBACK = 100_000

Answer = dict[str, Any]


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
                answers, crash, ended = _run(layout, workspace)
            except OSError as error:
                why = Unavailable(f"{interpreter.path} cannot be started: {error.strerror}", "reinstall it")
                return _not_run(request, why)
            return _judge(layout, copy, answers, crash, ended)


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


def _run(layout: Layout, workspace: Path) -> tuple[list[Answer], str, Ended]:
    """Starts the probe; returns its answers in order, what faulthandler left, and how the process ended."""
    request = layout.request
    nonce = secrets.token_hex(16)
    channel, crash_log = workspace / "channel", workspace / "crash"
    client = any((folder / "awslambdaric").is_dir() for folder in request.runtime_packages)
    question = {
        "nonce": nonce,
        "channel": str(channel),
        "crash_log": str(crash_log),
        "handler": request.handler,
        "client": client,
        "packages": [str(folder) for folder in request.runtime_packages],
        "preloaded": sorted(request.profile.preloaded_modules),
        "path": layout.python_path,
        "site": layout.path_config_dirs,
    }
    channel.write_text(json.dumps(question), encoding="ascii")
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
    # faulthandler shows the whole stack; what is not the reader's own code stays out, as in other tracebacks.
    # "Aborted" is how a process is asked for its stack when its time is over.
    hidden = (
        probe.__file__,
        "<frozen importlib",
        "/importlib/__init__.py",
        "/awslambdaric/",
        "Fatal Python error: Aborted",
    )
    lines = [line for line in crash.splitlines() if not any(part in line for part in hidden)]
    return read_answers(text, nonce), "\n".join(lines).strip(), ended


def read_answers(text: str, nonce: str) -> list[Answer]:
    """Returns what stands between pairs of the nonce; everything else is the handler's own."""
    return [json.loads(block) for block in text.split(f"\0{nonce}\0")[1::2]]


def _judge(layout: Layout, copy: Materialised, answers: list[Answer], crash: str, ended: Ended) -> ImportAttempt:
    """Turns what was seen into an attempt: which of the ways to end it was, and in whose words."""
    request = layout.request
    by_event = {answer.get("event", ""): answer for answer in answers}
    told = by_event.get("loaded") or by_event.get("failed") or by_event.get("escaped") or {}
    stdlib = by_event.get("started", {}).get("stdlib", "")

    def shown(text: str) -> str:
        return layout.as_on_lambda(text, stdlib)

    attempt = ImportAttempt(
        status="ok",
        handler=request.handler,
        backend="local",
        proof=_proof(layout, copy),
        client=told.get("client", ""),
        interpreter=layout.interpreter.version,
        output=shown(ended.output),
        seconds=told.get("seconds"),
        facts=_facts(layout, copy, told, ended),
    )
    if "started" not in by_event and ended.stopped is None:
        return replace(
            attempt,
            status="not-run",
            reason=f"{layout.interpreter.path} did not start with the artifact's libraries: {exit_words(ended.status)}",
            remedy="look at the output; a file of the artifact stands in for a library the interpreter itself needs",
        )
    if "loaded" in by_event:
        return attempt
    traceback = shown(told.get("traceback", "") or crash)[-_LONGEST_TRACEBACK:] or None
    if "failed" not in by_event:
        # The process ended, or was ended, before the client could say anything: then Lambda's platform speaks.
        error_type, message = "Runtime.ExitError", exit_words(ended.status)
        if ended.stopped == "time":
            error_type, message = "Sandbox.Timedout", f"Task timed out after {request.time_limit:.2f} seconds"
        failed = replace(attempt, status="failed", error_type=error_type, error_message=message, traceback=traceback)
    else:
        failed = replace(
            attempt,
            status="failed",
            error_type=told["type"],
            error_message=shown(told["message"]),
            traceback=traceback,
        )
    why = doubt(
        request.profile,
        error_type=failed.error_type or "",
        message=failed.error_message or "",
        missing=told.get("missing", []),
        looked_up_in_vain=told.get("vain", []),
        unset=told.get("unset", []),
    )
    return failed if why is None else replace(failed, status="not-run", reason=why.reason, remedy=why.remedy)


def _facts(layout: Layout, copy: Materialised, told: Answer, ended: Ended) -> dict[str, str]:
    """What else was seen, for checks and reports; a key stands only where there is something to say."""
    request = layout.request
    facts: dict[str, str] = {}
    if told.get("cause"):
        facts["cause"] = told["cause"]
    missing = told.get("missing", [])
    if missing:
        facts["missing_module"] = missing[0]
    vain = sorted(set(told.get("vain", [])) & preinstalled_modules(request.profile))
    if vain:
        facts["preinstalled_not_here"] = ", ".join(vain)
    unset = told.get("unset", [])
    if unset:
        facts["unset_variables"] = ", ".join(unset)
    if told.get("client_note"):
        facts["client_unusable"] = layout.as_on_lambda(told["client_note"], "")
    if ended.stopped == "memory" and request.memory_limit is not None:
        facts["memory_limit"] = f"stopped at {request.memory_limit // MEGABYTE} MB of resident memory"
    if ended.peak is not None:
        facts["peak_resident_bytes"] = str(ended.peak)
    seconds = told.get("seconds", ended.seconds)
    if seconds > INIT_LIMIT_SECONDS:
        facts["init_limit"] = f"{seconds:.1f} s; Lambda's init phase ends after {INIT_LIMIT_SECONDS:.0f} s"
    written = copy.foreign_files()
    if written:
        facts["written"] = ", ".join(written[:20])
    if copy.left_out:
        facts["left_out"] = "; ".join(copy.left_out[:20])
    if copy.unreadable:
        facts["unreadable"] = ", ".join(copy.unreadable[:20])
    return facts


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
