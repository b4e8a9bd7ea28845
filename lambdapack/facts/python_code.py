"""What is known of an artifact's Python code beside its import graph: the handler's function, byte code, what stands in
for standard modules. Each part is worked out when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from lambdapack.artifact import Stack
from lambdapack.facts.bytecode import ByteCode, read_byte_code
from lambdapack.facts.context_use import UnknownAttribute, unknown_attributes
from lambdapack.facts.handler_target import HandlerTarget, find_target
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.lookups import Lookup, Lookups
from lambdapack.facts.modules import ModuleFinder
from lambdapack.profiles import Replacement, load_common_facts
from lambdapack.profiles.profile import RuntimeProfile


class PythonCode:
    """The facts of one artifact for one runtime; `imports` is None without a handler. `is_own` says whether a file
    belongs to the function and not to an image's operating system."""

    def __init__(
        self,
        stack: Stack,
        profile: RuntimeProfile,
        finder: ModuleFinder,
        imports: ImportFacts | None,
        native: NativeFacts,
        *,
        managed: bool,
        is_own: Callable[[str], bool],
    ) -> None:
        self._stack = stack
        self._profile = profile
        self._imports = imports
        self._lookups = None if imports is None else Lookups(stack, profile, finder, imports, native, managed=managed)
        self._is_own = is_own

    @cached_property
    def handler_target(self) -> HandlerTarget | None:
        """What the runtime client calls, where that is certain; None also for a handler that cannot be imported."""
        return find_target(self._stack, self._imports) if self._imports is not None else None

    @cached_property
    def unknown_context_attributes(self) -> tuple[UnknownAttribute, ...]:
        """What the handler's function reads from its context that Lambda's context does not have."""
        target, imports = self.handler_target, self._imports
        return () if target is None or imports is None else unknown_attributes(target, imports.is_set_elsewhere)

    @property
    def missing_metadata(self) -> tuple[Lookup, ...]:
        """The distributions whose metadata the handler's import asks for and that have none."""
        return () if self._lookups is None else self._lookups.metadata

    @property
    def missing_libraries(self) -> tuple[Lookup, ...]:
        """The libraries that the handler's import, or first-party functions, load by name and that are nowhere."""
        return () if self._lookups is None else self._lookups.libraries

    @property
    def missing_files(self) -> tuple[Lookup, ...]:
        """The data files that the handler's import, or first-party functions, read and that are not there."""
        return () if self._lookups is None else self._lookups.files

    @cached_property
    def byte_code(self) -> tuple[ByteCode, ...]:
        """The compiled Python files, and whether this runtime would use them."""
        return read_byte_code(self._stack, self._profile.python, load_common_facts(), self._is_own)

    @property
    def replacements(self) -> Mapping[str, Replacement]:
        """Distributions that bring modules which not every Python's standard library has, by the module's name."""
        return load_common_facts().replacements
