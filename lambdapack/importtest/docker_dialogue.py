"""The talk with the guardian in a container: orders go in, answers come out between what the process prints.

Knows the framing of both and nothing of what is asked. Output is kept as far as anybody will read it.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lambdapack.containers.running import Container, Stream
from lambdapack.importtest.process import KEPT_OUTPUT

_LARGEST_ANSWER = 64 << 20  # bytes; the probe lists every import and every opened file

Answer = dict[str, Any]


class NoAnswer(Exception):
    """The guardian has not answered: `ended` tells whether its container has, or its time was over."""

    def __init__(self, *, ended: bool) -> None:
        super().__init__()
        self.ended = ended


@dataclass
class Printed:
    """The first part and the last of what was printed, in order, each piece with its stream."""

    _head: list[tuple[Stream, bytes]] = field(default_factory=list)
    _tail: deque[tuple[Stream, bytes]] = field(default_factory=deque)
    _sizes: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, stream: Stream, piece: bytes) -> None:
        """Keeps a piece, at the cost of older ones."""
        if not piece:
            return
        if self._sizes[0] < KEPT_OUTPUT // 2:
            self._head.append((stream, piece))
            self._sizes[0] += len(piece)
            return
        self._tail.append((stream, piece))
        self._sizes[1] += len(piece)
        while self._sizes[1] > KEPT_OUTPUT // 2 and len(self._tail) > 1:
            self._sizes[1] -= len(self._tail.popleft()[1])

    def text(self, stream: Stream | None = None) -> str:
        """Returns what one stream was given, or both together."""
        pieces = (piece for kind, piece in (*self._head, *self._tail) if stream in {None, kind})
        return b"".join(pieces).decode("utf-8", "replace")


@dataclass
class Dialogue:
    """One guardian. `printed` is what the commands have printed so far."""

    container: Container
    printed: Printed = field(default_factory=Printed)

    def ask(self, order: Answer, seconds: float) -> Answer:
        """Sends an order and returns its answer. Raises `NoAnswer`, and `CannotRun` when the container has gone."""
        nonce = secrets.token_hex(16)
        text = json.dumps({**order, "nonce": nonce}).encode("ascii")
        self.container.send(b"%d\n" % len(text) + text)
        answer = b"".join(self._answer(f"\0{nonce}\0".encode("ascii"), time.monotonic() + seconds))
        found: Answer = json.loads(answer)
        return found

    def _answer(self, marker: bytes, deadline: float) -> Iterator[bytes]:
        """Yields the pieces between two markers on standard output; all else is kept as printed."""
        pending, inside, size = b"", False, 0
        try:
            for stream, piece in self.container.output(deadline):
                if stream != "stdout":
                    self.printed.add(stream, piece)
                    continue
                pending += piece
                while True:
                    before, found, after = pending.partition(marker)
                    # A marker may come in two pieces: what could be its beginning waits for the rest.
                    done = before if found else pending[: max(0, len(pending) - len(marker) + 1)]
                    if inside:
                        size += len(done)
                        if size > _LARGEST_ANSWER:
                            raise NoAnswer(ended=False)
                        yield done
                    else:
                        self.printed.add("stdout", done)
                    if not found:
                        pending = pending[len(done) :]
                        break
                    pending = after
                    if inside:
                        return
                    inside = True
        except TimeoutError:
            raise NoAnswer(ended=False) from None
        self.printed.add("stdout", pending)
        raise NoAnswer(ended=True)
