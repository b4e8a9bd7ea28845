"""A tree held in memory, so that a test states files in and facts out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from lambdapack.artifact import Entry, Mount, Problem, Stack, Tree
from lambdapack.artifact.tree import REGULAR_0644
from lambdapack.facts.distributions import read_distributions
from lambdapack.facts.handler import read_handler
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.profiles import load_profile


class MemoryTree(Tree):
    """Files by path; text is UTF-8. A value `-> target` is a symbolic link."""

    origin = "memory"

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._data = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}

    @property
    def problems(self) -> Sequence[Problem]:
        return ()

    def entries(self) -> Sequence[Entry]:
        return tuple(self._entry(path, data) for path, data in sorted(self._data.items()))

    def read(self, wanted: Iterable[Entry]) -> Iterator[tuple[Entry, BinaryIO]]:
        for entry in wanted:
            yield entry, io.BytesIO(self._data[entry.path])

    @staticmethod
    def _entry(path: str, data: bytes) -> Entry:
        if data.startswith(b"-> "):
            return Entry(path, len(data), 0o120777, data[3:].decode(), "memory")
        return Entry(path, len(data), REGULAR_0644, None, "memory")


def stack_of(files: Mapping[str, str | bytes], *layers: Mapping[str, str | bytes]) -> Stack:
    """A function's files at `/var/task`, layers at `/opt`."""
    return Stack([*(Mount("/opt", MemoryTree(layer)) for layer in layers), Mount("/var/task", MemoryTree(files))])


def import_facts(
    files: Mapping[str, str | bytes],
    *layers: Mapping[str, str | bytes],
    handler: str = "handler.h",
    runtime: str = "python3.13",
    architecture: str = "x86_64",
) -> ImportFacts:
    """What importing the handler does with these files."""
    stack, profile = stack_of(files, *layers), load_profile(runtime, architecture)
    finder, native = ModuleFinder(stack, profile), NativeFacts(stack, profile, managed=True)
    distributions = read_distributions(stack, finder.path)
    return ImportFacts(stack, profile, finder, native, distributions, read_handler(handler, profile))
