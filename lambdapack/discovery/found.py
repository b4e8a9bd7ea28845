"""What was found of a function, before anybody decides what to make of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_RUNTIME = re.compile(r"python3\.[0-9]+")
_ARCHITECTURES = ("x86_64", "arm64")


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """One function as another tool's file describes it, or as code looks like one. None: not said there, or only known
    when it is deployed.

    `source` is the folder or file whose contents are deployed, absolute. `origin` says where it was found, for people.
    """

    name: str
    origin: str
    handler: str | None = None
    runtime: str | None = None
    architecture: str | None = None
    source: Path | None = None
    image: bool = False
    layer: bool = False
    notes: tuple[str, ...] = field(default=())


def runtime_of(value: object) -> str | None:
    """The value when it names a Python runtime of Lambda."""
    return value if isinstance(value, str) and _RUNTIME.fullmatch(value) else None


def is_python(value: object) -> bool:
    """True for a Python runtime, and for one that is not known: then it may be one."""
    return not isinstance(value, str) or value.startswith("python")


def architecture_of(value: object) -> str | None:
    """The value, or the only one of a list, when it is an architecture of Lambda."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    return value if isinstance(value, str) and value in _ARCHITECTURES else None


def text_of(value: object) -> str | None:
    """The value when it is a text that is known now."""
    return value if isinstance(value, str) and value and "${" not in value else None


def folder_of(base: Path, value: object) -> Path | None:
    """The folder or file that a relative path names, when it is there."""
    text = text_of(value)
    if text is None or re.match(r"[a-z][a-z0-9+.-]*://", text):
        return None
    path = (base / text).resolve()
    return path if path.exists() else None
