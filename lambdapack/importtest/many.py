"""One attempt and, when asked for, one more per module: each in a process of its own, a few at a time.

Knows requests and attempts; how one is carried out is the backend's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lambdapack.facts.attempts import ImportAttempt, ModuleAttempt
from lambdapack.importtest.backend import AttemptRequest
from lambdapack.importtest.process import INTERRUPTED

_AT_ONCE = 4

Load = Callable[[AttemptRequest, int], ImportAttempt]


def load_all(request: AttemptRequest, load: Load, *, at_once: int = _AT_ONCE) -> ImportAttempt:
    """Returns the attempt to load the handler, with one for each of `request.modules` in it.

    `load` carries out one request; its number (0 for the handler) serves to keep the files of each apart.
    """
    attempt = load(replace(request, modules=()), 0)
    if not request.modules or attempt.status == "not-run":
        return attempt
    requests = [replace(request, module=name, modules=(), contracts=()) for name in request.modules]
    pool = ThreadPoolExecutor(max(1, min(at_once, os.cpu_count() or 1)), thread_name_prefix="import")
    try:
        attempts = list(pool.map(load, requests, range(1, len(requests) + 1)))
    except BaseException:
        INTERRUPTED.set()  # Ctrl-C reaches this thread only
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        INTERRUPTED.clear()
    outcomes = tuple(map(_outcome, request.modules, attempts))
    return replace(attempt, modules=outcomes)


def _outcome(name: str, attempt: ImportAttempt) -> ModuleAttempt:
    return ModuleAttempt(
        name,
        attempt.status,
        attempt.error_type,
        attempt.error_message,
        attempt.traceback,
        attempt.reason,
        attempt.seconds,
    )
