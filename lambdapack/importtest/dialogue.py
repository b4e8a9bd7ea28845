"""The channel between a backend and the probe: a file of its own, which the handler neither sees nor inherits by name.

The question goes into the file, the probe empties it, and the answers are appended between copies of a one-time nonce.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from lambdapack.importtest.answers import Answer, Heard, read_answers
from lambdapack.importtest.backend import Unavailable
from lambdapack.importtest.process import Ended

Start = Callable[[int, int], Ended | Unavailable]


def converse(asked: Answer, workspace: Path, start: Start, *, inside: str | None = None) -> Heard | Unavailable:
    """Asks the probe and returns what came back.

    `start` runs it with two inherited descriptors, the channel and the file for crashes. `inside` is where the channel
    stands for the probe, if not here: it goes there when the handler has closed the descriptor.
    """
    nonce = secrets.token_hex(16)
    channel, crash_log = workspace / "channel", workspace / "crash"
    # Appending, so that the answer stands behind whatever a handler may write there.
    descriptor = os.open(channel, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    crash = os.open(crash_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o666)  # the workspace is closed to others; the probe runs as another user
        question = asked | {"nonce": nonce, "channel": inside or str(channel), "crash": crash}
        os.write(descriptor, json.dumps(question).encode("ascii"))
        os.lseek(descriptor, 0, os.SEEK_SET)
        ended = start(descriptor, crash)
    finally:
        os.close(descriptor)
        os.close(crash)
    if isinstance(ended, Unavailable):
        return ended
    # A crashed process may have left anything.
    text = channel.read_bytes().decode("utf-8", "replace")
    return Heard(read_answers(text, nonce), ended, crash_log.read_bytes().decode("utf-8", "replace"))
