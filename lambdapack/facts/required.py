"""The requirements of installed distributions, and that all of them are met, from one run to the next.

What reads requirements takes a while to load: most artifacts are in order, and those do not need it a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.known import KnownFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.profiles.profile import Preinstalled

if TYPE_CHECKING:
    from lambdapack.facts.requirements import Conflict, Outgrown, Requirements, Unmet

_IN_ORDER = b"requirements in order"


class Required:
    """What `Requirements` says. `key` stands for everything that it depends on; None where that is not known."""

    def __init__(
        self,
        distributions: Iterable[DistFacts],
        environment: Mapping[str, str],
        preinstalled: Iterable[Preinstalled],
        finder: ModuleFinder,
        known: KnownFacts,
        key: bytes | None,
    ) -> None:
        self._facts = (distributions, environment, preinstalled, finder)
        self._known = known
        self._key = None if key is None else key + _IN_ORDER

    @cached_property
    def _whole(self) -> Requirements:
        from lambdapack.facts.requirements import Requirements

        return Requirements(*self._facts)

    @cached_property
    def _in_order(self) -> bool:
        if self._key is None:
            return False
        if self._known.recall(self._key) is not None:
            return True
        in_order = not any((*self._whole.conflicts(), *self._whole.outgrown(), *self._whole.unmet()))
        if in_order:
            self._known.keep(self._key, b"")
        return in_order

    def conflicts(self) -> Iterator[Conflict]:
        """As `Requirements.conflicts`."""
        return iter(()) if self._in_order else self._whole.conflicts()

    def outgrown(self) -> Iterator[Outgrown]:
        """As `Requirements.outgrown`."""
        return iter(()) if self._in_order else self._whole.outgrown()

    def unmet(self) -> Iterator[Unmet]:
        """As `Requirements.unmet`."""
        return iter(()) if self._in_order else self._whole.unmet()

    @property
    def applying(self) -> Iterator[tuple[DistFacts, str, str]]:
        """As `Requirements.applying`."""
        return self._whole.applying

    def requirers(self) -> Mapping[str, tuple[str, ...]]:
        """As `Requirements.requirers`."""
        return self._whole.requirers()
