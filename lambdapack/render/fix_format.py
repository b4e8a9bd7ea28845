"""What was repaired of an artifact, for people and for programs (`fix.schema.json`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lambdapack import __version__
from lambdapack.finding import Json
from lambdapack.render.text import TextStyle, plain

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a repair: `repairs` as kind, what and why, `failed` as what and why."""

    artifact: str
    output: str
    repairs: Sequence[tuple[str, str, str]]
    failed: Sequence[tuple[str, str]]
    written: bool


def fix_schema() -> Json:
    """Returns the JSON Schema that every answer fulfils."""
    return json.loads(Path(__file__).with_name("fix.schema.json").read_text(encoding="utf-8"))


def fix_to_json(told: Told, before: Json, after: Json, comparison: Json) -> str:
    """Returns one JSON document with a line end. `before` and `after` are reports as data, `comparison` is what `diff`
    says; the last two are None when nothing was changed."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "artifact": told.artifact,
        "output": told.output,
        "written": told.written,
        "repairs": [{"kind": kind, "what": what, "why": why} for kind, what, why in told.repairs],
        "not_repaired": [{"what": what, "why": why} for what, why in told.failed],
        "before": before,
        "after": after,
        "diff": comparison,
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def fix_to_text(told: Told, style: TextStyle) -> str:
    """Returns what was done and what could not be, a line each."""
    width = max((len(kind) for kind, _, _ in told.repairs), default=0)
    lines = [f"{style.paint('ok', kind.ljust(width))}  {plain(what)}: {plain(why)}" for kind, what, why in told.repairs]
    lines += [f"{style.paint('warning', 'not repaired')}  {plain(what)}: {plain(why)}" for what, why in told.failed]
    if not told.repairs:
        lines.append("nothing was changed: nothing can be repaired for certain")
    elif not told.written:
        lines.append(style.paint("error", f"{plain(told.output)} was not written: it would be worse than before"))
    return "\n".join(lines) + "\n"
