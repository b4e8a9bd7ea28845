"""`lambdapack inspect` against `unzip -t` of the same file: nothing known before, and with the facts of the last run.

Every run gets an artifact whose handler is new, so that every check has to be run. `cold` begins with an empty cache,
`cached` with that of an earlier run on the artifact before its handler changed.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.bench.measure import Candidate, run_interleaved
from tools.bench.table import Row
from tools.bench.workloads import HANDLER, Workload, names, workload

TITLE = "Inspecting"
NATIVE_PART = "tools.bench.native_part"
UNIT = "`unzip -t` of the same file"
# Goals by workload: the whole inspection cold, with the facts kept, and its native part, in units of `unzip -t`.
_GOALS = {"medium": (1.5, 0.8, 0.33), "large": (1.0, 0.35, 0.2)}


def rows(folder: Path, rounds: int, chosen: Sequence[str]) -> list[Row]:
    """Measures the chosen workloads."""
    found = []
    for name in names():
        if name in chosen:
            found += _measure(workload(name), folder, rounds)
    return found


def _measure(work: Workload, folder: Path, rounds: int) -> list[Row]:
    numbers = itertools.count()
    artifact = work.fresh(folder, "first")
    empty, kept = folder / "empty", folder / f"kept-{work.name}"
    inspect = [sys.executable, "-m", "lambdapack", "inspect", str(artifact)]
    inspect += ["--runtime", work.runtime, "--arch", "x86_64", "--handler", HANDLER]

    def unzip() -> Sequence[str]:
        work.fresh(folder, f"change {next(numbers)}")
        return ["unzip", "-t", str(artifact)]

    def cold() -> Sequence[str]:
        shutil.rmtree(empty, ignore_errors=True)
        return inspect

    # As installed: with its byte code, which an environment for developing may forbid.
    installed = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "byte-code")}
    candidates = [
        Candidate("unzip", unzip),
        Candidate("cold", cold, {**installed, "LAMBDAPACK_CACHE_DIR": str(empty)}),
        Candidate("cached", lambda: inspect, {**installed, "LAMBDAPACK_CACHE_DIR": str(kept)}),
        # Its native part, with nothing known, as a process of its own.
        Candidate("native part", lambda: [sys.executable, "-m", NATIVE_PART, str(artifact), work.runtime], installed),
    ]
    series = run_interleaved(candidates, rounds)
    what = f"{work.name}: {work.files} files, {work.unzipped / 1e6:.1f} MB in {work.zipped / 1e6:.1f} MB"
    goals = _GOALS.get(work.name, (None, None, None))
    return [
        Row(f"{what}, {candidate}", series[candidate], series["unzip"], goal)
        for candidate, goal in zip(("cold", "cached", "native part"), goals, strict=True)
    ]
