"""How places, types and slips are named in the one line about a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def shown(path: Path | None) -> str:
    """A path as people write it: from the current folder where it lies below it."""
    if path is None:
        return "configuration"
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else str(absolute)


def type_name(value: object) -> str:
    """Names the TOML type of a value."""
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "an integer", float: "a float", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def nearest_word(given: str, known: Iterable[str]) -> str | None:
    """The known word that `given` is a slip of, if one is near: other case or hyphens, a beginning, a typing error."""
    folded = {word.lower().replace("-", "_"): word for word in known}
    wanted = given.lower().replace("-", "_")
    beginnings = [word for word in folded if len(wanted) > 2 and word.startswith(wanted)]
    close = [wanted] if wanted in folded else beginnings or difflib.get_close_matches(wanted, folded, 1)
    return folded[close[0]] if close else None


def did_you_mean(given: str, known: Iterable[str], shape: str = "; {}") -> str:
    """Returns `; did you mean 'WORD'?` in the given shape, or nothing when no known word is near."""
    nearest = nearest_word(given, known)
    return shape.format(f"did you mean {nearest!r}?") if nearest else ""
