"""What is said of native files, held against this machine's real loader: the same files, loaded by ctypes."""

from __future__ import annotations

import dataclasses
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.artifact import Mount, Stack, open_tree
from lambdapack.facts.linking import LoadProblem, NativeFacts
from lambdapack.profiles import RuntimeProfile, load_profile
from tests.recipes import Native, Need, compile_native

HOST_GLIBC = os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") and sys.platform == "linux" else None
pytestmark = pytest.mark.skipif(
    HOST_GLIBC is None or platform.machine() != "x86_64", reason="needs Linux with glibc on x86_64 to load the files"
)
TARGET = "x86_64-linux-gnu"


def library(path: str, *names: str, soname: str = "libx.so.1", version: str = "", **more: object) -> Native:
    return Native(path, TARGET, soname=soname, defines={version: names}, **more)  # type: ignore[arg-type]


def root(*needs: Need, **more: object) -> Native:
    return Native("a.so", TARGET, defines={"": ("root",)}, needs=needs, **more)  # type: ignore[arg-type]


X = Need("libx.so.1", {"": ("x",)})
VERSIONED = Need("libx.so.1", {"X_1": ("x",)})
LOCAL = ("$ORIGIN/lib",)
DEEP = library("lib/liby.so.1", "y", soname="liby.so.1")
MIDDLE = library("lib/libx.so.1", "x", needs=(Need("liby.so.1", {"": ("y",)}),))


def last_segment(data: bytearray) -> int:
    """The offset of the last loadable segment's header."""
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    return max(at for at in range(start, start + 56 * count, 56) if struct.unpack_from("<I", data, at)[0] == 1)


def shift_address(data: bytearray) -> None:
    at = last_segment(data) + 16
    struct.pack_into("<Q", data, at, struct.unpack_from("<Q", data, at)[0] + 16)


def patched(change: Callable[[bytearray], None]) -> bytes:
    data = bytearray(compile_native(root()))
    change(data)
    return bytes(data)


def with_byte(position: int, value: int) -> bytes:
    return patched(lambda data: data.__setitem__(position, value))


CASES: dict[str, tuple[tuple[Native | tuple[str, bytes], ...], bool]] = {
    "nothing is needed": ((root(),), True),
    "found by RPATH": ((root(X, rpath=LOCAL), library("lib/libx.so.1", "x")), True),
    "found by RUNPATH": ((root(X, runpath=LOCAL), library("lib/libx.so.1", "x")), True),
    "found by an absolute need": (
        (root(Need("$ORIGIN/lib/libx.so.1", {"": ("x",)})), library("lib/libx.so.1", "x")),
        True,
    ),
    "not looked for there": ((root(X), library("lib/libx.so.1", "x")), False),
    "RPATH counts for what is needed further": ((root(X, rpath=LOCAL), MIDDLE, DEEP), True),
    "RUNPATH does not": ((root(X, runpath=LOCAL), MIDDLE, DEEP), False),
    "RPATH does not count past a RUNPATH": (
        (root(X, rpath=LOCAL), dataclasses.replace(MIDDLE, runpath=("/nowhere",)), DEEP),
        False,
    ),
    "the first of two": (
        (root(X, runpath=("$ORIGIN/old", *LOCAL)), library("old/libx.so.1", "x"), library("lib/libx.so.1", "z")),
        True,
    ),
    "another machine's is passed over": (
        (
            root(X, runpath=("$ORIGIN/arm", *LOCAL)),
            Native("arm/libx.so.1", "aarch64-linux-gnu", soname="libx.so.1", defines={"": ("x",)}),
            library("lib/libx.so.1", "x"),
        ),
        True,
    ),
    "a text is not passed over": (
        (root(X, runpath=("$ORIGIN/text", *LOCAL)), ("text/libx.so.1", b"hello " * 50), library("lib/libx.so.1", "x")),
        False,
    ),
    "another soname than the file": (
        (root(Need("libbar.so.3", {"": ("x",)}), runpath=LOCAL), library("lib/libx.so.1", "x", soname="libbar.so.3")),
        False,
    ),
    "the same soname is loaded once": (
        (
            root(Need("liby.so.1", {"": ("y",)}), X, runpath=LOCAL),
            library("lib/liby.so.1", "y", soname="liby.so.1", needs=(X,), runpath=("$ORIGIN/../old",)),
            library("lib/libx.so.1", "x"),
            library("old/libx.so.1", "z"),
        ),
        True,
    ),
    "for newer processors only when those are promised": (
        (root(X, runpath=LOCAL), library("lib/glibc-hwcaps/x86-64-v2/libx.so.1", "x")),
        True,
    ),
    "a symbol is defined nowhere": ((root(calls=("x",)),), False),
    "a symbol of the C library": ((root(calls=("memcpy", "cos", "pthread_create", "__tls_get_addr")),), True),
    "a symbol of libgcc without libgcc": ((root(calls=("__gxx_personality_v0",)),), False),
    "a weak reference": (
        (
            root(Need("libx.so.1", {"X_1": ("x",), "X_2": ("y",)}), runpath=LOCAL, weak=frozenset({"X_2"})),
            library("lib/libx.so.1", "x", version="X_1"),
        ),
        True,
    ),
    "a version": ((root(VERSIONED, runpath=LOCAL), library("lib/libx.so.1", "x", version="X_1")), True),
    "a version that is missing": (
        (root(VERSIONED, runpath=LOCAL), library("lib/libx.so.1", "x", version="X_0")),
        False,
    ),
    "a symbol that its version lost": (
        (root(VERSIONED, runpath=LOCAL), library("lib/libx.so.1", "z", version="X_1")),
        False,
    ),
    "a version of a library without any": ((root(VERSIONED, runpath=LOCAL), library("lib/libx.so.1", "x")), False),
    "a version of a library that defines none": (
        (
            root(VERSIONED, runpath=LOCAL),
            library("lib/libx.so.1", "x", needs=(Need("libc.so.6", {"GLIBC_2.2.5": ("memcpy",)}),)),
        ),
        True,
    ),
    "a version of glibc": ((root(Need("libc.so.6", {"GLIBC_2.2.5": ("memcpy",)})),), True),
    "a version that no glibc has": ((root(Need("libc.so.6", {"GLIBC_2.99": ("memcpy",)})),), False),
    "a program": ((Native("a.so", TARGET, program=True),), False),
    "empty": ((("a.so", b""),), False),
    "a short text": ((("a.so", b"libx.so.1"),), False),
    "zeros": ((("a.so", bytes(5000)),), False),
    "cut short": ((root(sections=False, truncate=600),), False),
    "without section headers": ((root(sections=False),), True),
    "misaligned": ((("a.so", patched(shift_address)),), False),
    "for FreeBSD": ((("a.so", with_byte(7, 9)),), False),
    "32-bit": ((("a.so", with_byte(4, 1)),), False),
    "an object file": ((("a.so", with_byte(16, 1)),), False),
}


def loads_really(folder: Path) -> bool:
    """Loads `a.so` as Python loads extension modules, in a process of its own: a bad file may end it."""
    code = f"import ctypes, os; ctypes.CDLL({str(folder / 'a.so')!r}, mode=os.RTLD_NOW)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=folder, env={}, check=False)
    return done.returncode == 0


def host_profile() -> RuntimeProfile:
    """A runtime with this machine's glibc, and nothing loaded before."""
    glibc = tuple(int(part) for part in (HOST_GLIBC or "glibc 0.0").split()[1].split("."))
    return dataclasses.replace(
        load_profile("python3.13", "x86_64"),
        glibc=glibc,
        library_path=("/lib64", "/usr/lib64"),
        preloaded_libraries=frozenset(),
    )


def problems(folder: Path) -> tuple[LoadProblem, ...]:
    with open_tree(folder) as tree:
        return NativeFacts(Stack([Mount(str(folder), tree)]), host_profile(), managed=True).problems(
            str(folder / "a.so")
        )


@pytest.mark.parametrize("name", CASES)
def test_says_what_the_real_loader_does(name: str, tmp_path: Path) -> None:
    files, loads = CASES[name]
    for file in files:
        path, data = (file.path, compile_native(file)) if isinstance(file, Native) else file
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    found = problems(tmp_path)
    assert loads_really(tmp_path) == loads
    # A library elsewhere in the artifact might have been loaded before: here nothing was.
    assert (not any(problem.certain or problem.elsewhere for problem in found)) == loads, found
