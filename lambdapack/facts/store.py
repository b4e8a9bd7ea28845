"""What is kept from one run to the next: blobs by the hash of what they were read from, in one SQLite file.

Bounded, safe with several processes, and never needed: where it cannot be opened, read or written, nothing is kept.
Knows nothing of what the blobs say.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

FILE_NAME = "facts.sqlite"
LARGEST = 512 << 20  # bytes of the file, above which the longest unused blobs are dropped
_KEPT_WHEN_PRUNED = 0.7
_DAY = 86400
_AT_ONCE = 500  # keys of one query: SQLite's limit for parameters was 999 once
_WAIT = 3.0  # seconds for another process to finish writing
_SUFFIXES = ("", "-wal", "-shm")

_Result = TypeVar("_Result")


class FactStore:
    """One cache file in a folder. No method raises because of the file; a damaged one is thrown away."""

    def __init__(self, folder: Path, *, largest: int = LARGEST) -> None:
        self.path = folder / FILE_NAME
        self._largest = largest
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    def read(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Returns the blobs that there are, by their keys; from now on they count as used today."""
        wanted = list(keys)
        if not wanted or not self.path.exists():
            return {}

        def select(connection: sqlite3.Connection) -> dict[bytes, bytes]:
            found: dict[bytes, bytes] = {}
            stale: list[bytes] = []
            today = _today()
            for part in _parts(wanted):
                marks = ",".join("?" * len(part))
                for key, used, blob in connection.execute(
                    f"SELECT key, used, blob FROM facts WHERE key IN ({marks})",
                    part,
                ):
                    found[key] = blob
                    if used < today:
                        stale.append(key)
            if stale:
                with contextlib.suppress(sqlite3.OperationalError), connection:  # busy or read-only: no harm
                    connection.executemany("UPDATE facts SET used = ? WHERE key = ?", ((today, key) for key in stale))
            return found

        return self._do(select, {})

    def write(self, blobs: Mapping[bytes, bytes]) -> None:
        """Keeps blobs, and drops those unused for longest when the file has become too large."""
        if not blobs:
            return

        def insert(connection: sqlite3.Connection) -> None:
            today = _today()
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO facts (key, used, blob) VALUES (?, ?, ?)",
                    ((key, today, blob) for key, blob in blobs.items()),
                )
            if self._size(connection) > self._largest:
                self._drop(connection, int(self._largest * _KEPT_WHEN_PRUNED))

        self._do(insert, None)

    def prune(self, days: int) -> int:
        """Drops what was not used for so many days and returns how many blobs that were."""

        def drop(connection: sqlite3.Connection) -> int:
            with connection:
                dropped = connection.execute("DELETE FROM facts WHERE used < ?", (_today() - days,)).rowcount
            connection.execute("VACUUM")
            return dropped

        return self._do(drop, 0) if self.path.exists() else 0

    def clean(self) -> None:
        """Removes the file. Raises `OSError` where that is not allowed."""
        self.close()
        for suffix in _SUFFIXES:
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file; a closed store reads and writes nothing."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _do(self, job: Callable[[sqlite3.Connection], _Result], otherwise: _Result) -> _Result:
        try:
            connection = self._open()
            return otherwise if connection is None else job(connection)
        except sqlite3.OperationalError:
            return otherwise  # no such folder, read-only, full, or another process writes for long
        except sqlite3.DatabaseError:
            self._throw_away()
            return otherwise

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and not self._closed:
            with contextlib.suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=_WAIT)
            self._connection = connection
            with contextlib.suppress(sqlite3.OperationalError):  # not on every file system
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut loses can be read again
            connection.execute("CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, used INTEGER, blob BLOB)")
        return self._connection

    def _throw_away(self) -> None:
        import logging

        logging.getLogger("lambdapack").warning("%s is damaged and is thrown away: it only saves time", self.path)
        with contextlib.suppress(OSError):
            self.clean()

    @staticmethod
    def _size(connection: sqlite3.Connection) -> int:
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
        size: int = connection.execute("PRAGMA page_size").fetchone()[0]
        return pages * size

    def _drop(self, connection: sqlite3.Connection, keep: int) -> None:
        total, last = 0, None
        for key, size in connection.execute("SELECT rowid, length(blob) FROM facts ORDER BY used DESC, rowid DESC"):
            total += size
            if total > keep:
                last = key
                break
        if last is None:
            return
        used = connection.execute("SELECT used FROM facts WHERE rowid = ?", (last,)).fetchone()[0]
        with connection:
            connection.execute("DELETE FROM facts WHERE used < ? OR (used = ? AND rowid <= ?)", (used, used, last))
        connection.execute("VACUUM")


def _today() -> int:
    return int(time.time()) // _DAY


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
