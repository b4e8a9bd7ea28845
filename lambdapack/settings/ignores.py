"""Ignores of the configuration: `[[tool.lambdapack.ignore]]`, for all functions or for one.

Does not know which checks there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from lambdapack.settings.table import Table

IGNORE_KEYS = ("code", "reason", "until", "paths")
_EXAMPLE = 'code = "SHD001", reason = "..."'


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings that do not count, and why. `code` is a check's code, the beginning of one, or a name. `until` is the
    last day on which it holds. `paths` are glob patterns over the places that findings name (`*` matches `/`, too),
    empty for all. `place` is where it is written, for messages."""

    code: str
    reason: str
    until: date | None
    paths: tuple[str, ...]
    place: str


def read_ignores(table: Table) -> tuple[Ignore, ...]:
    """Reads the array of tables `ignore`."""
    return tuple(_ignore(item) for item in _tables(table))


def _tables(table: Table) -> Iterator[Table]:
    value = table.values.get("ignore", [])
    # The form that ruff and deptry have is met with what it lacks here.
    if isinstance(value, str) or (isinstance(value, list) and any(not isinstance(item, dict) for item in value)):
        raise table.error("ignore", f"an ignore needs its reason; write [[{table.dotted('ignore')}]] with {_EXAMPLE}")
    if not isinstance(value, list):
        raise table.wrong_type("ignore", "an array of tables", value, f"[[{table.dotted('ignore')}]] with {_EXAMPLE}")
    for index, item in enumerate(value):
        yield Table(table.path, table.dotted(f"ignore[{index}]"), item)


def _ignore(table: Table) -> Ignore:
    table.refuse_unknown(IGNORE_KEYS)
    code = table.string("code", "SHD001")
    if code is None:
        raise table.error("code", 'is missing; write code = "SHD001"')
    reason = table.string("reason", "our own typing.py is meant")
    if reason is None:
        raise table.error("reason", "is missing; say why, for those who come later")
    return Ignore(code, reason, _until(table), table.strings("paths", "*/vendored/*"), table.place)


def _until(table: Table) -> date | None:
    value = table.values.get("until")
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise table.error("until", f"{value!r} is no date; write until = 2027-01-31") from None
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise table.wrong_type("until", "a date", value, "until = 2027-01-31")
    return value
