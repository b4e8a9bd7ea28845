"""Numbers as people read them."""

from __future__ import annotations


def bytes_text(size: int, digits: int = 1) -> str:
    """`2.4 MB`; binary units, as Lambda's quotas are."""
    if abs(size) < 1024:
        return f"{size} B"
    if abs(size) < 1024 * 1024:
        return f"{size / 1024:.{digits}f} KB"
    return f"{size / (1024 * 1024):.{digits}f} MB"


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
