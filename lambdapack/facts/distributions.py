"""The installed distributions of an artifact: what their `.dist-info` folders say.

Source: the "Recording installed projects" specification of the Python Packaging User Guide.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from packaging.utils import canonicalize_name

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.known import KnownFacts

_SIZE = re.compile(r"^[0-9]{1,18}$")
_UNTIDY = re.compile(r"/\.{0,2}(?:/|$)")  # what `posixpath.normpath` would change
_WANTED = frozenset(("name", "version", "requires-dist", "tag"))  # headers of METADATA and WHEEL
_Headers = tuple[tuple[str, str], ...]


class Recorded(NamedTuple):
    """What `RECORD` says of one file: `hash` as it is written (`sha256=…`) and `size` in bytes, None where it says
    nothing."""

    hash: str | None
    size: int | None


def record_hash(content: bytes) -> str:
    """The SHA-256 of a file's content as RECORD spells it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class DistFacts:
    """One distribution. `name` is normalised, `folder` its `.dist-info`, `root` the folder it is installed in.

    `tags` are the wheel tags of `WHEEL`. `record` are the absolute paths that `RECORD` lists, None when there is none.
    `editable`: `direct_url.json` calls it an editable install, which leaves its code where the project stands.
    """

    name: str
    version: str
    folder: str
    root: str
    tags: tuple[str, ...]
    requires: tuple[str, ...]
    record: Mapping[str, Recorded] | None = field(hash=False)
    editable: bool = False

    def required_for(self, module: str) -> str | None:
        """The requirement that most likely brings a top-level module, by its name."""
        wanted = module.replace("_", "-").lower()
        for requirement in self.requires:
            name = requirement.split(";")[0].strip()
            if name.lower().replace("_", "-").startswith(wanted):
                return name
        return None

    def is_as_recorded(self, path: str, content: bytes) -> bool:
        """True when a file has the content that its distribution was made with."""
        recorded = (self.record or {}).get(path)
        return recorded is not None and recorded.hash == record_hash(content)

    def missing(self, present: Container[str]) -> tuple[str, ...]:
        """Returns the recorded files that are not among the present ones."""
        return tuple(sorted(path for path in self.record or () if path not in present))

    @property
    def files(self) -> Mapping[str, Recorded]:
        """What the distribution itself brings, by path: below its root, without metadata and byte code, which
        installers write or leave out as they like."""
        inside, metadata = f"{self.root}/", f"{self.folder}/"
        return {
            path: recorded
            for path, recorded in (self.record or {}).items()
            if path.startswith(inside) and not path.startswith(metadata) and not path.endswith(".pyc")
        }


def marker_environment(python: tuple[int, int], machine: str) -> dict[str, str]:
    """The marker values of a target (PEP 508); a patch release makes no difference to what is judged by them."""
    version = f"{python[0]}.{python[1]}"
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }


def owners(distributions: Iterable[DistFacts]) -> dict[str, DistFacts]:
    """Returns the distribution that records each file; of several, the first."""
    found: dict[str, DistFacts] = {}
    for dist in distributions:
        for path in dist.record or ():
            found.setdefault(path, dist)
    return found


def read_distributions(stack: Stack, roots: Iterable[str], known: KnownFacts | None = None) -> tuple[DistFacts, ...]:
    """Reads every distribution installed directly in one of the folders of `sys.path`."""
    found = []
    for root in dict.fromkeys(roots):
        for name in sorted(stack.names(root)):
            if name.endswith(".dist-info") and stack.is_folder(f"{root}/{name}"):
                facts = _read(stack, root, name, known or KnownFacts())
                if facts is not None:
                    found.append(facts)
    return tuple(found)


def _text(stack: Stack, path: str) -> str | None:
    located = stack.file(path)
    if located is None:
        return None
    try:
        return stack.read_bytes(located).decode("utf-8", "replace")
    except UnreadableMember:
        return None


def _headers(stack: Stack, path: str, known: KnownFacts) -> _Headers | None:
    """Returns the wanted headers of a file, by their names; None when it is not there or cannot be read."""
    located = stack.file(path)
    if located is None:
        return None

    def read() -> _Headers:
        from email.parser import HeaderParser  # slow to load, and what is known needs none

        parsed = HeaderParser().parsestr(stack.read_bytes(located).decode("utf-8", "replace"))
        return tuple((name, str(value)) for name, value in parsed.items() if name.lower() in _WANTED)

    try:
        return known.get(located, "headers", read)
    except UnreadableMember:
        return None


def _values(headers: _Headers, wanted: str) -> tuple[str, ...]:
    return tuple(value for name, value in headers if name.lower() == wanted)


def _read(stack: Stack, root: str, folder_name: str, known: KnownFacts) -> DistFacts | None:
    folder = f"{root}/{folder_name}"
    metadata = _headers(stack, f"{folder}/METADATA", known)
    if metadata is None:
        return None
    stem_name, _, stem_version = folder_name.removesuffix(".dist-info").partition("-")
    wheel = _headers(stack, f"{folder}/WHEEL", known) or ()
    record = _text(stack, f"{folder}/RECORD")
    return DistFacts(
        name=canonicalize_name(next(iter(_values(metadata, "name")), "") or stem_name),
        version=next(iter(_values(metadata, "version")), "") or stem_version,
        folder=folder,
        root=root,
        tags=_values(wheel, "tag"),
        requires=_values(metadata, "requires-dist"),
        record=None if record is None else dict(_recorded(record, root)),
        editable=_is_editable(stack, folder),
    )


def _is_editable(stack: Stack, folder: str) -> bool:
    """PEP 610: `dir_info.editable`."""
    try:
        origin = json.loads(_text(stack, f"{folder}/direct_url.json") or "{}")
    except (ValueError, RecursionError):
        return False
    info = origin.get("dir_info") if isinstance(origin, dict) else None
    return isinstance(info, dict) and info.get("editable") is True


def _recorded(record: str, root: str) -> Iterator[tuple[str, Recorded]]:
    """Yields the rows of a RECORD by the path that each leads to. Most files quote nothing, and most of their paths are
    tidy: then there is nothing for csv and posixpath to do, which would take long over thousands of rows."""
    try:
        for row in csv.reader(io.StringIO(record)) if '"' in record else _plain_rows(record):
            if row and row[0] and not row[0].startswith("/"):
                size = row[2] if len(row) > 2 else ""
                said = Recorded(row[1] if len(row) > 1 and row[1] else None, int(size) if _SIZE.match(size) else None)
                path = f"{root}/{row[0]}"
                yield posixpath.normpath(path) if _UNTIDY.search(path) else path, said
    except csv.Error:
        return


def _plain_rows(record: str) -> Iterator[list[str]]:
    return (line.removesuffix("\r").split(",") for line in record.split("\n"))
