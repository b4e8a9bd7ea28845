"""The C-API of every Python: what is known from its documentation, and the running interpreter where it exports it."""

from __future__ import annotations

import ctypes
import sys

import pytest

from lambdapack.profiles import MalformedProfile, known_runtimes, load_profile, load_python_symbols, python_symbols
from lambdapack.profiles.symbols import parse_python_symbols


@pytest.mark.parametrize(
    ("name", "first"),
    [  # "New in version" of Doc/c-api
        ("PyType_FromModuleAndSpec", 9),
        ("Py_NewRef", 10),
        ("PyType_GetQualName", 11),
        ("PyErr_GetRaisedException", 12),
        ("PyType_FromMetaclass", 12),
        ("PyDict_GetItemRef", 13),
        ("PyUnicodeWriter_Create", 14),
        ("PyModule_FromSlotsAndSpec", 15),
    ],
)
def test_since(name: str, first: int) -> None:
    assert load_python_symbols().history[name] == tuple((3, minor) for minor in range(first, 16))


@pytest.mark.parametrize(
    ("name", "last"), [("PyParser_SimpleParseString", 9), ("PyUnicode_Encode", 10), ("PyCode_New", 11)]
)
def test_until(name: str, last: int) -> None:
    assert load_python_symbols().history[name] == tuple((3, minor) for minor in range(9, last + 1))


def test_every_runtime_is_known() -> None:
    assert set(load_python_symbols().pythons) == {load_profile(name, "arm64").python for name in known_runtimes()}
    assert all(len(python_symbols(python) or ()) > 1500 for python in load_python_symbols().pythons)
    assert python_symbols((3, 8)) is None


def test_no_public_name_comes_back() -> None:
    """What justifies calling a missing public name certain: it comes and goes once."""
    known = load_python_symbols()
    for name, history in known.history.items():
        if name.startswith("Py") or name in known.stable_private:
            between = [python for python in known.pythons if history[0] <= python <= history[-1]]
            assert list(history) == between, name


@pytest.mark.skipif(sys.platform != "linux" or sys.version_info.releaselevel != "final", reason="a release on Linux")
def test_running_interpreter_has_the_public_names() -> None:
    names = python_symbols(sys.version_info[:2])
    if names is None:
        pytest.skip("no runtime has this Python")
    missing = [name for name in sorted(names) if name.startswith("Py") and not hasattr(ctypes.pythonapi, name)]
    # Some builds leave out what needs another file of the library.
    assert set(missing) <= {"PyNode_ListTree", "Py_FrozenMain"}


def test_written_as_read() -> None:
    known = load_python_symbols()
    assert parse_python_symbols(known.to_json()) == known


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1, "symbols": {"x": []}}']
)
def test_malformed(text: str) -> None:
    with pytest.raises(MalformedProfile):
        parse_python_symbols(text)
