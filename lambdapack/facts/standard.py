"""The standard library of the target as an artifact meets it: names it lacks, and what hidden modules do to it."""

from __future__ import annotations

from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.profiles import load_standard_library
from lambdapack.profiles.profile import RuntimeProfile

# What these have hangs on the C library and the kernel that they were built for.
_OF_THE_SYSTEM = frozenset((
    "curses", "errno", "fcntl", "hashlib", "locale", "mmap", "os", "posix", "readline", "resource", "select", "signal",
    "socket", "sqlite3", "ssl", "sys", "termios", "time", "_socket", "_ssl",
))  # fmt: skip


class StandardModules:
    """Answers for one runtime, and for the standard modules that one artifact hides."""

    def __init__(self, profile: RuntimeProfile, finder: ModuleFinder) -> None:
        self._profile = profile
        self._finder = finder

    @property
    def is_broken(self) -> bool:
        """True when the artifact hides a standard module: then it matters what the others import."""
        return bool(self._finder.over_standard_library)

    def lacks(self, module: Module, name: str) -> bool:
        """True when a standard module certainly has neither the name nor a submodule of it."""
        if module.kind not in ("stdlib", "builtin") or f"{module.name}.{name}" in self._profile.stdlib_modules:
            return False
        # Which modules a module imports for its own use changes with patch releases.
        own_use = name in self._profile.stdlib_modules
        return not own_use and load_standard_library().lacks(self._profile.python, module.name, name)

    def has(self, module: Module, name: str) -> bool | None:
        """Says whether a standard module has a name; None where that hangs on the system or is not known."""
        if self.lacks(module, name):
            return False
        having = load_standard_library().history(module.name, name)
        return True if self._profile.python in having and module.name not in _OF_THE_SYSTEM else None

    def imports(self, module: Module) -> tuple[str, ...]:
        """Returns what a standard module does while it is imported, as `StandardLibrary.imports` states it. Of no
        interest unless the artifact hides a standard module."""
        if module.kind != "stdlib" or module.name in self._profile.preloaded_modules or not self.is_broken:
            return ()
        return load_standard_library().imports(self._profile.python, module.name)
