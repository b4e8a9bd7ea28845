"""What code that has run may have made in ways that no file shows: modules, names, search path.

Only ever turns a certain failure into a doubt. Knows what was executed so far, not how.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass, field

from lambdapack.facts.modules import Module, ModuleFinder
from lambdapack.facts.outcome import Execution
from lambdapack.facts.program import Program, all_names

# What the import system itself gives every module (the Python language reference, "Import-related module attributes").
OWN_ATTRIBUTES = frozenset(
    f"__{name}__"
    for name in (
        "name",
        "doc",
        "file",
        "path",
        "package",
        "spec",
        "loader",
        "builtins",
        "dict",
        "cached",
        "class",
        "annotations",
    )
)

# Builtins of any Python from 3.9 on: which of them a target lacks decides nothing.
_BUILTIN_NAMES = frozenset(dir(builtins)) | frozenset(
    ("aiter", "anext", "BaseExceptionGroup", "EncodingWarning", "ExceptionGroup", "PythonFinalizationError")
)


# What a module changes in others, not in itself.
_FOR_OTHERS = frozenset(("callers", "other.__path__"))


@dataclass(frozen=True, slots=True)
class Hooks:
    """How a module changes what others find: `Program` has the words."""

    import_hooks: frozenset[str]
    computed_attributes: bool


@dataclass(slots=True)
class Noted:
    """The traits of executed modules: those with source, those that change others, native ones, and the names that are
    set as attributes on something. `loads_libraries`: one of them loads native libraries by name."""

    sources: list[Module] = field(default_factory=list)
    hooking: list[tuple[Module, Hooks]] = field(default_factory=list)
    natives: list[Module] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    loads_libraries: bool = False


class Belief:
    """Collects the traits of executed modules and answers what may exist because of them.

    `mentions` says whether a module's source has a word in a string, `native_mentions` whether a native file's bytes
    have it, `was_removed` whether a module of a dotted name was installed and its file is gone. `words` are those that
    were asked for of first-party code, with the answers.
    """

    def __init__(
        self,
        finder: ModuleFinder,
        mentions: Callable[[Module, str], bool],
        native_mentions: Callable[[str, str], bool],
        is_first_party: Callable[[Module], bool],
        was_removed: Callable[[str], bool],
    ) -> None:
        self._finder = finder
        self._was_removed = was_removed
        self._mentions = mentions
        self._native_mentions = native_mentions
        self.is_first_party = is_first_party
        self.noted = Noted()
        self.words: dict[str, bool] = {}

    def note(self, module: Module, program: Program | None) -> None:
        """Takes in a module that is about to run."""
        if module.kind == "extension":
            self.noted.natives.append(module)
        if program is None:
            return
        self.noted.sources.append(module)
        self.noted.attributes |= program.assigned_attributes
        self.noted.loads_libraries |= program.loads_libraries
        if program.import_hooks or program.computed_attributes:
            hooks = Hooks(program.import_hooks, computed_attributes=program.computed_attributes)
            self.noted.hooking.append((module, hooks))

    @property
    def loads_libraries(self) -> bool:
        """True when executed code loads native libraries by name."""
        return self.noted.loads_libraries

    def module_is_made(self, missing: str, parent: Execution | None) -> bool:
        """True when the parent makes its submodules itself, so that their absence as files means nothing."""
        if parent is None or self._finder.near_misses(missing, parent.module):
            return False
        if parent.module.kind == "extension":
            return True  # one native file can register any number of submodules
        return parent.program is not None and bool(parent.program.import_hooks - {"sys.path"} - _FOR_OTHERS)

    def module_may_exist(self, missing: str, parent: Execution | None) -> bool:
        """True when a module without a file may have been made, or made findable, by code that ran before."""
        top = missing.partition(".")[0]
        if parent is None and self._finder.opaque_entries:
            return True
        if self._finder.near_misses(missing, parent.module if parent else None):
            # It is a native file, and that is for another Python: only a loader of its own may take it.
            return any(
                _top(module) == top
                and "sys.meta_path" in hooks.import_hooks
                and self._native_mentions(module.path or "", "ExtensionFileLoader")
                for module, hooks in self.noted.hooking
            )
        for module, hooks in self.noted.hooking:
            making = hooks.import_hooks & {"sys.modules", "sys.meta_path"}
            if making and self._is_lost(missing, module) and _top(module) == top:
                continue
            if making and (_top(module) == top or self._mentions(module, top if parent is None else missing)):
                return True
            if parent is not None and "other.__path__" in hooks.import_hooks:
                return True
            if parent is None and (making or "sys.path" in hooks.import_hooks) and self._reaches(module, top):
                return True
        return False

    def _is_lost(self, name: str, module: Module) -> bool:
        """True when RECORD lists the file of a module, it is gone, and another module does not spell out its name: then
        that one does not make it up either."""
        leaf = name.rpartition(".")[2]
        return self._was_removed(name) and not (self._mentions(module, name) or self._mentions(module, leaf))

    def _reaches(self, hooking: Module, top: str) -> bool:
        """True when a change of the import system may lead to a module: first-party code adds any folder, also one that
        is made or mounted while it runs; a distribution adds what it brings."""
        if self.is_first_party(hooking):
            return True
        folder = (hooking.path or "").rpartition("/")[0]
        if folder in self._finder.path:  # a module that is one file brings no folder
            return False
        return any(copy.startswith(f"{folder}/") for copy in self._finder.copies(top))

    def name_may_exist(self, target: Execution, wanted: str, asking: Execution, *, refused: bool = False) -> bool:
        """True when a module may have a name that its source does not bind. `refused`: its `__getattr__` raises."""
        if not target.names_known or ("__getattr__" in target.names and not refused):
            return True
        # A module that is still being imported may bind the name before it is asked for, if it ever binds it; only of
        # the asking module itself is known what it has bound so far.
        if not target.done and target is not asking and _binds(target, wanted):
            return True
        if wanted in self.noted.attributes or wanted in OWN_ATTRIBUTES:
            return True
        if self._finder.near_misses(wanted, target.module):
            return False
        if target.module.kind == "namespace" and self._was_removed(target.module.name):
            return False  # its `__init__.py` is gone, and with that what it bound
        if target.program is not None and target.program.import_hooks - {"sys.path", "sys.meta_path"} - _FOR_OTHERS:
            return True
        top = _top(target.module)
        if len(self._finder.copies(top)) > 1 and any(
            "sys.path" in hooks.import_hooks and self.is_first_party(module) for module, hooks in self.noted.hooking
        ):
            return True  # another copy than the one that was read may be the one that is found
        for module, hooks in self.noted.hooking:
            unseen = hooks.computed_attributes or hooks.import_hooks & {"sys.modules", "sys.meta_path"}
            if _top(module) == top and unseen and not self._is_lost(f"{target.module.name}.{wanted}", module):
                return True
            if target.module.is_package and "other.__path__" in hooks.import_hooks:
                return True
            used = any(f"{name}.".startswith(f"{module.name}.") for name in target.aliases.values())
            if "callers" in hooks.import_hooks and (used or _top(module) == top):
                return True
        # Native code fills Python modules beside it with names, which it must spell out.
        return any(
            _top(native) == top and self._native_mentions(native.path or "", wanted) for native in self.noted.natives
        )

    def is_named_by_first_party(self, word: str) -> bool:
        """True when first-party code that ran has a word in a string."""
        self.words[word] = found = any(
            self._mentions(module, word) for module in self.noted.sources if self.is_first_party(module)
        )
        return found

    def is_bound(self, name: str, execution: Execution) -> bool:
        """True when a bare name may be bound in a module that is being executed."""
        known = (
            name in execution.names or name in OWN_ATTRIBUTES or name in _BUILTIN_NAMES or name in self.noted.attributes
        )
        return known or not execution.names_known

    def note_change(self, name: str) -> None:
        """Takes in that a name's value was changed from outside its module."""
        self.noted.attributes.add(name)

    def sets(self, name: str) -> bool:
        """True when executed code sets an attribute of this name on something."""
        return name in self.noted.attributes


def _binds(target: Execution, name: str) -> bool:
    """True when any statement of a module may bind a name."""
    program = target.program
    return program is None or name in program.volatile or name in all_names(program.body)


def _top(module: Module) -> str:
    return module.name.partition(".")[0]
