"""Why something is in an artifact, as text for a person and as JSON, version 1: a contract, `why.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from lambdapack import __version__
from lambdapack.finding import Json
from lambdapack.presence import Presence
from lambdapack.render.measures import bytes_text
from lambdapack.render.text import TextStyle, plain

SCHEMA_VERSION = 1
_SHOWN = 10


def why_schema() -> Json:
    """Returns the JSON Schema that every rendered answer fulfils."""
    return json.loads(Path(__file__).with_name("why.schema.json").read_text(encoding="utf-8"))


def render_why_json(answers: Sequence[tuple[str, Presence]]) -> str:
    """Returns one JSON document with a line end; each answer with the name of the artifact it is about."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "answers": [{"artifact": artifact, **asdict(presence)} for artifact, presence in answers],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def render_why_text(artifact: str, presence: Presence, style: TextStyle) -> str:
    """Returns what one artifact says of it."""
    return "\n".join(_lines(artifact, presence, style)) + "\n"


def _lines(artifact: str, presence: Presence, style: TextStyle) -> Iterator[str]:
    name = f"{presence.name} {presence.version}" if presence.version else presence.name
    where = f"  {presence.path}" if presence.path not in (None, presence.name) else ""
    owner = f" of {presence.owner}" if presence.owner else ""
    yield style.paint("bold", plain(name)) + plain(f"{where}  ({presence.kind}{owner} in {artifact})")
    yield plain(f"  why: {presence.reason}")
    if len(presence.chain) > 1:
        yield plain(f"  reached: {' > '.join(presence.chain)}")
    for bringer in presence.required_by if style.verbose else presence.required_by[:_SHOWN]:
        yield plain(f"  required by: {bringer.name} {bringer.version} ({bringer.requirement})")
    files = f" in {presence.files:,} files" if presence.files != 1 else ""
    cost = f"  costs: {bytes_text(presence.bytes)}{files}"
    if presence.milliseconds is not None:
        cost += f", {presence.milliseconds:,.0f} ms of the import"
    yield cost
    if presence.would_drop:
        total = sum(part.bytes for part in presence.would_drop)
        parts = presence.would_drop if style.verbose else presence.would_drop[:_SHOWN]
        names = ", ".join(f"{part.name} ({bytes_text(part.bytes)})" for part in parts)
        more = f" and {len(presence.would_drop) - len(parts)} more" if len(parts) < len(presence.would_drop) else ""
        yield plain(f"  would drop with it: {names}{more}; {bytes_text(total)} together")
