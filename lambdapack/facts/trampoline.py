"""Calls that do not use Python's stack: import chains are far deeper than it may be.

A step is a generator: it yields the steps it wants run and is sent their results.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

Steps = Generator["Steps", Any, Any]


def drive(call: Steps) -> Any:
    """Runs a step with all that it calls and returns its result."""
    waiting: list[Steps] = []
    current, value = call, None
    while True:
        try:
            following = current.send(value)
        except StopIteration as stop:
            if not waiting:
                return stop.value
            current, value = waiting.pop(), stop.value
        else:
            waiting.append(current)
            current, value = following, None
