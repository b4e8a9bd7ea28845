"""Which of a project's own files a handler needs, each with the reason: what `include = "auto"` packs.

Rests on the import graph that the checks go by. Where that cannot see (imports by computed name, modules named in
strings), what may be meant is taken, and said. Data files go with the code they lie beside or that names them. Runs
nothing and judges nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lambdapack.artifact import Stack
from lambdapack.facts.import_statements import imported_names_of, imports_of
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.program import Import
from lambdapack.facts.source import read_source

_BY_NAME = re.compile(rb"\b(?:import_module|__import__)\s*\(")
# What imports or lists modules whose names no statement has.
_BY_SEARCH = re.compile(
    rb"\b(?:walk_packages|iter_modules|run_module|run_path|spec_from_file_location|entry_points|exec_module|load_module)"
    rb"\s*\("
)
_COMPUTED = re.compile(
    rb"""\b(?:import_module|__import__)\s*\(\s*(?:f["']([\w.]+)\.\{|["']([\w.]+)\.["']\s*(?:\+|%))"""
)
_DOTTED = re.compile(rb"""["']([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?::[A-Za-z_][\w.]*)?["']""")
_IMPORTERS = ("importlib.import_module", "__import__", "builtins.__import__")
_CODE = (".py", ".pyi", ".pyc")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class OwnReach:
    """`reasons`: of each needed file (where it stands on Lambda) why; `doubts`: what was taken because it cannot be
    known, in words."""

    reasons: Mapping[str, str]
    doubts: tuple[str, ...]


def own_reach(
    stack: Stack, finder: ModuleFinder, imports: ImportFacts, own: Iterable[str], roots: Iterable[str] = ()
) -> OwnReach:
    """Returns what is needed of the files `own`; `data` of them need not be in the stack. `roots` are further modules
    that have to be there."""
    search = _Search(stack, finder, imports, frozenset(own))
    search.run(roots)
    return OwnReach(dict(sorted(search.reasons.items())), tuple(search.doubts))


@dataclass(slots=True)
class _Search:
    stack: Stack
    finder: ModuleFinder
    imports: ImportFacts
    own: frozenset[str]
    reasons: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)

    def run(self, roots: Iterable[str]) -> None:
        pending: list[tuple[Module, bool]] = []  # the module; whether the import graph has followed it
        loaded = frozenset(self.imports.loaded)
        for name, execution in self.imports.executions.items():
            way = "imported" if name in loaded else "imported in a function"
            pending += self._take(execution.module, f"{way}: {_chain(execution.chain)}", followed=True)
        for name in roots:
            pending += self._take_name(name, "named by a contract")
        while pending:
            module, followed = pending.pop()
            for name, reason in self._needs(module, followed=followed):
                pending += self._take_name(name, reason)
            pending += self._doubtful(module)
        self._take_data()

    def _take(self, module: Module, reason: str, *, followed: bool = False) -> list[tuple[Module, bool]]:
        """Takes a module's file; returns what is to be looked at further."""
        if module.path is None or module.path not in self.own or module.path in self.reasons:
            return []
        self.reasons[module.path] = reason
        return [(module, followed)] if module.kind == "source" else []

    def _take_name(self, name: str, reason: str) -> list[tuple[Module, bool]]:
        """Takes a module with the packages above it, which its import runs first."""
        found: list[tuple[Module, bool]] = []
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            module = self.finder.find_dotted(".".join(parts[:count]))
            if module is None:
                break
            found += self._take(module, reason)
        return found

    def _needs(self, module: Module, *, followed: bool) -> Iterator[tuple[str, str]]:
        """Yields the names of modules that a module's code has, and that the import graph has not followed."""
        program = read_source(self._text(module.path or ""))
        statements = program.deferred if followed else (*imports_of(program.body), *program.deferred)
        for statement in statements:
            for name in _names(statement, module):
                yield name, f"imported by {module.name}"
        for call in self.imports.calls:
            if call.path == module.path and call.name in _IMPORTERS and call.arguments:
                name = call.arguments[0]
                if isinstance(name, str) and not name.startswith("."):
                    yield name, f"imported by name in {module.name}"
        for match in _DOTTED.finditer(self._text(module.path or "")):
            named = self._module_in(match[1].decode())
            if named is not None:
                yield named, f"named in a string of {module.name}"

    def _module_in(self, dotted: str) -> str | None:
        """The module that a text like `app.tasks.run` names: all of it, or all but the last name."""
        for name in (dotted, dotted.rpartition(".")[0]):
            module = self.finder.find_dotted(name)
            if module is not None and module.path in self.own:
                return name
        return None

    def _doubtful(self, module: Module) -> list[tuple[Module, bool]]:
        """Takes all that a module may import by a name that is not known."""
        text = self._text(module.path or "")
        known = sum(
            1
            for call in self.imports.calls
            if call.path == module.path
            and call.name in _IMPORTERS
            and call.arguments
            and isinstance(call.arguments[0], str)
        )
        prefixes = [(match[1] or match[2]).decode() for match in _COMPUTED.finditer(text)]
        found: list[tuple[Module, bool]] = []
        for prefix in prefixes:
            found += self._take_package(prefix, module)
        if len(_BY_NAME.findall(text)) > known + len(prefixes) or _BY_SEARCH.search(text):
            found += self._take_package(module.package, module)
        return found

    def _take_package(self, package: str, asking: Module) -> list[tuple[Module, bool]]:
        """Takes every module of a package; of no package, everything."""
        place = self.finder.find_dotted(package) if package else None
        folders = tuple(f"{folder}/" for folder in (place.search or ())) if place is not None else ("/",)
        what = f"all of {package}" if package else "everything"
        reason = f"{asking.name} imports modules by names that are not known: {what} is taken"
        found: list[tuple[Module, bool]] = []
        for path in sorted(self.own):
            if path.endswith(".py") and path.startswith(folders) and path not in self.reasons:
                found += self._take(Module(self._name_of(path), "source", path, _search(path)), reason)
        if found:
            self.doubts.append(reason)
        return found

    def _name_of(self, path: str) -> str:
        roots = [root for root in self.finder.path if path.startswith(f"{root}/")]
        inside = path[len(max(roots, key=len)) + 1 :] if roots else path.lstrip("/")
        return inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def _take_data(self) -> None:
        """Takes data files beside needed code; those that lie beside none, when needed code has their name."""
        code_folders: dict[str, str] = {}
        for path in sorted(self.reasons):
            code_folders.setdefault(posixpath.dirname(path), path)
        every = {posixpath.dirname(path) for path in self.own if path.endswith(".py")}
        roots = frozenset(self.finder.path)
        for path in sorted(self.own - self.reasons.keys()):
            if path.endswith(_CODE):
                continue
            folder = next((place for place in _above(path) if place in every or place in roots), None)
            if folder in code_folders and folder not in roots:
                self.reasons[path] = f"data beside {code_folders[folder]}"
            elif folder in roots:
                namer = self._namer(path, folder)
                if namer is not None:
                    self.reasons[path] = f"named in {namer}"

    def _namer(self, path: str, root: str) -> str | None:
        """The needed module whose text has the file's name, or that of the folder it lies in."""
        inside = path[len(root) + 1 :]
        words = {inside.partition("/")[0], posixpath.basename(inside)}
        quoted = re.compile(
            b"|".join(rb"""["'/]""" + re.escape(word.encode()) + rb"""["'/]""" for word in sorted(words))
        )
        return next(
            (place for place in self.reasons if place.endswith(".py") and quoted.search(self._text(place))), None
        )

    def _text(self, path: str) -> bytes:
        if path not in self.texts:
            located = self.stack.file(path)
            self.texts[path] = b"" if located is None else self.stack.read_bytes(located)
        return self.texts[path]


def _chain(chain: tuple[str, ...]) -> str:
    if len(chain) > _SHOWN:
        chain = (*chain[: _SHOWN // 2], "…", *chain[-_SHOWN // 2 :])
    return " > ".join(chain)


def _names(statement: Import, module: Module) -> Iterator[str]:
    """Yields the modules that an import statement may load, by absolute name."""
    base, names = imported_names_of(statement, module)
    if base:
        yield base
    for name in names or ():
        if name != "*":
            yield f"{base}.{name}" if base else name


def _search(path: str) -> tuple[str, ...] | None:
    return (posixpath.dirname(path),) if path.endswith("/__init__.py") else None


def _above(path: str) -> Iterator[str]:
    folder = posixpath.dirname(path)
    while folder not in ("", "/"):
        yield folder
        folder = posixpath.dirname(folder)
