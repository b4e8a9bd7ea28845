"""Editable installs: what they leave behind in place of the code, and where they say that the code is.

Knows the finders that setuptools writes (`__editable___NAME_finder.py`, loaded by an `import` line of a `.pth` file)
and easy_install's `.egg-link`. A `.pth` file with nothing but a path needs no more than the rules of site. Source:
setuptools/command/editable_wheel.py, `_FINDER_TEMPLATE`.
"""

from __future__ import annotations

import ast
import re

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember

_LOADS_FINDER = re.compile(r"^import (?P<finder>__editable___\w+_finder); (?P=finder)\.install\(\)$")
_MAPPING = re.compile(r"^MAPPING(?::[^=]+)? = (?P<literal>\{.*\})$", re.MULTILINE)


def places_of_editable(stack: Stack, folder: str, line: str) -> tuple[str, ...]:
    """Returns where the finder that an `import` line of a `.pth` file loads looks for its packages, when none of these
    places is in the artifact: the finder then finds nothing. Empty for every other line."""
    match = _LOADS_FINDER.match(line)
    located = stack.file(f"{folder}/{match['finder']}.py") if match else None
    if located is None:
        return ()
    try:
        mapping = _MAPPING.search(stack.read_bytes(located).decode("utf-8", "replace"))
        places = ast.literal_eval(mapping["literal"]).values() if mapping else ()
    except (UnreadableMember, ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    known = tuple(place for place in places if isinstance(place, str))
    return () if any(stack.resolve(f"{place}{end}") for place in known for end in ("", ".py")) else known


def egg_links(stack: Stack, folders: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Returns the `.egg-link` files of some folders, each with the place that it names."""
    found = []
    for folder in folders:
        for name in sorted(stack.names(folder)):
            located = stack.file(f"{folder}/{name}") if name.endswith(".egg-link") else None
            if located is not None:
                try:
                    text = stack.read_bytes(located).decode("utf-8", "replace")
                except UnreadableMember:
                    continue
                found.append((f"{folder}/{name}", next(iter(text.splitlines()), "")))
    return tuple(found)
