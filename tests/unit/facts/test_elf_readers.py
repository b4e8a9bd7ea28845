"""The quick reader and pyelftools say the same of every file that both take: compiled ones, and this machine's."""

from __future__ import annotations

import dataclasses
import functools
import io
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from lambdapack.facts.elf import MAGIC
from lambdapack.facts.elf_general import read_generally
from lambdapack.facts.elf_struct import read_by_struct
from tests.recipes import Native, Need, compile_native, natives_of_recipes

LITTLE_ENDIAN_64 = MAGIC + b"\x02\x01"
# Of a file whose symbols are compared: pyelftools would take a minute for those of the larger ones.
MOST_BYTES_OF_SYMBOLS = 200_000
LIBRARY = Native(
    "library.so",
    "x86_64-linux-gnu",
    soname="library.so.1",
    needs=(
        Need("libc.so.6", {"GLIBC_2.2.5": ("memcpy",), "GLIBC_2.38": ("strlcpy",)}),
        Need("libspeed.so.1", {"": ("speed",)}),
    ),
    defines={"LIBRARY_1.0": ("old",), "LIBRARY_2.0": ("new", "newer")},
)
MODULE = Native("module.so", "x86_64-linux-gnu")
COMPILED = {
    "library": LIBRARY,
    "weak need": dataclasses.replace(LIBRARY, weak=frozenset({"GLIBC_2.38"})),
    "aarch64": dataclasses.replace(LIBRARY, target="aarch64-linux-gnu"),
    "ppc64le": dataclasses.replace(LIBRARY, target="powerpc64le-linux-gnu"),
    "riscv64": dataclasses.replace(LIBRARY, target="riscv64-linux-gnu"),
    "musl": dataclasses.replace(MODULE, target="x86_64-linux-musl", needs=(Need("libc.so", {"": ("malloc",)}),)),
    "rpath": dataclasses.replace(MODULE, rpath=("$ORIGIN", "/opt/lib")),
    "runpath": dataclasses.replace(MODULE, runpath=("$ORIGIN/../module.libs", "/opt/lib")),
    "program": dataclasses.replace(MODULE, program=True),
    "level 3": dataclasses.replace(MODULE, level=3),
    "executable stack": dataclasses.replace(MODULE, executable_stack=True),
    "debug symbols": dataclasses.replace(LIBRARY, strip=False, debug=10_000),
    "no sections": dataclasses.replace(LIBRARY, sections=False),
    "cut short": dataclasses.replace(LIBRARY, truncate=1_200),
    **{name: native for name, native in natives_of_recipes().items() if not native.target.startswith("x86-")},
}
# pyelftools looks for symbols' names in sections.
WITH_SYMBOLS = COMPILED.keys() - {"cut short", "no sections"}


def assert_agreement(data: bytes, name: object) -> None:
    quick, general = read_by_struct(data), read_generally(data)
    for field in dataclasses.fields(quick):
        if field.name != "symbols":  # which the general reader leaves out
            values = getattr(quick, field.name), getattr(general, field.name)
            assert values[0] == values[1], (name, field.name)


def assert_same_symbols(data: bytes, name: object) -> None:
    symbols = read_by_struct(data).symbols
    assert symbols is not None
    assert (name, symbols.undefined(), symbols.defined) == (name, *symbols_by_pyelftools(data))


def symbols_by_pyelftools(data: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """What relocations ask for and nothing here defines, and what others can take."""
    elf = ELFFile(io.BytesIO(data))
    dynamic = next((segment for segment in elf.iter_segments() if isinstance(segment, DynamicSegment)), None)
    if dynamic is None:
        return frozenset(), frozenset()
    tables: dict[str, Any] = dict(dynamic.get_relocation_tables())
    relocated = {
        relocation["r_info_sym"]
        for name in ("RELA", "JMPREL")
        if name in tables
        for relocation in tables[name].iter_relocations()
    }
    undefined, defined = set(), set()
    for number, symbol in enumerate(dynamic.iter_symbols()):
        bind, visible = symbol["st_info"]["bind"], symbol["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED")
        if symbol["st_shndx"] == "SHN_UNDEF":
            undefined |= {symbol.name} if bind == "STB_GLOBAL" and number in relocated else set()
        # pyelftools has no name for STB_GNU_UNIQUE, which is the first number left to operating systems.
        elif bind in ("STB_GLOBAL", "STB_WEAK", "STB_LOOS") and visible:
            defined.add(symbol.name)
    return frozenset(undefined), frozenset(defined)


def paths_here() -> Iterator[Path]:
    """Yields the native files of this Python, of what is installed in it, and of the system's own folders."""
    deep = {sysconfig.get_path(name) for name in ("platlib", "platstdlib")}
    system = {"/lib64", "/usr/lib64", "/usr/lib", f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"}
    flat = {sysconfig.get_config_var("LIBDIR"), *system}
    found = {path for folder in deep for path in Path(folder).rglob("*.so*")}
    found |= {path for folder in flat if folder for path in Path(folder).glob("*.so*")}
    yield from sorted({path.resolve() for path in (*found, Path(sys.executable)) if path.is_file()})


@functools.cache
def files_here() -> dict[Path, bytes]:
    """The content of those that both readers take."""
    found = {path: path.read_bytes() for path in paths_here() if path.stat().st_size < 20_000_000}
    files = {path: data for path, data in found.items() if data.startswith(LITTLE_ENDIAN_64)}
    if not files:
        pytest.skip("nothing on this machine is a 64-bit ELF file")
    return files


@pytest.mark.parametrize("native", COMPILED.values(), ids=COMPILED)
def test_compiled_files(native: Native) -> None:
    assert_agreement(compile_native(native), native.path)


@pytest.mark.parametrize("name", sorted(WITH_SYMBOLS))
def test_symbols_of_compiled_files(name: str) -> None:
    assert_same_symbols(compile_native(COMPILED[name]), name)


def test_object_file(tmp_path: Path) -> None:
    tmp_path.joinpath("object.c").write_text("int answer(void) { return 42; }\n")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-gnu", "-c", "object.c"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    data = tmp_path.joinpath("object.o").read_bytes()
    assert read_by_struct(data).kind == "object file"
    assert_agreement(data, "object.o")


def test_files_of_this_machine() -> None:
    for path, data in files_here().items():
        assert_agreement(data, path)


def test_symbols_of_files_of_this_machine() -> None:
    for path, data in files_here().items():
        if len(data) < MOST_BYTES_OF_SYMBOLS:
            assert_same_symbols(data, path)


@pytest.mark.parametrize(("target", "loaded"), [("x86_64-linux-gnu", False), ("x86-linux-gnu", True)])
def test_pyelftools_is_loaded_only_for_files_of_other_machines(target: str, loaded: bool, tmp_path: Path) -> None:
    path = tmp_path / "module.so"
    path.write_bytes(compile_native(dataclasses.replace(MODULE, target=target)))
    code = (
        "import sys; from pathlib import Path; from lambdapack.facts.elf_reading import read_elf;"
        "print(read_elf(Path(sys.argv[1]).read_bytes()).kind, 'elftools' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["library", str(loaded)]
