"""What the loader makes of native files, kept from one run to the next, and the files' own facts read when asked for.

Knows nothing of how it is worked out; whoever keeps it says what it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lambdapack.facts.elf import ElfFacts, NotElf
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.pickling import UNREADABLE, dumped, loaded

Problems = dict[str, tuple[Any, ...]]


@dataclass(slots=True)
class Links:
    """`paths` are the native files of a stack, `sonames` those that carry each name, `roots` those that nothing else
    needs, `debug_symbols` the bytes of each that are for debuggers. By file: `problems` of loading it, `inits`, which
    are those of its init function, `closures`, what is loaded with it. `asked` of the last three says how many there
    were when it was kept."""

    paths: tuple[str, ...]
    sonames: dict[str, list[str]]
    roots: tuple[str, ...]
    debug_symbols: dict[str, int]
    problems: Problems = field(default_factory=dict)
    inits: Problems = field(default_factory=dict)
    closures: dict[str, frozenset[str]] = field(default_factory=dict)
    asked: int = 0

    def keep(self, known: KnownFacts, key: bytes) -> None:
        """Keeps all that is known at the end of a run."""

        def blob() -> bytes | None:
            asked = len(self.problems) + len(self.inits)
            if asked == self.asked:
                return None
            self.asked = asked
            return dumped(self)

        known.keep_later(key, blob)


def kept_links(known: KnownFacts, key: bytes) -> Links | None:
    """Returns what an earlier run has kept under a key."""
    blob = known.recall(key)
    with suppress(*UNREADABLE):
        found = loaded(blob) if blob is not None else None
        return found if isinstance(found, Links) else None
    return None


class ElfFiles(Mapping[str, ElfFacts | NotElf]):
    """The facts of native files by path; those of `paths` are read when they are asked for."""

    def __init__(self, paths: Iterable[str], read: Callable[[str], ElfFacts | NotElf]) -> None:
        self._facts: dict[str, ElfFacts | NotElf | None] = dict.fromkeys(paths)
        self._read = read

    def add(self, path: str, facts: ElfFacts | NotElf) -> None:
        """Takes in a file that has been read."""
        self._facts[path] = facts

    def __getitem__(self, path: str) -> ElfFacts | NotElf:
        facts = self._facts[path]
        if facts is None:
            facts = self._facts[path] = self._read(path)
        return facts

    def __contains__(self, path: object) -> bool:
        return path in self._facts

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)
