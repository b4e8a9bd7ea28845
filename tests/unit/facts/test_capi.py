"""What a Python lacks of what native code asks for, and which function an import calls."""

from __future__ import annotations

import pytest

from lambdapack.facts.capi import Lack, init_functions, lacking
from lambdapack.profiles import known_runtimes, load_profile


def lacks(python: tuple[int, int], *names: str) -> list[Lack]:
    return list(lacking(frozenset(names), python))


class TestLacking:
    def test_what_every_python_has(self) -> None:
        names = ("PyList_New", "PyModuleDef_Init", "PyExc_ValueError", "_Py_NoneStruct", "_Py_Dealloc")
        for runtime in known_runtimes():
            assert lacks(load_profile(runtime, "x86_64").python, *names) == []

    def test_public_name_of_later_versions(self) -> None:
        assert lacks((3, 13), "PyLong_IsZero") == [Lack("PyLong_IsZero", ("3.14", "3.15"), certain=True)]

    def test_public_name_of_earlier_versions(self) -> None:
        assert lacks((3, 12), "PyUnicode_AsUnicode") == [
            Lack("PyUnicode_AsUnicode", ("3.9", "3.10", "3.11"), certain=True)
        ]

    def test_private_name_of_later_versions_may_come_with_a_patch_release(self) -> None:
        (lack,) = lacks((3, 12), "_PyType_GetModuleByDef3")
        assert not lack.certain

    def test_unstable_name_is_private(self) -> None:
        (lack,) = lacks((3, 13), "PyUnstable_ThreadState_SetStackProtection")
        assert not lack.certain

    def test_private_name_of_the_stable_abi_does_not(self) -> None:
        assert [lack.certain for lack in lacks((3, 9), "_Py_IncRef", "_Py_DecRef")] == [True, True]

    def test_private_name_that_was_taken_away_does_not_come_back(self) -> None:
        (lack,) = lacks((3, 15), "_PyUnicode_AsUnicode")
        assert lack.certain
        assert lack.pythons[-1] == "3.11"

    def test_name_that_no_python_has(self) -> None:
        assert lacks((3, 13), "PyArray_API", "_PyGreenlet_API", "Pyramid_Build") == []

    def test_unknown_python(self) -> None:
        assert lacks((3, 99), "PyUnicode_AsUnicode") == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/var/task/fast/_fast.cpython-313-x86_64-linux-gnu.so", ("PyInit__fast",)),
        ("/var/task/_fast.abi3.so", ("PyInit__fast",)),
        ("/var/task/_fast.so", ("PyInit__fast",)),
        ("/var/task/fast/__init__.so", ("PyInit_fast",)),
        ("/var/task/lančmít.so", ("PyInitU_lanmt_2sa6t",)),  # the example of PEP 489
        ("/var/task/スパム.so", ("PyInitU_zck5b2b",)),
    ],
)
def test_init_functions(path: str, names: tuple[str, ...]) -> None:
    assert init_functions(path, (3, 14)) == names
    newer = tuple(name.replace("PyInit", "PyModExport") for name in names)
    assert init_functions(path, (3, 15)) == (*newer, *names)
