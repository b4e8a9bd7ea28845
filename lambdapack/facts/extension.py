"""What the name of an extension module's file says: which Python, machine and system it was made for.

Sources: PEP 3149, PEP 425, PEP 703 (the `t` of free-threaded builds), CPython's `configure.ac` (SOABI).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lambdapack.artifact import Stack
from lambdapack.facts.elf import ElfFacts, NotElf

_LINUX = re.compile(
    r"\.cpython-(?P<major>\d)(?P<minor>\d+)(?P<flags>[a-z]*)-(?P<machine>\w+)-linux-(?P<libc>gnu|musl)\w*\.so$"
)
_DARWIN = re.compile(r"\.cpython-(?P<major>\d)(?P<minor>\d+)(?P<flags>[a-z]*)-darwin\.so$")
_WINDOWS = re.compile(r"\.cp(?P<major>\d)(?P<minor>\d+)(?P<flags>[a-z]*)-(?P<machine>\w+)\.pyd$")
_PYPY = re.compile(r"\.pypy(?P<major>\d)(?P<minor>\d+)-")


@dataclass(frozen=True, slots=True)
class ExtensionName:
    """`python` is `3.11`, `3.13t` (free-threaded), `PyPy 3.10`, or None where the name does not say (`.abi3.so`).

    `system` is `Linux`, `Linux (musl)`, `macOS` or `Windows`; `machine` as the name spells it, or None.
    """

    python: str | None
    system: str
    machine: str | None


def is_usable(path: str, suffixes: Iterable[str]) -> bool:
    """True for a file that Python imports by its name: `module` + exactly one of the target's suffixes."""
    name = posixpath.basename(path)
    return any(name.endswith(suffix) and name.count(".") == suffix.count(".") for suffix in suffixes)


def foreign_extensions(stack: Stack, suffixes: Iterable[str]) -> Iterator[str]:
    """Yields extension modules whose names this Python never looks for, where nothing else has the module's name."""
    importable = (*suffixes, ".py", ".pyc")
    for located in stack.files():
        path = located.path
        if not path.endswith((".so", ".pyd")) or is_usable(path, suffixes):
            continue
        name = read_extension_name(path)
        if not name.python and name.system == "Linux":
            continue
        folder, _, file = path.rpartition("/")
        module = file.partition(".")[0]
        if not any(is_usable(other, importable) for other in stack.names(folder) if other.startswith(f"{module}.")):
            yield path


def read_extension_name(path: str) -> ExtensionName:
    """Reads the tag of a native file's name."""
    name = posixpath.basename(path)
    for pattern, system in ((_LINUX, "Linux"), (_DARWIN, "macOS"), (_WINDOWS, "Windows")):
        match = pattern.search(name)
        if match:
            parts = match.groupdict()
            python = f"{parts['major']}.{parts['minor']}{'t' if 't' in parts['flags'] else ''}"
            return ExtensionName(
                python, "Linux (musl)" if parts.get("libc") == "musl" else system, parts.get("machine")
            )
    match = _PYPY.search(name)
    if match:
        return ExtensionName(f"PyPy {match['major']}.{match['minor']}", "Linux", None)
    if name.endswith(".pyd"):
        return ExtensionName(None, "Windows", None)
    return ExtensionName(None, "macOS" if name.endswith(".dylib") else "Linux", None)


def describe_native(path: str, facts: ElfFacts | NotElf | None) -> str:
    """Says what a native file was made for, from its name and its content: `Python 3.11, Linux x86_64`."""
    name = read_extension_name(path)
    python = f"Python {name.python}" if name.python else "no particular Python"
    free_threaded = " (free-threaded)" if name.python and name.python.endswith("t") else ""
    machine = facts.machine if isinstance(facts, ElfFacts) else name.machine
    return f"{python}{free_threaded}, {name.system}" + (f" {machine}" if machine else "")
