"""What of function and layers is hidden, out of reach, overwritten, unfinished or without use: one view for the
checks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from functools import cached_property

from lambdapack.artifact import Stack
from lambdapack.facts.distributions import DistFacts
from lambdapack.facts.editable import egg_links
from lambdapack.facts.layers import Misplaced, Overlaid, find_misplaced, find_overlaid
from lambdapack.facts.links import BrokenLink, find_broken_links, find_links_stored_as_text
from lambdapack.facts.modules import ModuleFinder
from lambdapack.facts.shadowing import Shadowed, find_shadowed
from lambdapack.facts.unpacked import Unfinished, find_unfinished
from lambdapack.facts.weight import Weight, weigh


class Layout:
    """The places of one stack's code, read when they are asked for. `is_own` tells the function's files from those of
    an image's operating system."""

    def __init__(
        self,
        stack: Stack,
        finder: ModuleFinder,
        distributions: Sequence[DistFacts],
        is_own: Callable[[str], bool],
    ) -> None:
        self._stack = stack
        self._finder = finder
        self._recorded = frozenset(path for dist in distributions for path in dist.record or ())
        self._is_own = is_own

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

    @property
    def layers(self) -> int:
        """The number of layers that were given."""
        return sum(1 for mount in self._stack.mounts if mount.point == "/opt")

    def broken_links(self) -> Iterator[BrokenLink]:
        """Links that lead nowhere, and sources of the user's own that are the text of one."""
        is_image = any(mount.point == "/" for mount in self._stack.mounts)
        yield from find_broken_links(self._stack, self._is_own, is_image=is_image)
        yield from find_links_stored_as_text(
            self._stack, lambda path: path not in self._recorded and self._is_own(path)
        )

    def unfinished(self) -> Iterator[Unfinished]:
        """Distributions that were packed before they were built or unpacked."""
        for item in find_unfinished(self._stack, self._recorded, self._finder.opaque_entries):
            if self._is_own(item.path):
                yield item

    def editable_links(self) -> tuple[tuple[str, str], ...]:
        """Files that lead Python to a place which the artifact does not have, each with that place."""
        return (*self._finder.dead_path_entries, *egg_links(self._stack, self._finder.path))

    def weights(self, reached: Container[str]) -> tuple[Weight, ...]:
        """What the function has no use for, by kind; `reached` are the files that the import reads."""
        return weigh(self._stack, self._is_own, reached)
