"""Measures whole processes: wall time, CPU time with that of their children, peak memory.

Programs that are compared are run in turn within one run, so that what else the machine does meets all of them. Only
ratios travel to another machine.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a program: seconds of wall time, seconds of CPU time, peak resident bytes of its largest process."""

    wall: float
    cpu: float
    peak: int
    status: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program to measure. `prepare` is called before each run, unmeasured, and returns the command."""

    name: str
    prepare: Callable[[], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """All runs of one candidate."""

    samples: tuple[Sample, ...]

    @property
    def wall(self) -> float:
        """Median, in seconds."""
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> float:
        """Median, in seconds."""
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def peak(self) -> int:
        """The highest of all runs, in bytes."""
        return max(sample.peak for sample in self.samples)

    def ratio(self, to: Series, what: Literal["wall", "cpu"]) -> float:
        """Returns the median of the ratios of runs that followed each other."""
        pairs = zip(self.samples, to.samples, strict=True)
        if what == "wall":
            return statistics.median(one.wall / other.wall for one, other in pairs)
        return statistics.median(one.cpu / other.cpu for one, other in pairs)

    def beyond(self, other: Series) -> float:
        """Returns the median of the seconds of wall time that each run took longer than the other's."""
        return statistics.median(one.wall - two.wall for one, two in zip(self.samples, other.samples, strict=True))


def run_interleaved(candidates: Sequence[Candidate], rounds: int) -> dict[str, Series]:
    """Runs every candidate once for warming up, then `rounds` times in turn. Raises `RuntimeError` when one fails."""
    found: dict[str, list[Sample]] = {candidate.name: [] for candidate in candidates}
    for number in range(rounds + 1):
        for candidate in candidates:
            command = candidate.prepare()
            sample = run_once(command, candidate.environment)
            if sample.status:
                raise RuntimeError(f"{' '.join(command)} ended with status {sample.status}")
            if number:
                found[candidate.name].append(sample)
    return {name: Series(tuple(samples)) for name, samples in found.items()}


def run_once(command: Sequence[str], environment: Mapping[str, str]) -> Sample:
    """Runs a program with its output thrown away."""
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], list(command), {**os.environ, **environment}, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    return Sample(wall, usage.ru_utime + usage.ru_stime, peak, os.waitstatus_to_exitcode(status))
