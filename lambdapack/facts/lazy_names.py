"""Modules that a package imports when one of its names is first asked for: `__getattr__` of a module (PEP 562).

Read off the tables that such packages keep: which module a name is in, or which names a module has. What an import
graph without them lacks. Runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lambdapack.facts.import_statements import imported_names_of, imports_of
from lambdapack.facts.modules import ModuleFinder
from lambdapack.facts.outcome import Execution

_IMPORTS_BY_NAME = re.compile(rb"\b(?:import_module|__import__)\s*\(")
# 'BaseModel': (__spec__.parent, '.main'), 'load': 'pkg.loading', 'Thing': ('pkg.things', 'Thing')
_BY_NAME = re.compile(rb"""["'](\w+)["']\s*:\s*(?:\(\s*(?:[A-Za-z_][\w.]*\s*,\s*)?)?["'](\.*[\w.]+)["']""")
# 'things': ['Thing', 'Other']
_BY_MODULE = re.compile(rb"""["'](\.*[\w.]+)["']\s*:\s*[\[({]([^\])}]*)[\])}]""")
_WORD = re.compile(rb"""["'](\w+)["']""")
_ATTRIBUTE = re.compile(rb"\.\s*([A-Za-z_]\w*)")
_ITSELF = "__module__"  # pydantic's word for: the name is that of a submodule


def lazily_loaded(
    executions: Mapping[str, Execution], finder: ModuleFinder, read: Callable[[str], bytes]
) -> Iterator[str]:
    """Yields modules that executed code loads by asking packages for names, by absolute name; some more than once."""
    for package, execution in executions.items():
        if "__getattr__" not in execution.names or execution.module.path is None:
            continue
        text = read(execution.module.path)
        if not _IMPORTS_BY_NAME.search(text):
            continue
        table = _table(text)
        for name in sorted(_asked(package, executions, read) & table.keys()):
            yield from _found(package, name, table[name], finder)


def _table(text: bytes) -> dict[str, set[str]]:
    """Which modules a name may be in, as they are written."""
    found: dict[str, set[str]] = {}
    for match in _BY_NAME.finditer(text):
        found.setdefault(match[1].decode(), set()).add(match[2].decode())
    for match in _BY_MODULE.finditer(text):
        for name in _WORD.findall(match[2]):
            found.setdefault(name.decode(), set()).add(match[1].decode())
    return found


def _asked(package: str, executions: Mapping[str, Execution], read: Callable[[str], bytes]) -> frozenset[str]:
    """The names that executed code takes from a package: by `from … import`, or as attributes of what it imports."""
    found: set[str] = set()
    for execution in executions.values():
        if execution.program is None or execution.module.path is None:
            continue
        for statement in imports_of(execution.program.body):
            module, names = imported_names_of(statement, execution.module)
            if module != package:
                continue
            if names is None:
                found.update(word.decode() for word in _ATTRIBUTE.findall(read(execution.module.path)))
            else:
                found.update(names)
    return frozenset(found)


def _found(package: str, name: str, places: set[str], finder: ModuleFinder) -> Iterator[str]:
    for place in sorted(places):
        wanted: tuple[str, ...]
        if place == _ITSELF:
            wanted = (f"{package}.{name}",)
        elif place.startswith("."):
            wanted = (f"{package}.{place.lstrip('.')}",)
        else:
            wanted = (place, f"{package}.{place}")
        module = next((item for item in wanted if finder.find_dotted(item) is not None), None)
        if module is not None:
            yield module
