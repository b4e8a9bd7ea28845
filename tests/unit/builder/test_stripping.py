"""Native files without debug symbols: shorter, loaded the same way, the same bytes every time."""

from __future__ import annotations

import ctypes
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lambdapack.builder.stripping import stripped
from lambdapack.facts.elf import ElfFacts
from lambdapack.facts.elf_reading import read_elf

SOURCE = """
static int helper(int x) { return x * 2 + 1; }
__attribute__((visibility("default"))) int answer(void) { return helper(20) + 1; }
"""


def compiled(folder: Path, target: str) -> bytes:
    source, output = folder / "a.c", folder / f"{target}.so"
    source.write_text(SOURCE + "".join(f"int unused_{n}(int a) {{ return a + {n}; }}\n" for n in range(100)))
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-shared",
        "-g",
        "-O2",
        "-target",
        target,
        "-o",
        str(output),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return output.read_bytes()


@pytest.fixture(scope="module", params=["x86_64-linux-gnu.2.26", "aarch64-linux-gnu.2.26"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    return request.param, compiled(tmp_path_factory.mktemp("native"), request.param)


def test_what_the_loader_reads_stays(library: tuple[str, bytes]) -> None:
    content = library[1]
    short = stripped(content)
    assert short is not None
    assert len(short) < len(content) * 0.8
    assert short == stripped(content)
    assert b".debug_info" not in short
    before, after = read_elf(content), read_elf(short)
    assert isinstance(before, ElfFacts)
    assert isinstance(after, ElfFacts)
    for name in ("machine", "soname", "needed", "runpath", "version_needs", "defined_versions"):
        assert getattr(before, name) == getattr(after, name)


@pytest.mark.skipif(sys.platform != "linux", reason="loads a library of Linux")
def test_it_is_loaded(library: tuple[str, bytes], tmp_path: Path) -> None:
    target, content = library
    if not target.startswith(platform.machine()):
        pytest.skip(f"this machine is {platform.machine()}")
    short = stripped(content)
    assert short is not None
    (tmp_path / "a.so").write_bytes(short)
    assert ctypes.CDLL(str(tmp_path / "a.so")).answer() == 42


def test_in_doubt_nothing_is_cut(library: tuple[str, bytes]) -> None:
    content = library[1]
    short = stripped(content)
    assert short is not None
    assert stripped(short) is None
    assert stripped(content + b"payload that the file reads itself") is None
    assert stripped(content[: len(content) // 2]) is None
    assert stripped(b"\x7fELF\x01\x01" + content[6:]) is None
    assert stripped(b"#!/bin/sh\n") is None
    broken = bytearray(content)
    struct.pack_into("<H", broken, 58, 12)  # the size of section headers
    assert stripped(bytes(broken)) is None
