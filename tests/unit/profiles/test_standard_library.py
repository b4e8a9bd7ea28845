"""What is said of the standard library, held against this interpreter's own."""

from __future__ import annotations

import importlib
import sys

import pytest

from lambdapack.profiles import load_standard_library

HERE = (3, sys.version_info[1])
KNOWN = (3, 9) <= HERE <= (3, 15)


@pytest.mark.parametrize(
    ("python", "module", "name", "lacking"),
    [
        ((3, 10), "datetime", "UTC", True),
        ((3, 11), "datetime", "UTC", False),
        ((3, 9), "collections", "Mapping", False),
        ((3, 10), "collections", "Mapping", True),
        ((3, 11), "itertools", "batched", True),
        ((3, 12), "itertools", "batched", False),
        ((3, 9), "typing", "ParamSpec", True),
        ((3, 12), "asyncio", "coroutine", True),
        ((3, 13), "typing", "override", False),
        ((3, 13), "typing", "_private", False),  # private names are not recorded
        ((3, 13), "no_such_module", "x", False),
        ((3, 13), "os", "startfile", True),  # Windows only
    ],
)
def test_lacking_names(python: tuple[int, int], module: str, name: str, lacking: bool) -> None:
    assert load_standard_library().lacks(python, module, name) is lacking


def test_imports() -> None:
    library = load_standard_library()
    assert "calendar:timegm" in library.imports((3, 12), "http.cookiejar")
    assert "random:Random" in library.imports((3, 9), "tempfile")
    assert library.imports((3, 12), "imp") == ()


@pytest.mark.skipif(not KNOWN, reason="needs a Python that Lambda has")
def test_nothing_that_this_interpreter_has_is_lacking() -> None:
    library = load_standard_library()
    for name in ("asyncio", "collections", "datetime", "functools", "importlib", "os", "ssl", "typing", "urllib.parse"):
        module = importlib.import_module(name)
        own = [item for item in dir(module) if type(getattr(module, item)) is not type(sys)]
        assert [item for item in own if library.lacks(HERE, name, item)] == []
