"""What a confined command finds: files, variables, a folder to be in. Knows nothing of who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

USER, GROUP = 993, 990
"""Who runs a function, by the `passwd` of the base images (`sbx_user1051`)."""

PRIVATE = "/.lambdapack"
"""A folder in every room for what is ours: the probe and its channel."""

TEMPORARY_BYTES = 512 * 1024 * 1024
"""The size of /tmp (AWS, "Configure ephemeral storage": the default)."""

Step = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What a command finds. `steps`, from the top down: `("read", PLACE, SOURCE)` and `("write", ...)` show a file or
    folder of this machine, `("link", PLACE, TARGET)` and `("folder", PLACE)` make one; /dev, /proc and /tmp come by
    themselves. Everything is read-only but /tmp and what is shown by `write`."""

    steps: tuple[Step, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
