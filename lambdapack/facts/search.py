"""Where the loader finds a needed library: through `DT_RPATH`, `LD_LIBRARY_PATH`, `DT_RUNPATH`, the system's folders.

Knows the order of the search, and asks its owner what stands at a path. Sources: ld.so(8), glibc's elf/dl-load.c
(`_dl_map_object`, `open_path`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator

from lambdapack.facts.elf import ElfFacts
from lambdapack.profiles.profile import RuntimeProfile, SystemLibrary, Version

_OWN_FOLDERS = ("/var/task", "/opt")  # every other folder of LD_LIBRARY_PATH is the runtime's
_HARDWARE_FOLDERS: Version = (2, 33)  # NEWS for 2.33: glibc-hwcaps
_WORKING_FOLDER = "/var/task"

Provider = str | SystemLibrary


class LibrarySearch:
    """Searches for one runtime. `fitting(path)` returns the file at a path unless there is none or it is for another
    machine, `elf_at(path)` the facts of a file. `managed` as in `NativeFacts`."""

    def __init__(
        self,
        profile: RuntimeProfile,
        *,
        fitting: Callable[[str], str | None],
        elf_at: Callable[[str], ElfFacts | None],
        resolve: Callable[[str], str | None],
        managed: bool,
    ) -> None:
        self._profile = profile
        self._fitting = fitting
        self._elf_at = elf_at
        self._resolve = resolve
        self._managed = managed
        self._multiarch = f"lib/{profile.machine}-linux-gnu"
        if f"/{self._multiarch}" not in profile.system_library_dirs:
            self._multiarch = "lib64"
        levels = range(profile.isa_level, 1, -1) if profile.glibc >= _HARDWARE_FOLDERS else ()
        of_system = (folder for folder in profile.library_path if not folder.startswith(_OWN_FOLDERS))
        self._system_folders = (*of_system, *profile.system_library_dirs)
        self._subfolders = (*(f"/glibc-hwcaps/x86-64-v{level}" for level in levels), "")

    def provider(self, soname: str, path: str, chain: tuple[str, ...]) -> Provider | None:
        """Returns the file or the system's library that a need of the file at `path` leads to; `chain` are the files
        that led to it, itself last."""
        facts = self._elf_at(path)
        if facts is None:
            return None
        if "/" in soname:
            return self._fitting(self._expand(soname, path))
        if soname in self._profile.preloaded_libraries:
            # The process has it before it opens anything of the artifact: that one meets every later need.
            loaded = self._profile.libraries.get(soname) or next(self._in_folders(self._system_folders, soname), None)
            if loaded is not None:
                return loaded
        for found in self._candidates(soname, path, facts, chain):
            if isinstance(found, str):
                return found
            if found.in_managed is True or not self._managed:
                return found
            # It may not be there in the managed runtime: then what comes later in the search is loaded.
            later = (other for other in self._candidates(soname, path, facts, chain) if isinstance(other, str))
            return next(later, found)
        return None

    def _candidates(self, soname: str, path: str, facts: ElfFacts, chain: tuple[str, ...]) -> Iterator[Provider]:
        system = self._profile.libraries.get(soname)
        if not facts.runpath:
            # DT_RPATH is looked at for the file itself and for every file that led to it.
            for loader in reversed(chain):
                loading = self._elf_at(loader)
                if loading is not None and not loading.runpath:
                    yield from self._in_folders((self._expand(folder, loader) for folder in loading.rpath), soname)
        for folder in self._profile.library_path:
            yield from self._in_folders((folder,), soname)
            if system is not None and not folder.startswith(_OWN_FOLDERS):
                yield system
        yield from self._in_folders((self._expand(folder, path) for folder in facts.runpath), soname)
        if facts.default_folders:
            yield from self._in_folders(self._profile.system_library_dirs, soname)
            if system is not None:
                yield system

    def _in_folders(self, folders: Iterable[str], soname: str) -> Iterator[Provider]:
        for folder in folders:
            for subfolder in self._subfolders:
                found = self._fitting(f"{folder}{subfolder}/{soname}")  # an image has the system's libraries, too
                if found is not None:
                    yield found
            if folder in self._profile.system_library_dirs and soname in self._profile.libraries:
                yield self._profile.libraries[soname]

    def _expand(self, text: str, path: str) -> str:
        """Replaces the variables of ld.so(8); a relative path counts from the working directory."""
        origin = posixpath.dirname(self._resolve(path) or path)
        values = {"ORIGIN": origin, "LIB": self._multiarch, "PLATFORM": self._profile.machine}
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
        return posixpath.normpath(posixpath.join(_WORKING_FOLDER, text))
