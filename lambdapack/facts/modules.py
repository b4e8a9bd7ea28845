"""Which file a module name leads to, found as CPython's import system on Lambda would find it.

Knows `sys.path` of the profile, `.pth` files, suffixes, packages and namespace packages. Runs nothing.
Sources: importlib._bootstrap_external (FileFinder, PathFinder), site.addpackage; order of `sys.path`: the profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.editable import places_of_editable
from lambdapack.profiles.profile import RuntimeProfile

ModuleKind = Literal["source", "bytecode", "extension", "namespace", "builtin", "stdlib", "preinstalled"]

_MOUNTED = "/mnt/"  # where Lambda mounts file systems (EFS)
_RUNTIME_ROOTS = ("/var/lang/", "/var/runtime")
_STANDARD_LIBRARY = re.compile(r"/python3(?:\d+\.zip|\.\d+(?:/lib-dynload)?)$")
_NATIVE_SOURCES = (".pyx", ".c", ".cpp", ".cc", ".cxx", "module.c", ".f90")
_NATIVE_NAME = re.compile(r"\.(?:so|pyd|dylib|sl)$")


@dataclass(frozen=True, slots=True)
class Module:
    """A module that can be found. `path` is its file (None without one), `search` where its submodules are looked for
    (None: it is not a package). `certain` is False when the runtime is only believed to have it."""

    name: str
    kind: ModuleKind
    path: str | None = None
    search: tuple[str, ...] | None = None
    certain: bool = True

    @property
    def is_package(self) -> bool:
        return self.search is not None

    @property
    def package(self) -> str:
        """What `__package__` is: the name itself for a package, else its parent."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class PathHook:
    """An `import` line of a `.pth` file: code that site runs before the handler is imported."""

    path: str
    line: int
    text: str


def is_standard_library(folder: str) -> bool:
    """True for the folders of `sys.path` that hold Python's own modules: `…/python313.zip`, `…/python3.13`."""
    return bool(_STANDARD_LIBRARY.search(folder))


def is_of_runtime(folder: str) -> bool:
    """True for the folders of `sys.path` in which the runtime brings its own packages."""
    return f"{folder}/".startswith(_RUNTIME_ROOTS)


class ModuleFinder:
    """Finds modules in one stack for one runtime. Results are kept: the stack never changes."""

    def __init__(self, stack: Stack, profile: RuntimeProfile) -> None:
        self._stack = stack
        self._profile = profile
        self._suffixes = (
            *((suffix, "extension") for suffix in profile.extension_suffixes),
            (".py", "source"),
            (".pyc", "bytecode"),
        )
        self._preinstalled = {module: dist for dist in profile.preinstalled for module in dist.modules}
        self._stdlib_packages = {module.partition(".")[0] for module in profile.stdlib_modules if "." in module}
        self._known: dict[str, Module | None] = {}
        self.hooks: list[PathHook] = []
        self.dead_path_entries: list[tuple[str, str]] = []
        self.opaque_entries: list[str] = []  # archives and mounts on sys.path, which are not looked into
        self.path = self._search_path()
        standard = next((at for at, folder in enumerate(self.path) if is_standard_library(folder)), len(self.path))
        # Own folders before the standard library, the runtime's packages in an image, and what comes after both. The
        # standard library is known from the profile, also where an image has its files.
        runtimes = [folder for folder in self.path if folder.startswith(_RUNTIME_ROOTS) and stack.is_folder(folder)]
        self._before = tuple(folder for folder in self.path[:standard] if not folder.startswith(_RUNTIME_ROOTS))
        self._packages = tuple(folder for folder in runtimes if not is_standard_library(folder))
        self._after = tuple(
            folder for folder in self.path[standard:] if folder not in self._packages and stack.is_folder(folder)
        )

    def find(self, name: str, parent: Module | None) -> Module | None:
        """Returns the module a full dotted name leads to, below its already found parent; None if it leads nowhere."""
        if name not in self._known:
            self._known[name] = self._find(name, parent)
        return self._known[name]

    def learn(self, module: Module) -> None:
        """Takes in what was found before."""
        self._known[module.name] = module

    @cached_property
    def over_standard_library(self) -> tuple[Module, ...]:
        """The artifact's own top-level modules that are found before a standard module of the same name."""
        names = {name.partition(".")[0] for folder in self.path for name in self._stack.names(folder)}
        found = (self.find(name, None) for name in sorted(names & self._profile.stdlib_modules))
        own = self._profile.path_config_dirs
        return tuple(module for module in found if module and module.path and module.path.startswith(own))

    def find_extended(self, name: str, parent: Module) -> Module | None:
        """Finds a child of a package that calls `extend_path`: it has portions in every folder of `sys.path`."""
        folders = tuple(f"{folder}/{parent.name.replace('.', '/')}" for folder in self.path)
        self._known[name] = self._find_in(name, (*(parent.search or ()), *folders))
        return self._known[name]

    def find_dotted(self, name: str) -> Module | None:
        """Finds a module together with its parents."""
        parent: Module | None = None
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            module = self.find(".".join(parts[:count]), parent)
            if module is None:
                return None
            parent = module
        return parent

    def locations(self, parent: Module | None) -> tuple[str, ...]:
        """Returns the folders in which a child of `parent` (None: a top-level module) is looked for."""
        return self.path if parent is None else (parent.search or ())

    def near_misses(self, name: str, parent: Module | None) -> tuple[str, ...]:
        """Returns native files that carry the module's name but not a suffix this Python looks for."""
        leaf = name.rpartition(".")[2]
        found = []
        for folder in self.locations(parent):
            for place, stem in ((folder, leaf), (f"{folder}/{leaf}", "__init__")):
                names = sorted(self._stack.names(place))
                found += [
                    f"{place}/{name}" for name in names if name.startswith(f"{stem}.") and _NATIVE_NAME.search(name)
                ]
        return tuple(found)

    def uncompiled(self, name: str, parent: Module | None) -> str | None:
        """Returns the source of an extension module where its compiled file should be: what an sdist leaves that was
        copied and not built."""
        leaf = name.rpartition(".")[2]
        places = (f"{folder}/{leaf}{end}" for folder in self.locations(parent) for end in _NATIVE_SOURCES)
        return next((path for path in places if self._stack.file(path)), None)

    def other_spellings(self, name: str, parent: Module | None) -> tuple[str, ...]:
        """Returns files or folders whose name differs from the module's only in upper and lower case."""
        leaf = name.rpartition(".")[2]
        wanted = {leaf.lower(), f"{leaf.lower()}.py"}
        return tuple(
            f"{folder}/{file}"
            for folder in self.locations(parent)
            for file in sorted(self._stack.names(folder))
            if file.lower() in wanted and file not in (leaf, f"{leaf}.py")
        )

    def elsewhere(self, name: str) -> tuple[str, ...]:
        """Returns the copies that would be found if only their folder were on `sys.path`: none inside a package."""
        depth = name.count(".") + 1

        def folder_of(path: str) -> str:
            place = path.removesuffix("/__init__.py").removesuffix(".py")
            return "/".join(place.split("/")[:-depth])

        return tuple(path for path in self.copies(name) if "__init__.py" not in self._stack.names(folder_of(path)))

    def behind(self, name: str) -> str | None:
        """Returns the file of a module in a folder of `sys.path` where another package of its name stands before it."""
        tail = name.replace(".", "/")
        places = (f"{folder}/{tail}{end}" for folder in self.path for end in (".py", "/__init__.py"))
        return next((path for path in places if self._stack.file(path)), None)

    def copies(self, name: str) -> tuple[str, ...]:
        """Returns where files or folders of the module's name stand outside the places that are searched."""
        tail = "/" + name.replace(".", "/")
        known = self._by_leaf.get(name.rpartition(".")[2], ())
        files = (path for path in known if path.endswith((f"{tail}.py", f"{tail}/__init__.py")))
        folders = (path for path in known if path.endswith(tail))
        return tuple(sorted(files, key=lambda path: (len(path), path))) or tuple(sorted(folders))

    @cached_property
    def _by_leaf(self) -> dict[str, list[str]]:
        """Files and folders by the last part of the module name they could have."""
        found: dict[str, list[str]] = {}
        for path in (*self._stack.located, *self._stack.folders()):
            place = path.removesuffix("/__init__.py").removesuffix(".py")
            found.setdefault(place.rpartition("/")[2], []).append(path)
        return found

    def _find(self, name: str, parent: Module | None) -> Module | None:
        if parent is None:
            return self._find_top_level(name)
        if parent.kind in ("stdlib", "builtin"):
            if name in self._profile.stdlib_modules:
                return Module(name, "stdlib", search=())
            return None
        if parent.kind == "preinstalled":
            # What exactly the runtime's copy holds is not recorded: its submodules are taken to be there.
            return Module(name, "preinstalled", search=(), certain=parent.certain)
        if parent.search is None:
            return None
        return self._find_in(name, parent.search)

    def _find_top_level(self, name: str) -> Module | None:
        if name in self._profile.builtin_modules or name in self._profile.preloaded_modules:
            return Module(name, "builtin", search=() if name in self._stdlib_packages else None)
        portions: list[str] = []
        for step in (self._before, self._packages, None, self._after):
            found = self._of_runtime(name) if step is None else self._find_in(name, step)
            if found is not None and found.kind != "namespace":
                return found
            # A namespace package is only the last resort: any real module later on the path wins over it.
            portions += found.search or () if found is not None else ()
        return Module(name, "namespace", None, tuple(portions)) if portions else None

    def _of_runtime(self, name: str) -> Module | None:
        if name in self._preinstalled:
            return Module(name, "preinstalled", search=(), certain=self._preinstalled[name].certain)
        if name in self._profile.stdlib_modules:
            return Module(name, "stdlib", search=())
        return None

    def _find_in(self, name: str, folders: tuple[str, ...]) -> Module | None:
        leaf = name.rpartition(".")[2]
        portions = []
        for folder in folders:
            names = self._stack.names(folder)
            if leaf in names and self._stack.is_folder(f"{folder}/{leaf}"):
                package = f"{folder}/{leaf}"
                inside = self._stack.names(package)
                for suffix, kind in self._suffixes:
                    if f"__init__{suffix}" in inside and self._stack.file(f"{package}/__init__{suffix}"):
                        return Module(name, kind, f"{package}/__init__{suffix}", (package,))  # type: ignore[arg-type]
            for suffix, kind in self._suffixes:
                if f"{leaf}{suffix}" in names and self._stack.file(f"{folder}/{leaf}{suffix}"):
                    return Module(name, kind, f"{folder}/{leaf}{suffix}")  # type: ignore[arg-type]
            if leaf in names and self._stack.is_folder(f"{folder}/{leaf}"):
                portions.append(f"{folder}/{leaf}")
        return Module(name, "namespace", None, tuple(portions)) if portions else None

    # -- sys.path --------------------------------------------------------------------------------------------------

    def _search_path(self) -> tuple[str, ...]:
        path = list(dict.fromkeys(self._profile.python_path))
        for folder in self._profile.path_config_dirs:
            for name in sorted(self._stack.names(folder)):
                if name.endswith(".pth") and not name.startswith("."):
                    for addition in self._path_config(folder, name):
                        if addition not in path:
                            path.append(addition)
        return tuple(path)

    def _path_config(self, folder: str, name: str) -> list[str]:
        located = self._stack.file(f"{folder}/{name}")
        if located is None:
            return []
        try:
            text = self._stack.read_bytes(located).decode("utf-8-sig", "replace")
        except UnreadableMember:
            return []
        additions = []
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.rstrip()
            if not stripped or stripped.startswith("#"):
                continue
            if stripped.startswith(("import ", "import\t")):
                elsewhere = places_of_editable(self._stack, folder, stripped)
                if elsewhere:
                    self.dead_path_entries += [(f"{folder}/{name}", place) for place in elsewhere]
                else:
                    self.hooks.append(PathHook(f"{folder}/{name}", number, stripped))
                continue
            target = stripped if stripped.startswith("/") else f"{folder}/{stripped}"
            real = self._stack.resolve(target)
            if real is not None and self._stack.is_folder(real):
                additions.append(real)
            elif real is not None or target.startswith(_MOUNTED):
                self.opaque_entries.append(target)
            else:
                self.dead_path_entries.append((f"{folder}/{name}", stripped))
        return additions
