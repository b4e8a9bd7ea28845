"""Native libraries that code loads by name or path: whether the loader of the runtime finds them, and takes them.

Sources: dlopen(3), `ctypes.util.find_library` of CPython, `cffi.FFI.dlopen`. Judges nothing.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import Any

from lambdapack.artifact import Stack
from lambdapack.facts.calls import NOT_KNOWN, Call
from lambdapack.facts.linking import NativeFacts
from lambdapack.profiles.profile import RuntimeProfile

_LOADERS = frozenset(
    ("ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll.LoadLibrary", "ctypes.pydll.LoadLibrary", "ctypes.cdll.__getitem__")
)
_FINDERS = frozenset(("ctypes.util.find_library", "ctypes.macholib.dyld.find_library"))
_WORKING_FOLDER = "/var/task"
_OWN_FOLDERS = ("/var/task/", "/opt/")


class LibraryNames:
    """Answers for one stack and runtime."""

    def __init__(self, stack: Stack, profile: RuntimeProfile, native: NativeFacts) -> None:
        self._stack = stack
        self._profile = profile
        self._native = native
        self._folders = (*profile.library_path, *profile.system_library_dirs)

    def wanted(self, call: Call) -> str | None:
        """Returns the name or path of the library that a call loads, None where it is not known and for other calls."""
        if not loads_library(call.name):
            return None
        name = call.arguments[0] if call.arguments else call.keywords.get("name", NOT_KNOWN)
        return str(name) or None if isinstance(name, str | PurePosixPath) else None

    def is_absent(self, call: Call) -> bool | None:
        """True when the library that a call loads is certainly not found, None where that is not known."""
        name = self.wanted(call) or ""
        if "/" in name:
            if not name.startswith("/") and not self._native.managed:
                return False  # an image says itself where it begins
            full = posixpath.normpath(posixpath.join(_WORKING_FOLDER, name))
            return full.startswith(_OWN_FOLDERS) and self._stack.resolve(full) is None
        absent = self._is_unknown(name)
        # cffi looks for a bare name by `find_library` when it is no file's name (FFI.dlopen).
        if absent and "." not in name and call.name.endswith("dlopen") and self._may_be_found(name):
            return None
        return absent

    def refusal(self, call: Call) -> tuple[str, str | None] | None:
        """Returns the name of the library that a call certainly does not get to load, and its file when there is one:
        then the loader does not take it. None when it may be loaded."""
        name = self.wanted(call)
        if name is None:
            return None
        if self.is_absent(call) is True:
            # A library that other code has loaded before satisfies every later request for its soname (dl-load.c).
            certain = "/" in name or not self._native.bundled(posixpath.basename(name))
            return (name, None) if certain else None
        path = self._stack.resolve(posixpath.normpath(posixpath.join(_WORKING_FOLDER, name))) if "/" in name else None
        if path is None or path not in self._native.elf:
            return None
        # What stands elsewhere may have been loaded before.
        refused = any(problem.certain and not problem.elsewhere for problem in self._native.problems(path))
        return (name, path) if refused else None

    def answer(self, call: Call) -> Any:
        """Returns what `find_library` returns: None, or `NOT_KNOWN`."""
        name = call.arguments[0] if len(call.arguments) == 1 else NOT_KNOWN
        if call.name not in _FINDERS or not isinstance(name, str) or self._may_be_found(name):
            return NOT_KNOWN
        return None

    def _may_be_found(self, name: str) -> bool:
        """True when `find_library` may find a library: it asks ldconfig, a compiler, a linker, whatever there is."""
        begin = f"lib{name}.so"
        if any(soname.startswith(begin) and not self._is_unknown(soname) for soname in self._profile.libraries):
            return True
        return any(posixpath.basename(path).startswith(begin) for path in self._stack.located)

    def _is_unknown(self, soname: str) -> bool | None:
        """True for a library that no folder of the loader has, None where that is not known of the runtime."""
        managed = self._native.managed
        if soname in self._profile.preloaded_libraries or any(
            self._stack.file(f"{at}/{soname}") for at in self._folders
        ):
            return False
        system = self._profile.libraries.get(soname)
        if system is None or (managed and system.in_managed is False):
            return True
        return None if managed and system.in_managed is None else False


def loads_library(called: str) -> bool:
    """True for the dotted name of what loads a native library by its name."""
    owner, _, function = called.rpartition(".")
    return called in _LOADERS or (function == "dlopen" and owner.rpartition(".")[2] in ("ffi", "FFI", "_ffi"))
