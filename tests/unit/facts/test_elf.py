"""ELF facts: as readelf reads them, and never a crash on a file that is not what it claims to be."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from lambdapack.facts.elf import ElfFacts, NotElf, VersionNeed
from lambdapack.facts.elf_reading import read_elf
from tests.recipes import Native, Need, compile_native, natives_of_recipes

READELF = shutil.which("readelf")
MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64", "Intel 80386": "i386"}
KINDS = {
    "EXEC (Executable file)": "program",
    "DYN (Shared object file)": "library",
    "DYN (Position-Independent Executable file)": "position-independent program",
}
# 32-bit, and 64-bit with the other byte order.
TARGETS_READ_GENERALLY = ("x86-linux-gnu", "s390x-linux-gnu")
PLAIN = Native("plain.so", "x86_64-linux-gnu")
RICH = Native(
    "rich.so",
    "x86_64-linux-gnu",
    soname="librich.so.1",
    needs=(
        Need("libc.so.6", {"GLIBC_2.2.5": ("memcpy",), "GLIBC_2.38": ("strlcpy",)}),
        Need("libspeed.so.1", {"": ("speed",)}),
    ),
    defines={"RICH_1.0": ("old",), "RICH_2.0": ("new",)},
    weak=frozenset({"GLIBC_2.38"}),
    runpath=("$ORIGIN/../rich.libs", "/opt/lib"),
)


def facts_of(native: Native) -> ElfFacts:
    facts = read_elf(compile_native(native))
    assert isinstance(facts, ElfFacts)
    return facts


NATIVES = {"plain": PLAIN, "rich": RICH, **natives_of_recipes()}


class TestFacts:
    def test_of_a_file_that_asks_for_nothing(self) -> None:
        facts = facts_of(PLAIN)
        assert facts.symbols is not None
        assert facts.symbols.undefined() == {"PyModule_Create2", "PyModule_AddIntConstant"}
        assert facts.symbols.defined == {"PyInit_plain"}
        assert dataclasses.replace(facts, symbols=None, least_alignment=4096, debug_bytes=0) == ElfFacts(
            bits=64,
            machine="x86_64",
            kind="library",
            interpreter=None,
            soname=None,
            needed=(),
            rpath=(),
            runpath=(),
            default_folders=True,
            version_needs=(),
            defined_versions=frozenset(),
            missing_bytes=0,
            loadable=True,
            dynamic=True,
            least_alignment=4096,
            misaligned_at=0,
            executable_stack=False,
            isa_level=0,
            debug_bytes=0,
            symbols=None,
        )

    def test_of_a_file_that_asks_for_everything(self) -> None:
        facts = facts_of(RICH)
        assert facts.soname == "librich.so.1"
        assert facts.needed == ("libc.so.6", "libspeed.so.1")
        assert facts.runpath == ("$ORIGIN/../rich.libs", "/opt/lib")
        assert facts.rpath == ()
        assert set(facts.version_needs) == {
            VersionNeed("libc.so.6", "GLIBC_2.2.5", weak=False),
            VersionNeed("libc.so.6", "GLIBC_2.38", weak=True),
        }
        assert {"RICH_1.0", "RICH_2.0"} <= facts.defined_versions

    def test_rpath_is_not_runpath(self) -> None:
        facts = facts_of(dataclasses.replace(PLAIN, rpath=("$ORIGIN",)))
        assert (facts.rpath, facts.runpath) == (("$ORIGIN",), ())

    @pytest.mark.parametrize(
        ("target", "machine", "bits"),
        [
            ("aarch64-linux-gnu", "aarch64", 64),
            ("x86-linux-gnu", "i386", 32),
            ("arm-linux-gnueabihf", "arm", 32),
            ("powerpc64le-linux-gnu", "ppc64", 64),
            ("s390x-linux-gnu", "s390x", 64),  # big-endian
            ("riscv64-linux-gnu", "riscv", 64),
        ],
    )
    def test_machine(self, target: str, machine: str, bits: int) -> None:
        facts = facts_of(dataclasses.replace(PLAIN, target=target, soname="libplain.so"))
        assert (facts.machine, facts.bits, facts.soname) == (machine, bits, "libplain.so")

    def test_demand_is_what_is_called_not_what_is_linked_against(self) -> None:
        native = Native("f.so", "x86_64-linux-gnu.2.38", calls=("strlcpy", "stat", "pthread_create", "memcpy"))
        assert {need.version for need in facts_of(native).version_needs} == {
            "GLIBC_2.38",
            "GLIBC_2.33",
            "GLIBC_2.34",
            "GLIBC_2.14",
        }


@pytest.mark.skipif(READELF is None, reason="needs readelf of the GNU binutils")
class TestAgainstReadelf:
    @pytest.mark.parametrize("native", NATIVES.values(), ids=NATIVES)
    def test_same_facts(self, native: Native, tmp_path: Path) -> None:
        data = compile_native(native)
        path = tmp_path / "file.so"
        path.write_bytes(data)
        facts = read_elf(data)
        assert isinstance(facts, ElfFacts)
        expected = self.read(path)
        assert {key: dataclasses.asdict(facts)[key] for key in expected} == expected
        assert facts.defined_versions == self.definitions(path)
        if facts.bits == 64:
            assert facts.symbols is not None
            assert (facts.symbols.undefined(), facts.symbols.defined) == self.symbols(path)

    def test_same_symbols_of_real_files(self) -> None:
        folders = {sysconfig.get_path(name) for name in ("platlib", "platstdlib")}
        files = sorted(path for folder in folders for path in Path(folder).rglob("*.so*") if path.is_file())
        read = {path: read_elf(path.read_bytes()) for path in files}
        known = {path: facts for path, facts in read.items() if isinstance(facts, ElfFacts) and facts.bits == 64}
        if not known:
            pytest.skip("this Python has no native modules in files of their own")
        for path, facts in known.items():
            assert facts.symbols is not None
            undefined, defined = self.symbols(path)
            assert (path, facts.symbols.undefined(), facts.symbols.defined) == (path, undefined, defined)

    @staticmethod
    def run(option: str, path: Path) -> str:
        done = subprocess.run(
            [READELF or "readelf", option, "--wide", path],
            capture_output=True,
            text=True,
            check=True,
            env={"LC_ALL": "C"},
        )
        return done.stdout

    def read(self, path: Path) -> dict[str, object]:
        header, dynamic = self.run("--file-header", path), self.run("--dynamic", path)

        def field(name: str) -> str:
            match = re.search(rf"^\s*{name}:\s+(.*)$", header, re.MULTILINE)
            assert match, header
            return match[1].strip()

        def tags(name: str) -> list[str]:
            return re.findall(rf"\({name}\).*\[(.*)\]", dynamic)

        return {
            "bits": 64 if field("Class") == "ELF64" else 32,
            "machine": MACHINES[field("Machine")],
            "kind": KINDS[field("Type")],
            "soname": next(iter(tags("SONAME")), None),
            "needed": tuple(tags("NEEDED")),
            "rpath": tuple(folder for text in tags("RPATH") for folder in text.split(":")),
            "runpath": tuple(folder for text in tags("RUNPATH") for folder in text.split(":")),
            "version_needs": tuple(self.needs(path)),
            "missing_bytes": 0,
        }

    def symbols(self, path: Path) -> tuple[frozenset[str], frozenset[str]]:
        """What relocations ask for and nothing here defines, and what others can take."""
        undefined, defined = set(), set()
        line = re.compile(
            r"^ *(?P<number>\d+): \w+ +\w+ \w+ +(?P<bind><[^>]*>: \d+|\w+) +(?P<visibility>\w+) "
            r".*?(?P<section>\w+) (?P<name>\S+)"
        )
        relocated = {
            int(info[:-8], 16) for info in re.findall(r"^\w{16} +(\w{16}) ", self.run("--relocs", path), re.MULTILINE)
        }
        for text in self.run("--dyn-syms", path).splitlines():
            match = line.match(text)
            if match is None or match["bind"] == "LOCAL":
                continue
            name = match["name"].partition("@")[0]
            if match["section"] == "UND":
                undefined |= {name} if match["bind"] != "WEAK" and int(match["number"]) in relocated else set()
            elif match["visibility"] in ("DEFAULT", "PROTECTED"):
                defined.add(name)
        return frozenset(undefined), frozenset(defined)

    def needs(self, path: Path) -> list[dict[str, object]]:
        needs: list[dict[str, object]] = []
        library = ""
        for line in self.run("--version-info", path).partition("Version needs section")[2].splitlines():
            if file := re.search(r"File: (\S+)", line):
                library = file[1]
            elif name := re.search(r"Name: (\S+)\s+Flags: (.*?)\s+Version:", line):
                needs.append({"library": library, "version": name[1], "weak": "WEAK" in name[2]})
        return needs

    def definitions(self, path: Path) -> set[str]:
        text = self.run("--version-info", path).partition("Version definition section")[2]
        return set(re.findall(r"Rev: \d.*Name: (\S+)", text.partition("Version needs section")[0]))


class TestTruncation:
    def test_says_how_much_is_missing(self) -> None:
        whole = compile_native(dataclasses.replace(RICH, sections=False))
        facts = read_elf(whole[:-100])
        assert isinstance(facts, ElfFacts)
        assert facts.missing_bytes == 100

    def test_section_headers_are_not_missed(self) -> None:
        facts = facts_of(dataclasses.replace(RICH, sections=False))
        assert facts == dataclasses.replace(facts_of(RICH), debug_bytes=0)

    def test_stripping_changes_only_what_it_takes_away(self) -> None:
        whole, stripped = facts_of(dataclasses.replace(RICH, strip=False)), facts_of(RICH)
        assert whole.debug_bytes > stripped.debug_bytes
        assert dataclasses.replace(whole, debug_bytes=0) == dataclasses.replace(stripped, debug_bytes=0)

    def test_no_prefix_crashes(self) -> None:
        data = compile_native(RICH)
        read = [read_elf(data[:length]) for length in range(len(data))]
        assert {type(facts) for facts in read} <= {ElfFacts, NotElf}

    @pytest.mark.parametrize("target", TARGETS_READ_GENERALLY)
    def test_no_prefix_crashes_the_general_reader(self, target: str) -> None:
        data = compile_native(dataclasses.replace(RICH, target=target, weak=frozenset()))
        read = [read_elf(data[:length]) for length in range(0, len(data), 7)]
        assert {type(facts) for facts in read} == {ElfFacts, NotElf}

    @pytest.mark.parametrize("target", TARGETS_READ_GENERALLY)
    def test_no_damaged_byte_crashes_the_general_reader(self, target: str) -> None:
        data = compile_native(dataclasses.replace(RICH, target=target, weak=frozenset()))
        for position in (*range(4, 400), *range(400, len(data), 7)):
            for value in (0x00, 0xFF, data[position] ^ 0x80):
                assert isinstance(read_elf(data[:position] + bytes((value,)) + data[position + 1 :]), ElfFacts | NotElf)

    def test_no_damaged_byte_crashes(self) -> None:
        data = compile_native(RICH)
        for position in range(4, len(data)):
            for value in (0x00, 0xFF, data[position] ^ 0x80):
                assert isinstance(read_elf(data[:position] + bytes((value,)) + data[position + 1 :]), ElfFacts | NotElf)


class TestNotElf:
    @pytest.mark.parametrize(
        ("head", "what"),
        [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\n", "a Git LFS pointer"),
            (b"/* GNU ld script\n   Use the shared library */\nGROUP ( libc.so.6 )\n", "a linker script"),
            (b"INPUT ( libncurses.so.6 -ltinfo )\n", "a linker script"),
            (b"GROUP ( /lib64/libpthread.so.0 )\n", "a linker script"),
            (b"MZ\x90\0\x03", "a Windows binary (PE)"),
            (b"\xcf\xfa\xed\xfe\x0c\0\0\x01", "a macOS binary (Mach-O)"),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", "a macOS universal binary (Mach-O)"),
            (b"!<arch>\n", "a static library"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"\x1f\x8b\x08", "gzip data"),
        ],
    )
    def test_is_named(self, head: bytes, what: str) -> None:
        for data in (head, head.ljust(4096, b"\0")):
            facts = read_elf(data)
            assert isinstance(facts, NotElf)
            assert facts.what.startswith(what)

    @pytest.mark.parametrize(
        ("data", "what", "loader_text"),
        [
            (b"", "empty", "file too short"),
            (b"\x7fELF\x02\x01", "too short to be a library", "file too short"),
            (b"hello\n" * 100, "not an ELF file", "invalid ELF header"),
        ],
    )
    def test_what_the_loader_says(self, data: bytes, what: str, loader_text: str) -> None:
        assert read_elf(data) == NotElf(what, loader_text)

    def test_real_macos_binary(self) -> None:
        facts = read_elf(compile_native(dataclasses.replace(PLAIN, target="aarch64-macos")))
        assert isinstance(facts, NotElf)
        assert facts.what == "a macOS binary (Mach-O)"
