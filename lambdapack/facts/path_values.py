"""Paths that code works out: `os.path` and `pathlib` on known values, as they come out on Lambda.

Pure text, no file system: what `exists` says is answered elsewhere. Sources: posixpath and pathlib of CPython.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.expression import Expression

_CLASSES = frozenset(f"pathlib.{name}" for name in ("Path", "PosixPath", "PurePath", "PurePosixPath"))
# `realpath` and `resolve` follow links: of an artifact's own files they change nothing that matters here.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "dirname": posixpath.dirname,
    "basename": posixpath.basename,
    "join": posixpath.join,
    "normpath": posixpath.normpath,
    "abspath": lambda path: _absolute(path, posixpath.normpath),
    "expanduser": lambda path: _absolute(path, str),
    "realpath": lambda path: _absolute(path, posixpath.normpath),
}
_METHODS: dict[str, Callable[..., Any]] = {
    "joinpath": lambda path, *parts: path.joinpath(*parts),
    "resolve": lambda path: PurePosixPath(_absolute(str(path), posixpath.normpath)),
    "absolute": lambda path: PurePosixPath(_absolute(str(path), str)),
    "with_name": lambda path, name: path.with_name(name),
    "with_suffix": lambda path, suffix: path.with_suffix(suffix),
    "as_posix": str,
    "__str__": str,
    "__fspath__": str,
}
_ATTRIBUTES = ("parent", "name", "stem", "suffix")
_READING = frozenset(("open", "read_text", "read_bytes", "exists", "is_file", "is_dir"))
ASKING = frozenset((
    "os.path.exists", "os.path.isfile", "os.path.isdir",
    "pathlib.Path.exists", "pathlib.Path.is_file", "pathlib.Path.is_dir",
))  # fmt: skip
"""Functions that ask whether something stands at a path."""


@dataclass(frozen=True, slots=True)
class PathMethod:
    """A method of a known path, not called yet."""

    path: PurePosixPath
    name: str


def attribute_of(path: PurePosixPath, name: str) -> Any:
    """Returns what a known path has under a name; `NOT_KNOWN` where that is not worked out."""
    if name == "parents":
        return tuple(path.parents)
    if name in _ATTRIBUTES:
        return getattr(path, name)
    return PathMethod(path, name) if name in _METHODS or name in _READING else NOT_KNOWN


def result_of(name: str, arguments: tuple[Any, ...]) -> Any:
    """Returns what a function gives for known texts and paths, by its dotted name; `/` is the operator."""
    if not arguments or not all(isinstance(item, str | PurePosixPath) for item in arguments):
        return NOT_KNOWN
    try:
        if name in _CLASSES:
            return PurePosixPath(*arguments)
        if name == "/" and isinstance(arguments[0], PurePosixPath):
            return arguments[0] / arguments[1]
        if name in ("str", "os.fspath", "os.fsdecode") and len(arguments) == 1:
            return str(arguments[0])
        module, _, function = name.rpartition(".")
        if module in ("os.path", "posixpath") and function in _FUNCTIONS:
            return _FUNCTIONS[function](*map(str, arguments))
    except (TypeError, ValueError):
        pass
    return NOT_KNOWN


def call_method(method: PathMethod, arguments: tuple[Any, ...]) -> Any:
    """Returns what calling a path's method gives; `NOT_KNOWN` for those that ask the file system."""
    if method.name not in _METHODS or any(not isinstance(item, str | PurePosixPath) for item in arguments):
        return NOT_KNOWN
    try:
        return _METHODS[method.name](method.path, *arguments)
    except (TypeError, ValueError):
        return NOT_KNOWN


def reading(method: PathMethod, call: Expression) -> Expression:
    """Returns the call of a path's method as one of a function: `pathlib.Path.read_text(path)`."""
    _, _, arguments, keywords, line = call
    return (
        "call",
        ("name", f"pathlib.Path.{method.name}"),
        (("literal", str(method.path)), *arguments),
        keywords,
        line,
    )


def _absolute(path: str, tidy: Callable[[str], str]) -> str:
    """Makes an absolute path tidy. A relative one depends on the current folder, which is not known here."""
    if not path.startswith("/"):
        raise ValueError(path)
    return tidy(path)
