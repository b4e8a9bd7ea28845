"""Wheel tags held against a runtime: whether it accepts any of a wheel's, and if not, what they were made for.

Source: "Platform compatibility tags" of the Python Packaging User Guide. Knows names only, not whether the files load.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import prod

from packaging.tags import Tag, parse_tag

from lambdapack.profiles.profile import RuntimeProfile

_MOST_TAGS = 1000  # in one line of WHEEL; it stands for every combination of its parts
_LEVEL = re.compile(r"^(?:manylinux_\d+_\d+|manylinux\d+|linux)_")


def accepted(tags: Iterable[str], profile: RuntimeProfile) -> bool:
    """True when the runtime accepts one of the tags, or there are none that can be read.

    `linux_x86_64` counts as the right platform: it is what a build writes that nobody repaired, also the one that was
    made on Lambda's own system.
    """
    parsed = [tag for text in tags for tag in _parse(text)]
    known = frozenset(profile.wheel_tags)
    return not parsed or any(str(tag) in known or str(_portable(tag, profile)) in known for tag in parsed)


def made_for(tags: Iterable[str], profile: RuntimeProfile) -> str:
    """Says what a wheel was made for that the runtime does not accept: `macOS`, `Python 3.11`, …"""
    parsed = [tag for text in tags for tag in _parse(text)]
    systems = {_system(tag.platform, profile) for tag in parsed}
    if None not in systems:
        return " or ".join(sorted(system for system in systems if system))
    return " or ".join(sorted({_python(tag) for tag in parsed if _system(tag.platform, profile) is None}))


def _parse(text: str) -> frozenset[Tag]:
    if prod(part.count(".") + 1 for part in text.split("-")) > _MOST_TAGS:
        return frozenset()
    try:
        return parse_tag(text.strip())
    except ValueError:
        return frozenset()


def _portable(tag: Tag, profile: RuntimeProfile) -> Tag:
    """A tag of the runtime's own system, as the one that every runtime accepts."""
    if tag.platform == f"linux_{profile.machine}":
        return Tag(tag.interpreter, tag.abi, f"manylinux2014_{profile.machine}")
    return tag


def _system(platform: str, profile: RuntimeProfile) -> str | None:
    """The system of a platform tag; None for one that the runtime has."""
    if platform == "any":
        return None
    if platform.startswith("macosx"):
        return "macOS"
    if platform.startswith("win"):
        return "Windows"
    if platform.startswith("musllinux"):
        return "musl Linux (Alpine)"
    if platform.startswith(("ios", "android", "emscripten", "wasi", "pyodide", "wasm")):
        return platform.partition("_")[0]
    if not platform.endswith(f"_{profile.machine}"):
        return f"Linux {_LEVEL.sub('', platform)}"
    parts = platform.split("_")
    if platform.startswith("manylinux_") and parts[1:3] and all(part.isdecimal() for part in parts[1:3]):
        level = tuple(map(int, parts[1:3]))
        if level > profile.glibc[:2]:
            return f"glibc {level[0]}.{level[1]} and newer"
    return None


def _python(tag: Tag) -> str:
    name = tag.interpreter
    version = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    free_threaded = " (free-threaded)" if tag.abi.endswith("t") and tag.abi.startswith("cp") else ""
    implementation = {"cp": "CPython", "py": "Python", "pp": "PyPy", "gp": "GraalPy"}.get(name.rstrip("0123456789"))
    if implementation is None or not version:
        return str(tag)
    dotted = version[0] + (f".{version[1:]}" if len(version) > 1 else "")
    return f"{implementation} {dotted}{free_threaded}" + (" and newer" if tag.abi == "abi3" else "")
