"""A comparison of two artifacts, for people and for programs (`diff.schema.json`)."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lambdapack import __version__
from lambdapack.facts.difference import (
    DistDifference,
    DistState,
    FileDifference,
    FileState,
    FormDifference,
    NativeDifference,
)
from lambdapack.finding import Json
from lambdapack.render.text import TextStyle, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdapack.facts.difference import Difference

SCHEMA_VERSION = 1
_SHOWN = 20
_NEEDS_SHOWN = 6
_MARKS = {"added": "+", "removed": "-", "upgraded": "↑", "downgraded": "↓", "rebuilt": "~", "changed": "~"}
_COLOURS = {"+": "ok", "-": "error"}
_FORM = {
    "order": "stored in another order",
    "dates": "another date",
    "compression": "compressed differently",
    "headers": "other system, flags or extra fields in the header",
    "comment": "another comment",
    "folders": "members that are folders, on one side only",
    "repeated names": "names that come twice",
}


def diff_schema() -> Json:
    """Returns the JSON Schema that every comparison fulfils."""
    return json.loads(Path(__file__).with_name("diff.schema.json").read_text(encoding="utf-8"))


def diff_to_json(before: Mapping[str, Json], after: Mapping[str, Json], difference: Difference, *, same: bool) -> str:
    """Returns the comparison as one JSON document with a line end. `before` and `after` are the two sides as data."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "same": same,
        "before": dict(before),
        "after": dict(after),
        "distributions": [asdict(item) for item in difference.distributions],
        "files": [
            {**asdict(item), "before": _state(item.before), "after": _state(item.after)} for item in difference.files
        ],
        "native": [_native(item) for item in difference.native],
        "form": [asdict(item) for item in difference.form],
        "unread": [{"path": path, "reason": reason} for path, reason in difference.unread],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def diff_to_text(
    before: Mapping[str, Json], after: Mapping[str, Json], difference: Difference, style: TextStyle, *, same: bool
) -> str:
    """Returns the comparison for a terminal: what changed most first, one last line with the sizes."""
    lines: list[str] = []
    lines += _section("distributions", _distributions(difference.distributions, style), style)
    explained = {item.name for item in difference.distributions if item.change != "changed"}
    others = [item for item in difference.files if item.distribution not in explained]
    lines += _section("files", _files(others, style), style)
    if len(others) < len(difference.files):
        hidden = Counter(item.change for item in difference.files if item.distribution in explained)
        told = ", ".join(f"{count} {change}" for change, count in sorted(hidden.items()))
        lines += [style.paint("dim", f"  files of these distributions: {told}"), ""]
    whole = {item.name for item in difference.distributions if item.change in ("added", "removed")}
    told_already = {item.path for item in difference.files if item.distribution in whole}
    natives = [item for item in difference.native if style.verbose or item.path not in told_already]
    lines += _section("native code", _natives(natives, style), style)
    lines += _section("how the ZIP is written", _form(difference.form), style)
    lines += _section("could not be compared", (plain(f"  {path}: {why}") for path, why in difference.unread), style)
    lines.append(_last_line(before, after, difference, style, same=same))
    return "\n".join(lines) + "\n"


def _section(title: str, lines: Iterable[str], style: TextStyle) -> list[str]:
    found = list(lines)
    return [style.paint("bold", title), *found, ""] if found else []


def _distributions(items: Iterable[DistDifference], style: TextStyle) -> Iterator[str]:
    for item in items:
        mark = _MARKS[item.change]
        if item.before is None or item.after is None:
            state = item.after or item.before
            assert state is not None
            words = f"{' '.join(state.versions)}  {_bytes(state.size)}"
        elif item.change in ("upgraded", "downgraded"):
            words = f"{' '.join(item.before.versions)} → {' '.join(item.after.versions)}{_grown(item)}"
        elif item.change == "rebuilt":
            words = f"{' '.join(item.after.versions)}  {_tags(item.before)} → {_tags(item.after)}{_grown(item)}"
        else:
            words = f"{' '.join(item.after.versions)}  the same wheel, other files{_grown(item)}"
        yield f"  {_painted(mark, style)} {plain(item.name)} {plain(words)}"


def _tags(state: DistState) -> str:
    return state.tags[-1] if state.tags else "no tag"


def _grown(item: DistDifference) -> str:
    assert item.before is not None and item.after is not None  # noqa: PT018 - both or neither
    return f"  {_signed(item.after.size - item.before.size)}" if item.after.size != item.before.size else ""


def _files(items: list[FileDifference], style: TextStyle) -> Iterator[str]:
    shown = items if style.verbose else items[:_SHOWN]
    for item in shown:
        yield f"  {_painted(_MARKS[item.change], style)} {plain(item.path)}  {plain(_what(item))}"
    if len(items) > len(shown):
        yield style.paint("dim", f"  and {len(items) - len(shown)} more: --verbose")


def _what(item: FileDifference) -> str:
    one, other = item.before, item.after
    if one is None or other is None:
        state = other or one
        assert state is not None
        return _bytes(state.size)
    words = []
    if "kind" in item.aspects:
        words.append(f"{_kind(one.mode)} → {_kind(other.mode)}")
    if "link" in item.aspects:
        words.append(f"link to {one.link} → {other.link}")
    if "content" in item.aspects:
        grown = _signed(other.size - one.size) if other.size != one.size else f"other content, {_bytes(one.size)} both"
        words.append(grown)
    if "mode" in item.aspects:
        words.append(f"mode {stat.S_IMODE(one.mode):04o} → {stat.S_IMODE(other.mode):04o}")
    return ", ".join(words)


def _kind(mode: int) -> str:
    return "link" if stat.S_ISLNK(mode) else "file" if stat.S_ISREG(mode) else "folder"


def _natives(items: list[NativeDifference], style: TextStyle) -> Iterator[str]:
    shown = items if style.verbose else items[:_SHOWN]
    for item in shown:
        words = []
        if item.machines[0] != item.machines[1] and None not in item.machines:
            words.append(f"{item.machines[0]} → {item.machines[1]}")
        for one, other in (item.needed, item.versions):
            words += [f"+{name}" for name in other if name not in one]
            words += [f"-{name}" for name in one if name not in other]
        most = words if style.verbose else words[:_NEEDS_SHOWN]
        more = f" and {len(words) - len(most)} more" if len(words) > len(most) else ""
        yield plain(f"  {item.path}  {', '.join(most) or 'needs nothing'}{more}")
    if len(items) > len(shown):
        yield style.paint("dim", f"  and {len(items) - len(shown)} more: --verbose")


def _form(items: Iterable[FormDifference]) -> Iterator[str]:
    for item in items:
        many = f"{item.count} {'member' if item.count == 1 else 'members'}: " if item.count else ""
        example = f" ({item.example} first)" if item.example else ""
        yield plain(f"  {many}{_FORM[item.aspect]}{example}")


def _last_line(
    before: Mapping[str, Json], after: Mapping[str, Json], difference: Difference, style: TextStyle, *, same: bool
) -> str:
    names = f"{plain(str(before['path']))} → {plain(str(after['path']))}"
    if same:
        identical = before["sha256"] is not None and before["sha256"] == after["sha256"]
        return f"{style.paint('ok', 'same')}  {names}  " + ("byte for byte" if identical else "the same files")
    word = style.paint("warning", "differ")
    if not difference.files and not difference.distributions:
        return f"{word}  {names}  the same files, written differently"
    sizes = [f"{_bytes(after['unzipped_size'])} unzipped ({_signed(after['unzipped_size'] - before['unzipped_size'])})"]
    if before["size"] is not None and after["size"] is not None:
        sizes.insert(0, f"{_bytes(after['size'])} zipped ({_signed(after['size'] - before['size'])})")
    counts = Counter(item.change for item in difference.files)
    told = ", ".join(f"{counts[change]} {change}" for change in ("added", "removed", "changed") if counts[change])
    return "  ".join([word, names, f"files: {told or 'none'}", *sizes])


def _painted(mark: str, style: TextStyle) -> str:
    return style.paint(_COLOURS.get(mark, "warning"), mark)


def _state(state: FileState | None) -> dict[str, Json] | None:
    if state is None:
        return None
    kind = _kind(state.mode)
    return {"kind": kind, "size": state.size, "mode": f"{stat.S_IMODE(state.mode):04o}", "link": state.link}


def _native(item: NativeDifference) -> dict[str, Json]:
    return {
        "path": item.path,
        "machine": {"before": item.machines[0], "after": item.machines[1]},
        "needed": _sets(item.needed),
        "versions": _sets(item.versions),
    }


def _sets(sides: tuple[tuple[str, ...], tuple[str, ...]]) -> dict[str, Json]:
    one, other = sides
    return {
        "added": [name for name in other if name not in one],
        "removed": [name for name in one if name not in other],
    }


def _bytes(size: Json) -> str:
    return f"{size / 1048576:.1f} MB" if size >= 1048576 else f"{size / 1024:.1f} KB" if size >= 1024 else f"{size} B"


def _signed(size: Json) -> str:
    return f"{'+' if size >= 0 else '-'}{_bytes(abs(size))}"
