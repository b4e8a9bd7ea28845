"""What every command pays before it does anything: `lambdapack --version` against an interpreter that does nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.bench.measure import Candidate, run_interleaved
from tools.bench.table import Row

TITLE = "Starting"
UNIT = "`python -c pass`"
_GOAL = 4.0
_RUNS_FOR_ONE = 3  # it takes milliseconds only


def rows(folder: Path, rounds: int, chosen: Sequence[str]) -> list[Row]:
    """Measures both; no workload is needed."""
    installed = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "byte-code")}
    candidates = [
        Candidate("pass", lambda: [sys.executable, "-c", "pass"]),
        Candidate("version", lambda: [sys.executable, "-m", "lambdapack", "--version"], installed),
    ]
    series = run_interleaved(candidates, rounds * _RUNS_FOR_ONE)
    return [Row("lambdapack --version", series["version"], series["pass"], _GOAL)]
