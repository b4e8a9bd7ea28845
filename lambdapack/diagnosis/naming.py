"""What the names in a message tell by themselves: what kind of module it is, whose it is, where its file would be.

Needs no artifact. What is native code, first-party or of the standard library goes by the catalogue's lists, by the
standard libraries of all runtimes, and by how people write such names.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lambdapack.diagnosis.catalogue import load_catalogue
from lambdapack.profiles import RuntimeProfile, known_runtimes, load_profile, load_standard_library

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# What a text says where the message does not tell; in commands they are to be filled in.
_UNKNOWN = {
    "module": "the module",
    "name": "the name",
    "path": "the file",
    "soname": "the library",
    "version": "a newer version",
    "symbol": "a symbol",
    "error": "see the message",
    "function": "FUNCTION",
    "program": "the program",
    "variable": "the variable",
    "setting": "the handler setting",
    "handler_file": "the handler's file",
    "distribution": "PACKAGE",
    "provider": "another package",
    "given": "this runtime",
    "kind": "one kind",
    "file": "FILE",
    "leaf": "FILE",
    "top": "the package",
    "parent": "the package",
    "name_or_module": "a name",
    "file_or_module": "a file",
    "runtime": "the function's runtime",
    "architecture": "its architecture",
    "python": "3.X",
    "nodot": "3X",
    "machine": "x86_64",
    "manylinux": "manylinux2014",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known beside the message: the handler's module (`app.main`) and its runtime, each None if unknown."""

    handler_module: str | None = None
    profile: RuntimeProfile | None = None


def fill(text: str, named: Mapping[str, str]) -> str:
    """Puts what the message names into a text of the catalogue."""
    return _PLACEHOLDER.sub(lambda match: named.get(match[1]) or _UNKNOWN.get(match[1], match[0]), text)


def derive(named: Mapping[str, str], setting: Setting) -> dict[str, str]:
    """Adds what follows from what a message names: the file of a module, its distribution, the target's tags."""
    found = {key: value.strip(".,;") if key in ("module", "path", "soname") else value for key, value in named.items()}
    path = found.get("path", "")
    if path.startswith(("/var/task/", "/opt/")) and "top" not in found and "module" not in found:
        inside = re.sub(r"^/(?:var/task|opt)/(?:python/(?:lib/python[\d.]+/site-packages/)?)?", "", path)
        found["top"] = re.split(r"[/.]", inside)[0].removesuffix("_libs")
    module = found.get("module") or ".".join(filter(None, (found.get("parent"), found.get("name"))))
    if module and not found.get("module"):
        found["module"] = module if found.get("parent") else found.get("name", "")
    module = found.get("module", "")
    if module:
        dotted = module.replace("/", ".")
        found.setdefault("top", dotted.partition(".")[0])
        found.setdefault("leaf", dotted.rpartition(".")[2])
        found.setdefault("parent", dotted.rpartition(".")[0] or dotted)
        found.setdefault("file", dotted.replace(".", "/"))
    if path:
        found.setdefault("leaf", path.rpartition("/")[2])
        found.setdefault("file", path.removeprefix("/var/task/"))
    top = found.get("top")
    if top:
        found.setdefault("distribution", distribution_of(top))
    found.setdefault("provider", found.get("distribution", ""))
    found.setdefault("name_or_module", found.get("name") or module)
    found.setdefault("file_or_module", found.get("file") or module)
    if setting.handler_module:
        found.setdefault("handler", setting.handler_module)
        found.setdefault("handler_file", setting.handler_module.replace(".", "/") + ".py")
    if setting.profile is not None:
        found |= _target(setting.profile)
    return {key: value for key, value in found.items() if value}


def _target(profile: RuntimeProfile) -> dict[str, str]:
    return {
        "runtime": profile.runtime,
        "architecture": profile.architecture,
        "machine": profile.machine,
        "python": ".".join(map(str, profile.python)),
        "nodot": "".join(map(str, profile.python)),
        "manylinux": f"manylinux_{profile.glibc[0]}_{profile.glibc[1]}" if profile.glibc[1] >= 28 else "manylinux2014",
    }


def distribution_of(top: str) -> str:
    """Returns the distribution that brings a top-level module: known, or guessed from its name."""
    return load_catalogue().names.distributions.get(top, top.replace("_", "-"))


def is_kind(kind: str, named: Mapping[str, str], setting: Setting) -> bool:
    """True when the module that a message names is of a kind, one of `KINDS`."""
    return KINDS[kind](named, setting)


def _module(named: Mapping[str, str]) -> str:
    return (named.get("module") or "").replace("/", ".")


def _is_handler(named: Mapping[str, str], setting: Setting) -> bool:
    """The handler's own module, or a package on the way to it."""
    module, handler = _module(named), (setting.handler_module or "").replace("/", ".").lstrip(".")
    return bool(module) and f"{handler}.".startswith(f"{module}.")


def _is_extension(named: Mapping[str, str], _: Setting) -> bool:
    names = load_catalogue().names
    parent, name = named.get("parent"), named.get("name")
    module = _module(named)
    if name and parent and not named.get("module"):
        if f"{parent}.{name}" in names.native or name in names.native_names:
            return True
        own = "." in parent and parent.rpartition(".")[2].lstrip("_") == parent.partition(".")[0]
        if parent in names.native or own:
            return True  # a stub folder of the same name stands in for the extension
        module = f"{parent}.{name}"
    elif name and not module:
        return name in names.native_names or name in names.native or _is_private(name)
    if "." not in module and _is_private(module) and module not in names.native_standard:
        return module not in names.plain
    return module in names.native or _looks_native(module)


def _looks_native(module: str) -> bool:
    """True for `pkg._name`, the way most native modules are called, and `pkg.pkg`, as many in Rust are."""
    names = load_catalogue().names
    if any(f"{module}.".startswith(f"{plain}.") for plain in names.plain):
        return False
    parent, _, leaf = module.rpartition(".")
    return bool(parent) and (_is_private(leaf) or leaf == parent.rpartition(".")[2] or "__mypyc" in leaf)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and not name.isupper()


def _is_native_standard(named: Mapping[str, str], _: Setting) -> bool:
    return _module(named) in load_catalogue().names.native_standard


def _is_history(named: Mapping[str, str], setting: Setting) -> bool:
    """A module that some Python's standard library has, and not that of the runtime (not known: not every one's)."""
    module, libraries = _module(named), _standard_libraries()
    having = [python for python, modules in libraries.items() if module in modules]
    if setting.profile is not None:
        return bool(having) and module not in setting.profile.stdlib_modules
    return bool(having) and (len(having) < len(libraries) or module not in libraries[max(libraries)])


def _is_standard(named: Mapping[str, str], setting: Setting) -> bool:
    module = _module(named)
    if setting.profile is not None:
        return module in setting.profile.stdlib_modules
    return any(module in modules for modules in _standard_libraries().values())


def _is_changing_name(named: Mapping[str, str], setting: Setting) -> bool:
    """A name that some versions of a standard module have, and not that of the runtime (not known: not the newest)."""
    if f"{_module(named)}.{named.get('name')}" in load_catalogue().names.gone:
        return True
    library, libraries = load_standard_library(), _standard_libraries()
    having = library.history(_module(named), named.get("name", ""))
    python = setting.profile.python if setting.profile is not None else max(libraries)
    return bool(having) and python not in having


@functools.cache
def _standard_libraries() -> dict[tuple[int, int], frozenset[str]]:
    """The modules of the standard library of every known runtime."""
    profiles = (load_profile(runtime, "x86_64") for runtime in known_runtimes())
    return {profile.python: profile.stdlib_modules for profile in profiles}


def _is_own(named: Mapping[str, str], setting: Setting) -> bool:
    top = named.get("top") or _module(named).partition(".")[0]
    handler = (setting.handler_module or "").replace("/", ".").partition(".")[0]
    return top in load_catalogue().names.own or (bool(handler) and top == handler)


def _is_foreign(named: Mapping[str, str], setting: Setting) -> bool:
    """A package that somebody else wrote, as far as its name tells."""
    return not _is_own(named, setting) and not _is_standard(named, setting)


def _is_part(named: Mapping[str, str], setting: Setting) -> bool:
    top = named.get("top") or _module(named).partition(".")[0]
    return _is_submodule(named, setting) and top in load_catalogue().names.namespaces


def _is_submodule(named: Mapping[str, str], _: Setting) -> bool:
    return "." in _module(named)


def _is_program(named: Mapping[str, str], _: Setting) -> bool:
    """A name without an extension that a data file would have."""
    program = named.get("program", "")
    return bool(program) and "." not in program.rpartition("/")[2]


KINDS: Mapping[str, Callable[[Mapping[str, str], Setting], bool]] = {
    "handler": _is_handler,
    "extension": _is_extension,
    "native standard module": _is_native_standard,
    "not in every standard library": _is_history,
    "standard module": _is_standard,
    "name that came or went": _is_changing_name,
    "own": _is_own,
    "foreign": _is_foreign,
    "foreign top level": lambda named, setting: _is_foreign(named, setting) and not _is_submodule(named, setting),
    "part of a namespace": _is_part,
    "submodule": _is_submodule,
    "not a submodule": lambda named, _: "." not in _module(named),
    "program": _is_program,
}
