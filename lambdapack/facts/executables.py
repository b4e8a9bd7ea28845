"""What happens when a file of the artifact is started as a program: execve(2), by mode and by its first bytes.

Knows nothing of what starts it, nor whether anything does.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from errno import EACCES, ENOENT, ENOEXEC
from typing import Literal

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.elf import MAGIC, ElfFacts
from lambdapack.facts.elf_reading import read_elf

RefusalKind = Literal["missing", "not-executable", "no-interpreter", "wrong-machine", "not-a-program"]

_OTHERS_EXECUTE, _OTHERS_READ = 0o001, 0o004
_LONGEST_INTERPRETER_LINE = 256  # BINPRM_BUF_SIZE
_DEFAULT_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")  # containerd's


@dataclass(frozen=True, slots=True)
class StartRefusal:
    """Why a program cannot be started. `says` is the kernel's word, `errno` Linux's number of it; `detail` completes
    "PATH ..."; `mode` are the permission bits where they are the cause."""

    kind: RefusalKind
    path: str
    detail: str
    says: str
    errno: int
    mode: int | None = None


def find_program(stack: Stack, name: str, *, search: Sequence[str], working_dir: str) -> str | None:
    """Returns the path of the file that a command's first word means, links followed; None when there is none."""
    if "/" in name:
        located = stack.file(posixpath.normpath(posixpath.join(working_dir, name)))
        return located.path if located else None
    for folder in search or _DEFAULT_PATH:
        located = stack.file(f"{folder}/{name}")
        if located is not None:
            return located.path
    return None


def start_refusal(stack: Stack, path: str, machine: str | None, *, whole: bool) -> StartRefusal | None:
    """Returns why Lambda's user, who owns no file, cannot start the file at `path`; None if nothing speaks against it.

    `machine` as wheels spell it, None where any will do. `whole` says that the stack has the operating system, too:
    only then is an interpreter that is not in it missing.
    """
    located = stack.file(path)
    if located is None:
        return StartRefusal("missing", path, "is not in the image", "no such file or directory", ENOENT)
    permissions = located.entry.permissions
    if not permissions & _OTHERS_EXECUTE:
        detail = f"has mode {permissions:04o}, which does not let Lambda's user start it"
        return StartRefusal("not-executable", path, detail, "permission denied", EACCES, permissions)
    try:
        data = stack.read_bytes(located)
    except UnreadableMember:
        return None  # told of as such
    if data.startswith(b"#!"):
        return _script_refusal(stack, path, data, permissions, whole=whole)
    if not data.startswith(MAGIC):
        return StartRefusal(
            "not-a-program", path, "is neither a program nor a script with #!", "exec format error", ENOEXEC
        )
    facts = read_elf(data)
    if isinstance(facts, ElfFacts):
        if machine is not None and not facts.fits(machine):
            detail = f"is a program for {facts.bits}-bit {facts.machine}, not for {machine}"
            return StartRefusal("wrong-machine", path, detail, "exec format error", ENOEXEC)
        if whole and facts.interpreter and stack.file(facts.interpreter) is None:
            return _no_interpreter(path, facts.interpreter)
    return None


def _script_refusal(stack: Stack, path: str, data: bytes, permissions: int, *, whole: bool) -> StartRefusal | None:
    if not permissions & _OTHERS_READ:
        detail = f"is a script with mode {permissions:04o}, which its interpreter may not read"
        return StartRefusal("not-executable", path, detail, "permission denied", EACCES, permissions)
    line = data[2:_LONGEST_INTERPRETER_LINE].partition(b"\n")[0]
    words = line.decode("utf-8", "backslashreplace").strip(" \t").split(" ")
    interpreter = words[0]
    if interpreter.endswith("\r"):
        detail = "has Windows line ends, so that the interpreter in its first line ends with a carriage return"
        return StartRefusal("no-interpreter", path, detail, "no such file or directory", ENOENT)
    if whole and interpreter and stack.file(interpreter) is None:
        return _no_interpreter(path, interpreter)
    return None


def _no_interpreter(path: str, interpreter: str) -> StartRefusal:
    return StartRefusal(
        "no-interpreter", path, f"needs {interpreter}, which is not in the image", "no such file or directory", ENOENT
    )
