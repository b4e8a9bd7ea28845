"""Results as a Markdown table, with what they were measured on."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tools.bench.measure import Series


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what was run, beside what, and the ratio it is hoped to have (None: there is no goal), or by how
    many seconds it may take longer (`allowance`)."""

    what: str
    series: Series
    against: Series
    goal: float | None
    allowance: float | None = None


def written(title: str, unit: str, rows: Sequence[Row]) -> str:
    """Returns one bench as a table: ratios to `unit`, then seconds and memory."""
    lines = [f"### {title}", "", f"Ratios are to {unit}, medians of {len(rows[0].series.samples)} pairs.", ""]
    lines += ["| | wall | goal | CPU | seconds | those of the unit | peak memory |", "|---|---|---|---|---|---|---|"]
    lines += [_line(row) for row in rows]
    return "\n".join(lines)


def _line(row: Row) -> str:
    goal = "" if row.goal is None else f"≤ {row.goal:g}"
    wall = f"{row.series.ratio(row.against, 'wall'):.2f}"
    if row.allowance is not None:
        goal, wall = f"≤ +{row.allowance:g} s", f"+{row.series.beyond(row.against):.3f} s"
    cells = (
        row.what,
        wall,
        goal,
        f"{row.series.ratio(row.against, 'cpu'):.2f}",
        f"{row.series.wall:.3f}",
        f"{row.against.wall:.3f}",
        f"{row.series.peak / (1 << 20):.0f} MiB",
    )
    return f"| {' | '.join(cells)} |"


def surroundings(versions: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Yields what the numbers hang on: the day, the machine's kind, Python, and what the workloads were resolved to."""
    today = datetime.datetime.now(datetime.UTC).date()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield f"Measured {today} on {os.cpu_count()} shared cores ({platform.machine()}), {python}."
    for name, resolved in versions:
        yield f"\n*{name}*: {', '.join(resolved)}."
