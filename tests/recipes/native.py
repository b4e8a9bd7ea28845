"""Compiles native files with `ziglang`: extension modules and libraries for any machine, linked against anything.

What a file asks of its loader is real, written by a real linker; what it is linked against need not be: a stub library
of one function per symbol gives it any `DT_NEEDED` and any symbol version. Compiled once and kept by content.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_GLIBC_TARGET = re.compile(r"-gnu\.\d")  # only then zig's own glibc is linked; it takes seconds on first use
_VER_FLG_WEAK = 0x2
_PT_LOAD, _PT_GNU_STACK = 1, 0x6474E551
_PF_X = 1
_DEBUG_SYMBOLS = """
__asm__(".pushsection .debug_padding, \\"\\", @progbits\\n .zero %d\\n .popsection");
"""
# The note of `ld -z x86-64-v3`: NT_GNU_PROPERTY_TYPE_0 with GNU_PROPERTY_X86_ISA_1_NEEDED, one bit for each level.
_LEVEL_NOTE = """
__asm__(".pushsection .note.level, \\"a\\", @note\\n .p2align 3\\n .long 4, 16, 5\\n .asciz \\"GNU\\"\\n"
        ".long 0xc0008002, 4, %d, 0\\n .popsection");
"""

# The layout of CPython's PyModuleDef under the stable ABI (Include/moduleobject.h), so that no Python.h is needed: the
# result is a real extension module that every CPython since 3.5 imports.
_EXTENSION = """
typedef struct object PyObject;
struct PyModuleDef {
    long references; void *type; void *init; long index; void *copy;
    const char *name, *documentation; long size;
    void *methods, *slots, *traverse, *clear, *release;
};
extern PyObject *PyModule_Create2(struct PyModuleDef *, int);
extern int PyModule_AddIntConstant(PyObject *, const char *, long);
static struct PyModuleDef definition = { .references = 1, .name = "%(name)s", .size = -1 };
__attribute__((visibility("default"))) PyObject *PyInit_%(name)s(void)
{
    PyObject *module = PyModule_Create2(&definition, 3); /* PYTHON_ABI_VERSION: the limited API */
    if (module) { PyModule_AddIntConstant(module, "answer", 42); }
    return module;
}
"""

Symbols = Mapping[str, tuple[str, ...]]  # by version; "" is unversioned


@dataclass(frozen=True, slots=True)
class Need:
    """A library to link against: its soname and the symbols taken from it, by version."""

    soname: str
    symbols: Symbols


@dataclass(frozen=True, slots=True)
class Native:
    """A native file. `target` as zig spells it; with a glibc version (`x86_64-linux-gnu.2.38`) the symbols in `calls`
    come from zig's glibc, without one nothing but `needs` is linked.

    `defines` makes it a library with these symbols, else it is an extension module that has the attribute `answer`.
    `weak` names versions whose symbols are all wanted weakly. `truncate` cuts the finished file to so many bytes;
    `sections=False` cuts it behind the last byte that the loader reads, so that the section headers are gone.
    `debug` adds so many bytes of debug symbols, which stay with `strip=False`.
    `texts` are constants in it. `program` makes it a position-independent program. `level` is the x86-64 level (2 to 4)
    that a note of it demands.
    """

    path: str
    target: str
    mode: int = 0o755
    soname: str | None = None
    calls: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    defines: Symbols | None = None
    weak: frozenset[str] = frozenset()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    strip: bool = True
    truncate: int | None = None
    sections: bool = True
    debug: int = 0
    program: bool = False
    level: int = 0
    executable_stack: bool = False
    texts: tuple[str, ...] = ()


def compile_native(native: Native) -> bytes:
    """Returns the file's bytes. Raises `RuntimeError` with what the compiler says."""
    inputs: dict[str, bytes] = {}
    flags = ["-Wl,--no-as-needed"] if native.needs else []
    for number, need in enumerate(native.needs):
        stub = f"stub{number}.so"
        inputs[stub] = _compile_library(native.target, need.soname, need.symbols)
        flags.append(stub)
    wanted = [(name, False) for name in native.calls]
    for need in native.needs:
        wanted += [(name, version in native.weak) for version, names in need.symbols.items() for name in names]
    if native.program:
        source = "void _start(void) {}\n"
        flags += ["-pie", "-Wl,-dynamic-linker,/lib64/ld-linux-x86-64.so.2"]
    elif native.defines is None:
        folder, _, file = native.path.rpartition("/")
        name = file.partition(".")[0]
        source = _EXTENSION % {"name": folder.rpartition("/")[2] if name == "__init__" else name}
    else:
        source = _definitions(native.defines)
        flags += _version_script(native.defines, inputs)
    for number, text in enumerate(native.texts):
        source += f"const char text{number}[] __attribute__((used, retain)) = {json.dumps(text)};\n"
    if native.debug:
        source += _DEBUG_SYMBOLS % native.debug
    if native.level:
        source += _LEVEL_NOTE % (1 << native.level - 1)
    inputs["source.c"] = (source + _references(wanted)).encode()
    if native.soname:
        flags.append(f"-Wl,-soname,{native.soname}")
    for tag, folders in (("--disable-new-dtags", native.rpath), ("--enable-new-dtags", native.runpath)):
        if folders:
            flags += [f"-Wl,{tag}", f"-Wl,-rpath,{':'.join(folders)}"]
    if native.strip:
        flags.append("-s")
    data = _compile(native.target, inputs, flags)
    for version in sorted(native.weak):
        data = _weaken(data, version)
    if native.executable_stack:
        data = _allow_execution(data)
    if not native.sections:
        data = data[: _end_of_segments(data)]
    return data[: native.truncate]


def _compile_library(target: str, soname: str, symbols: Symbols) -> bytes:
    inputs = {"source.c": _definitions(symbols).encode()}
    flags = [f"-Wl,-soname,{soname}", *_version_script(symbols, inputs)]
    return _compile(re.sub(r"\.\d.*$", "", target), inputs, flags)


def _definitions(symbols: Symbols) -> str:
    names = [name for group in symbols.values() for name in group]
    # The C names are others, so that the compiler does not take `stat` for the one it knows.
    lines = [
        f'__attribute__((visibility("default"))) void defined{number}(void) __asm__("{name}");\n'
        f"void defined{number}(void) {{}}\n"
        for number, name in enumerate(names)
    ]
    return "".join(lines) or "static int nothing __attribute__((used));\n"


def _references(symbols: list[tuple[str, bool]]) -> str:
    """Takes the address of every symbol, weakly where the second item is True."""
    if not symbols:
        return ""
    lines = [
        f'extern void wanted{number}(void) __asm__("{name}"){" __attribute__((weak))" if weak else ""};\n'
        for number, (name, weak) in enumerate(symbols)
    ]
    addresses = ", ".join(f"wanted{number}" for number in range(len(symbols)))
    return f"{''.join(lines)}static void (*wanted[])(void) __attribute__((used, retain)) = {{ {addresses} }};\n"


def _version_script(symbols: Symbols, inputs: dict[str, bytes]) -> list[str]:
    nodes = [f"{version} {{ global: {'; '.join(names)}; }};\n" for version, names in symbols.items() if version]
    if not nodes:
        return []
    inputs["versions.map"] = "".join(nodes).encode()
    return ["-Wl,--version-script,versions.map"]


def _weaken(data: bytes, version: str) -> bytes:
    """Sets the flag that lld never sets and GNU ld sets when all references are weak: `vna_flags`, after `vna_hash`."""
    value = 0
    for letter in version.encode():  # the hash of the System V ABI
        value = (value << 4) + letter
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    record = value.to_bytes(4, "little") + b"\0\0"
    if data.count(record) != 1:
        raise RuntimeError(f"{version}: found {data.count(record)} times, not once")
    return data.replace(record, record[:4] + _VER_FLG_WEAK.to_bytes(2, "little"))


def _allow_execution(data: bytes) -> bytes:
    """Sets the flag of the stack's program header of a 64-bit file, as `ld -z execstack` does: zig's cannot."""
    start: int = struct.unpack_from("<Q", data, 32)[0]
    size, count = struct.unpack_from("<HH", data, 54)
    changed = bytearray(data)
    for header in range(start, start + size * count, size):
        kind, flags = struct.unpack_from("<II", data, header)
        if kind == _PT_GNU_STACK:
            struct.pack_into("<I", changed, header + 4, flags | _PF_X)
    return bytes(changed)


def _end_of_segments(data: bytes) -> int:
    """Returns where the last loadable segment of a 64-bit file ends (elf(5): Elf64_Ehdr, Elf64_Phdr)."""
    start: int = struct.unpack_from("<Q", data, 32)[0]
    size, count = struct.unpack_from("<HH", data, 54)
    end = 0
    for header in range(start, start + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, header)
        if kind == _PT_LOAD:
            end = max(end, offset + length)
    return end


def _compile(target: str, inputs: Mapping[str, bytes], flags: list[str]) -> bytes:
    command = [
        "cc",
        "-target",
        target,
        *([] if "-pie" in flags else ["-shared"]),
        "-fPIC",
        "-O1",
        "-g0",
        "-o",
        "output.so",
        "source.c",
        *flags,
    ]
    if not _GLIBC_TARGET.search(target):
        command.append("-nostdlib")
    if "macos" in target:
        command.append("-Wl,-undefined,dynamic_lookup")
    key = hashlib.sha256(importlib.metadata.version("ziglang").encode())
    for text in (
        *(part.encode() for part in command),
        *(part for name in sorted(inputs) for part in (name.encode(), inputs[name])),
    ):
        key.update(b"%d:%b" % (len(text), text))
    kept = platformdirs.user_cache_path("lambdapack-tests", appauthor=False) / f"{key.hexdigest()}.so"
    if kept.is_file():
        return kept.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in inputs.items():
            Path(folder, name).write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-m", "ziglang", *command], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"zig {' '.join(command)}: {done.stderr}")
        data = Path(folder, "output.so").read_bytes()
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Another test process may be writing the same file: whoever is last replaces it by the same bytes.
    handle, temporary = tempfile.mkstemp(dir=kept.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(temporary).replace(kept)
    return data
