"""A wheel as a tree, laid out as an installer lays it out in one flat folder (PEP 427, `pip install --target`).

Knows where the parts of `NAME.data` go and which modes installers give. Holds nothing against RECORD: whoever reads the
tree does, and finds there the places that the files have now.
"""

from __future__ import annotations

import csv
import io
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from lambdapack.artifact.tree import DIRECTORY_0755, REGULAR_0644, Entry, Problem, Tree
from lambdapack.artifact.zip import ZipTree
from lambdapack.errors import UnreadableArtifact, UnreadableMember

# Keys of the `.data` folder by where their files go in a flat folder; None: nowhere.
DATA_FOLDERS: Mapping[str, str | None] = {"purelib": "", "platlib": "", "data": "", "scripts": "bin/", "headers": None}

_WHEEL_FILE = re.compile(r"([^/]+)\.dist-info/WHEEL")


class WheelTree(Tree):
    """The files of one wheel where they are once it is installed. Raises `UnreadableArtifact` when it is none."""

    def __init__(self, path: Path) -> None:
        self.origin = str(path)
        self._zip = ZipTree(path)
        names = [match[1] for entry in self._zip.entries() if (match := _WHEEL_FILE.fullmatch(entry.path))]
        if len(names) != 1:
            self._zip.close()
            raise UnreadableArtifact(
                f"{path}: is no wheel: it has {len(names) or 'no'} NAME.dist-info/WHEEL",
                hint="a ZIP of another kind is read under another name: rename it to .zip",
            )
        self._data = f"{names[0]}.data/"
        self._record_path = f"{names[0]}.dist-info/RECORD"
        self._stored = {place: entry for entry in self._zip.entries() if (place := self._installed(entry.path))}
        self._record = self._changed_record()
        self._entries = tuple(self._entry(place) for place in sorted(self._stored))

    @property
    def problems(self) -> Sequence[Problem]:
        return self._zip.problems

    def entries(self) -> Sequence[Entry]:
        return self._entries

    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        by_stored: dict[str, Entry] = {}
        for entry in wanted:
            if entry.path == self._record_path and self._record is not None:
                yield entry, io.BytesIO(self._record)
            else:
                by_stored[self._stored[entry.path].path] = entry
        for stored, stream in self._zip.read(self._zip.by_path[path] for path in by_stored):
            yield by_stored[stored.path], stream

    @cached_property
    def groups(self) -> Mapping[str, tuple[Entry, ...]]:
        changed = {self._record_path} if self._record is not None else set()  # what is stored is not what is read
        places = {stored.path: place for place, stored in self._stored.items() if place not in changed}
        found = {
            name: tuple(self.by_path[places[stored.path]] for stored in members if stored.path in places)
            for name, members in self._zip.groups.items()
        }
        return {**found, **{place: (self.by_path[place],) for place in changed}}

    def prepare_keys(self) -> None:
        self._zip.prepare_keys()

    def group_key(self, group: str) -> bytes | None:
        return self._zip.group_key(group)

    def key(self, entry: Entry) -> bytes | None:
        if entry.path == self._record_path and self._record is not None:
            return None
        return self._zip.key(self._stored[entry.path])

    def sha256(self) -> str:
        return self._zip.sha256()

    def trust(self, entries: Iterable[Entry]) -> None:
        self._zip.trust(self._stored[entry.path] for entry in entries)

    def damaged(self) -> Iterator[tuple[Entry, str]]:
        places = {stored.path: place for place, stored in self._stored.items()}
        for stored, reason in self._zip.damaged():
            place = places.get(stored.path)
            yield (self.by_path[place] if place is not None else stored), reason

    def reopen(self) -> bool:
        return self._zip.reopen()

    def close(self) -> None:
        self._zip.close()

    def _installed(self, path: str) -> str | None:
        """Where a member stands once it is installed; None for what is not installed."""
        if not f"{path}/".startswith(self._data):
            return path
        key, _, rest = path.removeprefix(self._data).partition("/")
        folder = DATA_FOLDERS.get(key)
        return None if folder is None or not rest else folder + rest

    def _entry(self, place: str) -> Entry:
        stored = self._stored[place]
        if stored.is_directory:
            return replace(stored, path=place, mode=DIRECTORY_0755)
        executable = stored.mode & 0o111 or stored.path.startswith(f"{self._data}scripts/")
        mode = stat.S_IFREG | 0o755 if executable else REGULAR_0644
        size = len(self._record) if place == self._record_path and self._record is not None else stored.size
        return replace(stored, path=place, mode=mode if stored.is_file else stored.mode, size=size)

    def _changed_record(self) -> bytes | None:
        """RECORD as an installer writes it; None where nothing moves, or there is none that can be read."""
        moved = any(place != entry.path for place, entry in self._stored.items())
        stored = self._zip.by_path.get(self._record_path)
        if not moved or stored is None:
            return None
        try:
            text = self._zip.read_bytes(stored).decode("utf-8")
            rows = [row for row in csv.reader(io.StringIO(text)) if row]
        except (UnreadableMember, UnicodeDecodeError, csv.Error):
            return None
        out = io.StringIO()
        kept = ((self._installed(row[0]), row) for row in rows)
        csv.writer(out, lineterminator="\n").writerows([place, *row[1:]] for place, row in kept if place is not None)
        return out.getvalue().encode()
