"""How work that takes long says what it is at. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]
"""Told one short line about each step that may take a while; what is done with it is the caller's business. May be
called from several threads."""


def silent(_line: str) -> None:
    """The progress of someone who wants none."""
