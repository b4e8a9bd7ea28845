"""Symbol tables, made here byte by byte: how many entries they have, and which of them count."""

from __future__ import annotations

import struct

import pytest

from lambdapack.facts.symbols import SymbolTable, read_symbols

LOCAL, GLOBAL, WEAK, UNIQUE = 0, 1, 2, 10
UNDEFINED, TEXT = 0, 7
Entry = tuple[str, int, int, int]  # name, binding, visibility, section


def names(undefined: str, defined: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(undefined.split()), frozenset(defined.split())


def relocations(numbers: list[int]) -> bytes:
    return b"".join(struct.pack("<QIIq", 0, 6, number, 0) for number in numbers)  # Elf64_Rela, R_X86_64_GLOB_DAT


def read_table(
    entries: list[Entry],
    hash_table: str = "sysv",
    *,
    cut: int = 0,
    relocated: list[int] | None = None,
    versions: list[int] | None = None,
) -> SymbolTable | None:
    """Reads a table of a null entry and these. Addresses are offsets; the strings follow the table."""
    strings, table = b"\0", bytes(24)
    for name, binding, visibility, section in entries:
        table += struct.pack("<IBBHQQ", len(strings), binding << 4, visibility, section, 0, 0)
        strings += name.encode() + b"\0"
    count = len(entries) + 1
    first = 1 + sum(section == UNDEFINED for *_, section in entries)
    # One bucket and one chain, whose last value has the lowest bit set.
    chain = [2 * number for number in range(count - first)]
    chain[-1:] = [1] if chain else []
    gnu = struct.pack("<4IQI", 1, first, 1, 0, 0, first if chain else 0) + struct.pack(f"<{len(chain)}I", *chain)
    hashes = {"sysv": struct.pack("<2I", 1, count), "gnu": gnu, "none": b""}[hash_table]
    data, tags = table, {"SYMTAB": 0, "STRTAB": len(table), "STRSZ": len(strings)}
    parts = {
        "STRTAB": strings,
        "VERSYM": b"".join(struct.pack("<H", version) for version in versions or ()),
        "RELA": relocations(list(range(1, count)) if relocated is None else relocated),
        {"gnu": "GNU_HASH"}.get(hash_table, "HASH"): hashes,
    }
    for tag, part in parts.items():
        if part:
            tags[tag] = len(data)
            data += part
    tags["RELASZ"] = len(parts["RELA"])
    return read_symbols(data[: len(data) - cut], tags, lambda address: address, {2: "libc.so.6"})


def read(entries: list[Entry], hash_table: str = "sysv") -> tuple[frozenset[str], frozenset[str]]:
    table = read_table(entries, hash_table)
    assert table is not None
    return table.undefined(), table.defined


@pytest.mark.parametrize("hash_table", ["sysv", "gnu", "none"])
class TestTables:
    def test_undefined_and_defined(self, hash_table: str) -> None:
        entries = [
            ("PyList_New", GLOBAL, 0, UNDEFINED),
            ("malloc", GLOBAL, 0, UNDEFINED),
            ("PyInit_x", GLOBAL, 0, TEXT),
        ]
        assert read(entries, hash_table) == names("PyList_New malloc", "PyInit_x")

    def test_nothing_defined(self, hash_table: str) -> None:
        entries = [("PyList_New", GLOBAL, 0, UNDEFINED), ("_Py_Dealloc", GLOBAL, 0, UNDEFINED)]
        assert read(entries, hash_table) == names("PyList_New _Py_Dealloc", "")


class TestEntries:
    def test_weak_reference_is_no_demand(self) -> None:
        assert read([("PyList_New", WEAK, 0, UNDEFINED)]) == names("", "")

    @pytest.mark.parametrize("binding", [WEAK, UNIQUE])
    def test_weak_and_unique_definitions_count(self, binding: int) -> None:
        assert read([("PyInit_x", binding, 0, TEXT)]) == names("", "PyInit_x")

    @pytest.mark.parametrize(("visibility", "seen"), [(0, True), (1, False), (2, False), (3, True)])
    def test_visibility(self, visibility: int, seen: bool) -> None:
        assert read([("PyInit_x", GLOBAL, visibility, TEXT)]) == names("", "PyInit_x" if seen else "")

    def test_local_does_not_count(self) -> None:
        assert read([("PyInit_x", LOCAL, 0, TEXT)]) == names("", "")

    def test_what_no_relocation_asks_for_is_no_demand(self) -> None:
        table = read_table([("used", GLOBAL, 0, UNDEFINED), ("unused", GLOBAL, 0, UNDEFINED)], relocated=[1, 0])
        assert table is not None
        assert table.undefined() == {"used"}

    def test_library_whose_version_is_wanted_can_be_left_out(self) -> None:
        entries = [("memcpy", GLOBAL, 0, UNDEFINED), ("plain", GLOBAL, 0, UNDEFINED)]
        table = read_table(entries, versions=[0, 0x8002, 1])
        assert table is not None
        assert table.undefined() == {"memcpy", "plain"}
        assert table.undefined(without={"libc.so.6"}) == {"plain"}

    def test_name_in_the_tail_of_another(self) -> None:
        strings = b"\0_PyObject_New\0"
        table = bytes(24) + b"".join(struct.pack("<IBBHQQ", name, 0x10, 0, 0, 0, 0) for name in (1, 2))
        data = table + strings + struct.pack("<2I", 1, 3) + relocations([1, 2])
        tags = {"SYMTAB": 0, "STRTAB": 72, "STRSZ": len(strings), "HASH": 72 + len(strings)}
        tags |= {"JMPREL": 80 + len(strings), "PLTRELSZ": 48}
        found = read_symbols(data, tags, lambda address: address, {})
        assert found is not None
        assert found.undefined() == {"_PyObject_New", "PyObject_New"}


class TestDamage:
    def test_no_table_is_no_symbols(self) -> None:
        table = read_symbols(b"", {}, lambda address: address, {})
        assert table is not None
        assert (table.undefined(), table.defined) == (frozenset(), frozenset())

    def test_a_count_beyond_the_end_is_not_read(self) -> None:
        data = bytes(24) + b"\0Py\0" + struct.pack("<2I", 1, 1 << 30)
        tags = {"SYMTAB": 0, "STRTAB": 24, "STRSZ": 4, "HASH": 28}
        assert read_symbols(data, tags, lambda address: address, {}) is None

    def test_a_hash_table_that_is_cut_short_is_not_read(self) -> None:
        assert read_table([("PyInit_x", GLOBAL, 0, TEXT)], "gnu", cut=4) is None

    def test_a_name_beyond_the_strings_is_none(self) -> None:
        data = bytes(24) + struct.pack("<IBBHQQ", 99, 0x10, 0, 7, 0, 0) + b"\0x\0" + struct.pack("<2I", 1, 2)
        found = read_symbols(data, {"SYMTAB": 0, "STRTAB": 48, "STRSZ": 3, "HASH": 51}, lambda address: address, {})
        assert found is not None
        assert found.defined == frozenset({""})
