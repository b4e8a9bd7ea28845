"""Symbol tables, made here byte by byte: how many entries they have, and which of them count."""

from __future__ import annotations

import struct

import pytest

from lambdapack.facts.symbols import read_python_symbols

LOCAL, GLOBAL, WEAK = 0, 1, 2
UNDEFINED, TEXT = 0, 7
Entry = tuple[str, int, int, int]  # name, binding, visibility, section


def names(undefined: str, defined: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(undefined.split()), frozenset(defined.split())


def read(
    entries: list[Entry], hash_table: str = "sysv", *, cut: int = 0
) -> tuple[frozenset[str], frozenset[str]] | None:
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
    data = table + strings + hashes
    tags = {"DT_SYMTAB": 0, "DT_STRTAB": len(table), "DT_STRSZ": len(strings)}
    if hashes:
        tags[{"sysv": "DT_HASH", "gnu": "DT_GNU_HASH"}[hash_table]] = len(table) + len(strings)
    return read_python_symbols(data[: len(data) - cut], tags, lambda address: address)


@pytest.mark.parametrize("hash_table", ["sysv", "gnu", "none"])
class TestTables:
    def test_undefined_and_defined(self, hash_table: str) -> None:
        entries = [
            ("PyList_New", GLOBAL, 0, UNDEFINED),
            ("malloc", GLOBAL, 0, UNDEFINED),
            ("PyInit_x", GLOBAL, 0, TEXT),
        ]
        assert read(entries, hash_table) == names("PyList_New", "PyInit_x")

    def test_nothing_defined(self, hash_table: str) -> None:
        entries = [("PyList_New", GLOBAL, 0, UNDEFINED), ("_Py_Dealloc", GLOBAL, 0, UNDEFINED)]
        assert read(entries, hash_table) == names("PyList_New _Py_Dealloc", "")


class TestEntries:
    def test_weak_reference_is_no_demand(self) -> None:
        assert read([("PyList_New", WEAK, 0, UNDEFINED)]) == names("", "")

    def test_weak_definition_counts(self) -> None:
        assert read([("PyInit_x", WEAK, 0, TEXT)]) == names("", "PyInit_x")

    @pytest.mark.parametrize(("visibility", "seen"), [(0, True), (1, False), (2, False), (3, True)])
    def test_visibility(self, visibility: int, seen: bool) -> None:
        assert read([("PyInit_x", GLOBAL, visibility, TEXT)]) == names("", "PyInit_x" if seen else "")

    def test_local_does_not_count(self) -> None:
        assert read([("PyInit_x", LOCAL, 0, TEXT)]) == names("", "")

    def test_name_in_the_tail_of_another(self) -> None:
        strings = b"\0_PyObject_New\0"
        table = bytes(24) + b"".join(struct.pack("<IBBHQQ", name, 0x10, 0, 0, 0, 0) for name in (1, 2))
        data = table + strings + struct.pack("<2I", 1, 3)
        tags = {"DT_SYMTAB": 0, "DT_STRTAB": 72, "DT_STRSZ": len(strings), "DT_HASH": 72 + len(strings)}
        found = read_python_symbols(data, tags, lambda address: address)
        assert found == names("_PyObject_New PyObject_New", "")


class TestDamage:
    def test_no_table_is_no_symbols(self) -> None:
        assert read_python_symbols(b"", {}, lambda address: address) == names("", "")

    def test_a_count_beyond_the_end_is_not_read(self) -> None:
        data = bytes(24) + b"\0Py\0" + struct.pack("<2I", 1, 1 << 30)
        tags = {"DT_SYMTAB": 0, "DT_STRTAB": 24, "DT_STRSZ": 4, "DT_HASH": 28}
        assert read_python_symbols(data, tags, lambda address: address) is None

    def test_a_hash_table_that_is_cut_short_is_not_read(self) -> None:
        assert read([("PyInit_x", GLOBAL, 0, TEXT)], "gnu", cut=4) is None
