"""What is asked of the probe, and how its answers become an `ImportAttempt`: the same for every backend.

Knows the probe's words. Starts nothing, and knows no place of this machine: a `Scene` says where things stood.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lambdapack.facts.attempts import Contract, ImportAttempt, ImportedModule
from lambdapack.importtest.backend import MEGABYTE, AttemptRequest
from lambdapack.importtest.doubts import doubt, preinstalled_modules
from lambdapack.importtest.materialise import Copy
from lambdapack.importtest.process import Ended, exit_words

_LONGEST_TRACEBACK = 100_000
# faulthandler shows the whole stack; what is not the reader's own code stays out, as in other tracebacks.
# "Aborted" is how a process is asked for its stack when its time is over.
_NOT_SHOWN = (
    "/probe.py",
    "<frozen importlib",
    "/importlib/__init__.py",
    "/awslambdaric/",
    "Fatal Python error: Aborted",
)

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an attempt took place. `copy` is the artifact as it was brought there, None where it was not (an image that
    runs as itself). `as_on_lambda` turns a text with places of this machine into one with Lambda's; it is given the
    text and the folder of the standard library. `whole_system`: False where no program is there but the interpreter."""

    backend: str
    proof: str
    interpreter: str = ""
    python: str = "the interpreter"
    copy: Copy | None = None
    as_on_lambda: Callable[[str, str], str] = lambda text, _: text
    whole_system: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: the probe's answers in order, what faulthandler left of a crash, how the process ended."""

    answers: Sequence[Answer]
    ended: Ended
    crash: str = ""
    by_event: dict[str, Answer] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_event", {answer.get("event", ""): answer for answer in self.answers})


def question(
    request: AttemptRequest,
    *,
    packages: Sequence[str],
    client: bool,
    path: Sequence[str],
    site: Sequence[str],
    roots: Sequence[str],
) -> Answer:
    """Returns the request for the probe. `packages` are the folders where the runtime keeps its own, `client` whether
    its client is there; `path` is `sys.path` with `*` for the standard library, `site` the folders whose `.pth` files
    run, `roots` the folders whose opened files are told; the caller adds where to answer."""
    return {
        "handler": request.handler,
        "client": client,
        "packages": list(packages),
        "preloaded": sorted(request.profile.preloaded_modules),
        "path": list(path),
        "site": list(site),
        "roots": list(roots),
        "contracts": list(request.contracts),
    } | ({"module": request.module} if request.module is not None else {})


def read_answers(text: str, nonce: str) -> list[Answer]:
    """Returns what stands between pairs of the nonce; everything else is the handler's own."""
    return [json.loads(block) for block in text.split(f"\0{nonce}\0")[1::2]]


def own_frames(crash: str) -> str:
    """Returns faulthandler's text without the probe's and the import system's frames."""
    lines = [line for line in crash.splitlines() if not any(part in line for part in _NOT_SHOWN)]
    return "\n".join(lines).strip()


def account(request: AttemptRequest, heard: Heard, scene: Scene) -> ImportAttempt:
    """Turns what was heard into an attempt: which of the ways to end it was, and in whose words."""
    by_event, ended = heard.by_event, heard.ended
    told = by_event.get("loaded") or by_event.get("failed") or by_event.get("escaped") or {}
    started = by_event.get("started", {})

    def shown(text: str) -> str:
        return scene.as_on_lambda(text, started.get("stdlib", ""))

    attempt = _observed(
        ImportAttempt(
            status="ok",
            handler=request.handler,
            backend=scene.backend,
            proof=scene.proof,
            client=told.get("client", ""),
            interpreter=scene.interpreter or started.get("python", ""),
            output=shown(ended.output),
            seconds=told.get("seconds"),
            facts=_facts(request, scene, told, ended),
        ),
        told,
        scene,
        shown,
    )
    if ended.peak is not None:
        attempt = replace(attempt, peak_bytes=max(ended.peak, attempt.peak_bytes or 0))
    if not started and ended.stopped is None:
        return replace(
            attempt,
            status="not-run",
            reason=f"{scene.python} did not start with the artifact's libraries: {exit_words(ended.status)}",
            remedy="look at the output; a file of the artifact stands in for a library the interpreter itself needs",
        )
    if "loaded" in by_event and ended.stopped != "memory":
        return attempt
    traceback = shown(told.get("traceback", "") or own_frames(heard.crash))[-_LONGEST_TRACEBACK:] or None
    if "failed" not in by_event or ended.stopped == "memory":
        # The process ended, or was ended, before the client could say anything: then Lambda's platform speaks.
        error_type, message = "Runtime.ExitError", exit_words(ended.status)
        if ended.stopped == "time":
            error_type, message = "Sandbox.Timedout", f"Task timed out after {request.time_limit:.2f} seconds"
    else:
        error_type, message = told["type"], shown(told["message"])
    failed = replace(attempt, status="failed", error_type=error_type, error_message=message, traceback=traceback)
    why = doubt(
        request.profile,
        error_type=error_type,
        message=message,
        missing=told.get("missing", []),
        looked_up_in_vain=told.get("vain", []),
        unset=told.get("unset", []),
        traceback=traceback or "",
        whole_system=scene.whole_system,
        proc="peak" not in told or told["peak"] is not None,
    )
    return failed if why is None else replace(failed, status="not-run", reason=why.reason, remedy=why.remedy)


def _observed(attempt: ImportAttempt, told: Answer, scene: Scene, shown: Callable[[str], str]) -> ImportAttempt:
    """Adds what the probe watched."""
    imports = tuple(
        ImportedModule(name, importer, seconds, own, None if path is None else shown(path))
        for name, importer, seconds, own, path in told.get("imports", [])
    )
    mapped = tuple(shown(path) for path in told.get("mapped", []))
    untouched = total = None
    if scene.copy is not None and told:
        touched = {shown(path) for path in told["opened"]} | set(mapped)
        touched |= {module.path for module in imports if module.path is not None}
        sizes = scene.copy.sizes
        total = sum(sizes.values())
        untouched = sum(size for path, size in sizes.items() if path not in touched)
    return replace(
        attempt,
        imports=imports,
        shared_objects=mapped,
        peak_bytes=told.get("peak"),
        untouched_bytes=untouched,
        total_bytes=total,
        contracts=tuple(Contract(item["target"], item["error"]) for item in told.get("contracts", [])),
    )


def _facts(request: AttemptRequest, scene: Scene, told: Answer, ended: Ended) -> dict[str, str]:
    """What else was seen, for checks and reports; a key stands only where there is something to say."""
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
        facts["client_unusable"] = scene.as_on_lambda(told["client_note"], "")
    if ended.stopped == "memory" and request.memory_limit is not None:
        facts["memory_limit"] = f"stopped at {request.memory_limit // MEGABYTE} MB of memory"
    copy = scene.copy
    if copy is not None:
        written = copy.foreign_files()
        if written:
            facts["written"] = ", ".join(written[:20])
        if copy.left_out:
            facts["left_out"] = "; ".join(copy.left_out[:20])
        if copy.unreadable:
            facts["unreadable"] = ", ".join(copy.unreadable[:20])
    return facts
