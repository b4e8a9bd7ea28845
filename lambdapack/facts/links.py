"""Symbolic links of an artifact: where they lead, and which were stored as the text of their target.

Knows what is in the artifact. What a link finds in the runtime's own file system is not known here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lambdapack.artifact import Located, Stack
from lambdapack.errors import UnreadableMember

_OF_THE_ARTIFACT = ("/var/task/", "/opt/")
# What is there when the function runs, and in no artifact: temporary files, devices, mounted file systems (EFS).
_WHILE_RUNNING = ("/tmp/", "/dev/", "/proc/", "/sys/", "/mnt/")
# Lambda's operating system and interpreter, which are not listed file by file.
_OF_THE_SYSTEM = ("/bin/", "/etc/", "/lib/", "/lib64/", "/usr/", "/var/lang/", "/var/runtime/")
_LONGEST_TARGET = 200  # bytes: longer than any path in a link that was worth making


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """`kind`: `dangling` leads to nothing in the artifact, `loop` to itself, `outside` to a place of the machine that
    made it, `text` is a plain file that holds the target of a link. `target` is as stored."""

    path: str
    target: str
    kind: Literal["dangling", "loop", "outside", "text"]


def find_broken_links(stack: Stack, is_own: Callable[[str], bool], *, is_image: bool) -> Iterator[BrokenLink]:
    """Yields links that lead nowhere, by path. `is_own` tells the function's files from an image's system."""
    for path in sorted(stack.located):
        target = stack.located[path].entry.link
        if target is None or not is_own(path) or stack.resolve(path) is not None:
            continue
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if _ends_in_itself(stack, path):
            yield BrokenLink(path, target, "loop")
        elif place in stack.located:
            continue  # the link that this one leads to is judged itself
        elif is_image or place.startswith(_OF_THE_ARTIFACT):
            if not place.startswith(_WHILE_RUNNING):
                yield BrokenLink(path, target, "dangling")
        elif not place.startswith((*_WHILE_RUNNING, *_OF_THE_SYSTEM)):
            yield BrokenLink(path, target, "outside")


def find_links_stored_as_text(stack: Stack, is_candidate: Callable[[str], bool]) -> Iterator[BrokenLink]:
    """Yields source files that hold nothing but the path of another file of the artifact: what a link becomes when git
    checks it out on Windows, or an archive does not keep links. Only candidates are read."""
    for located in stack.files():
        if 1 < located.entry.size <= _LONGEST_TARGET and located.path.endswith(".py") and is_candidate(located.path):
            target = _path_in(stack, located)
            if target is not None:
                yield BrokenLink(located.path, target, "text")


def _path_in(stack: Stack, located: Located) -> str | None:
    try:
        text = stack.read_bytes(located).decode("utf-8")
    except (UnreadableMember, UnicodeDecodeError):
        return None
    if "/" not in text or not text.endswith(".py") or any(char.isspace() for char in text):
        return None
    place = posixpath.normpath(posixpath.join(posixpath.dirname(located.path), text))
    return text if stack.file(place) is not None else None


def _ends_in_itself(stack: Stack, path: str) -> bool:
    seen = set()
    while path not in seen:
        seen.add(path)
        located = stack.located.get(path)
        if located is None or located.entry.link is None:
            return False
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), located.entry.link))
    return True
