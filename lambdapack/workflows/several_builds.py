"""Builds several functions at once, each in a process of its own: what fails for one keeps no other from being built.

Layers come first, since functions are inspected together with them. A single function is built in this process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from lambdapack.errors import EXIT_TERMINATED, LambdapackError
from lambdapack.progress import Progress, silent
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.verified_build import BuildOptions, VerifiedBuild, build_and_inspect

if TYPE_CHECKING:
    from lambdapack.workflows.import_test import AttemptOptions


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one function: the build, or the error that ended it. `seconds` is wall time."""

    function: FunctionSettings
    built: VerifiedBuild | None
    error: LambdapackError | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Job:
    """One function to build. `test` says how its handler is imported, None: it is not. `push`: an image goes into its
    registry."""

    function: FunctionSettings
    options: BuildOptions
    test: AttemptOptions | None = None
    push: bool = False


def build_several(jobs: Sequence[Job], at_once: int | None, progress: Progress) -> Iterator[Outcome]:
    """Builds all, `at_once` at the same time (None: as many as there are processors), and yields the outcomes in the
    order of the jobs, each as soon as those before it are known."""
    workers = min(len(jobs), at_once or os.cpu_count() or 1)
    if workers < 2:
        for job in jobs:
            yield run_job(job, progress)
        return
    import multiprocessing  # takes as long to load as a small build
    from concurrent.futures import ProcessPoolExecutor

    layers = [job for job in jobs if job.function.package == "layer"]
    others = [job for job in jobs if job.function.package != "layer"]
    # Forking costs nothing and keeps what is imported; where threads or the system forbid it, Python is started anew.
    can_fork = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_become_worker)
    try:
        for stage in filter(None, (layers, others)):
            progress(f"building {', '.join(job.function.name for job in stage)}")
            for future in [pool.submit(run_job, job, silent) for job in stage]:
                yield future.result()
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()  # ends as if interrupted, so that it removes its temporary files
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_job(job: Job, progress: Progress) -> Outcome:
    """Builds one function."""
    started = time.perf_counter()
    attempt = None
    if job.test is not None and job.function.handler:
        from lambdapack.workflows.import_test import import_handler

        attempt = partial(import_handler, options=job.test, progress=progress)
    try:
        built = build_and_inspect(job.function, job.options, attempt=attempt, progress=progress)
        if built.result.image is not None and not built.result.rejected:
            from lambdapack.workflows.image_delivery import deliver

            told = deliver(built.result, push=job.push, progress=progress)
            built = replace(built, report=replace(built.report, told=(*built.report.told, told)))
    except LambdapackError as error:
        return Outcome(job.function, None, error, time.perf_counter() - started)
    return Outcome(job.function, built, None, time.perf_counter() - started)


def _become_worker() -> None:
    """Ctrl-C reaches the whole group of processes; the first one tells the others to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
