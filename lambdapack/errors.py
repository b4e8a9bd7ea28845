"""The failures of lambdapack itself, each with the exit status it ends the program with.

A wrong *artifact* is never an exception: it is a finding (`finding.py`). An exception here means that the
job could not be done. Every message is one line that says what, where and what to do.
"""

from __future__ import annotations

import re
from typing import ClassVar

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_MISSING = 4
EXIT_BUILD = 5
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143  # 128 + SIGTERM, as a shell reports it


_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(://[^\s?'\"<>]+)\?[^\s'\"<>]+")


def without_secrets(text: str) -> str:
    """Takes credentials out of the URLs in a text: user and password, and queries, which may hold tokens."""
    return _QUERY.sub(r"\1?***", _USERINFO.sub("***@", text))


class LambdapackError(Exception):
    """Base of everything lambdapack raises on purpose; `str()` is one line for a person.

    `hint` is what to do about it: a command or a change, without a full stop, or None.
    """

    exit_status: ClassVar[int] = EXIT_BUG

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(without_secrets(message))
        self.hint = None if hint is None else without_secrets(hint)


class UsageError(LambdapackError):
    """Wrong usage or configuration: the caller has to change what was asked for."""

    exit_status = EXIT_USAGE


class UnreadableArtifact(LambdapackError):
    """The artifact as a whole cannot be opened, so nothing could be inspected."""

    exit_status = EXIT_UNREADABLE


class MissingRequirement(LambdapackError):
    """Something the job needs is not on this machine: an interpreter, an engine, an image."""

    exit_status = EXIT_MISSING


class BuildFailed(LambdapackError):
    """The build could not be completed; an older artifact is left as it was."""

    exit_status = EXIT_BUILD


class UnreadableMember(LambdapackError):
    """One member of an artifact cannot be read (encrypted, damaged, wrong CRC); the others can."""

    exit_status = EXIT_UNREADABLE


def worst_exit_status(statuses: list[int]) -> int:
    """Returns the exit status that wins when several results end in one process."""
    return max(statuses, default=EXIT_OK)
