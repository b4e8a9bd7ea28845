"""What of function and layers is hidden, out of reach or overwritten: one view for the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from lambdapack.artifact import Stack
from lambdapack.facts.layers import Misplaced, Overlaid, find_misplaced, find_overlaid
from lambdapack.facts.links import BrokenLink, find_broken_links, find_links_stored_as_text
from lambdapack.facts.modules import ModuleFinder
from lambdapack.facts.shadowing import Shadowed, find_shadowed


class Layout:
    """The places of one stack's code, read when they are asked for."""

    def __init__(self, stack: Stack, finder: ModuleFinder) -> None:
        self._stack = stack
        self._finder = finder

    @cached_property
    def shadowed(self) -> tuple[Shadowed, ...]:
        """Modules of function and layers that are hidden by others of the same name."""
        return find_shadowed(self._stack, self._finder)

    @cached_property
    def misplaced(self) -> tuple[Misplaced, ...]:
        """Code of function and layers that stands where no import looks."""
        return tuple(find_misplaced(self._stack, self._finder))

    @cached_property
    def overlaid(self) -> tuple[Overlaid, ...]:
        """Files of one layer in the place of another one's."""
        return tuple(find_overlaid(self._stack.mounts))

    def broken_links(
        self, is_own: Callable[[str], bool], is_first_party: Callable[[str], bool]
    ) -> Iterator[BrokenLink]:
        """Links that lead nowhere, and first-party sources that are the text of one."""
        is_image = any(mount.point == "/" for mount in self._stack.mounts)
        yield from find_broken_links(self._stack, is_own, is_image=is_image)
        yield from find_links_stored_as_text(self._stack, lambda path: is_own(path) and is_first_party(path))

    @property
    def layers(self) -> int:
        """The number of layers that were given."""
        return sum(1 for mount in self._stack.mounts if mount.point == "/opt")
