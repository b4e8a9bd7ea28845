"""Lists, texts and libraries that code goes through while it is imported: what CPython does stands beside each case."""

from __future__ import annotations

import pytest

from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.conditions import Items
from lambdapack.facts.sequences import changed, result_of
from lambdapack.facts.text_values import attribute_of, call_method, formatted
from tests.unit.facts.test_execution import Seen, fails, missing

ABSENT = "for x in NAMES:\n    __import__(x)\n"
FOUND = "for x in f():\n    __import__(x)\n"
CDLL = "import ctypes\n"
NONE = [("library", "handler", "libnone.so")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("NAMES = ['json', 'absent']\n" + ABSENT, missing("absent")),
        ("NAMES = [x + 'ent' for x in ('abs',)]\n" + ABSENT, missing("absent")),
        ("NAMES = [x for x in ['absent', 'json'] if x == 'json']\n" + ABSENT, []),
        ("NAMES = [x for x in ['absent', 'json'] if unknown(x)]\n" + ABSENT, []),
        ("NAMES = ['absent']\nNAMES.remove('absent')\n" + ABSENT, []),
        ("NAMES = ['absent']\nNAMES[0] = 'json'\n" + ABSENT, []),
        ("NAMES = ['absent']\nOTHER = NAMES\nOTHER.clear()\n" + ABSENT, []),
        ("NAMES = ['absent']\nchange(NAMES)\n" + ABSENT, []),
        ("NAMES = ['absent']\ndef f():\n    NAMES.clear()\nf()\n" + ABSENT, []),
        ("NAMES = ['absent']\n__all__ = [*NAMES]\n" + ABSENT, missing("absent")),
        ("def f():\n    names = []\n    names.append('absent')\n    return names\n" + FOUND, missing("absent")),
        ("def f():\n    names = ['absent']\n    change(names)\n    return names\n" + FOUND, []),
        ("def f():\n    names = ['absent']\n    if unknown:\n        names.clear()\n    return names\n" + FOUND, []),
        ("def f():\n    all = ['absent']\n    def g():\n        all.pop()\n    g()\n    return all\n" + FOUND, []),
        ("def f(*names):\n    for x in names:\n        __import__(x)\nf('json', 'absent')", missing("absent")),
        ("def f(*names):\n    for x in names:\n        __import__(x)\nf(*unknown)", []),
        ("def f(first, *rest):\n    __import__(rest[0])\nf('absent', 'json')", []),
        ("__import__('%sent' % 'abs')", missing("absent")),
        ("__import__('{}ent'.format('abs'))", missing("absent")),
        ("__import__('.'.join(['absent', 'part']))", missing("absent")),
        ("import os\n__import__(os.path.join('a', os.pardir).replace('a/..', 'absent'))", missing("absent")),
        ("import platform\nif platform.system() == 'Linux':\n    import absent", missing("absent")),
        ("from platform import system\nif system() in ('Linux',):\n    import absent", missing("absent")),
        ("if any(x == 'b' for x in ('a', 'b')):\n    import absent", missing("absent")),
        ("if all(x == 'b' for x in ('a', 'b')):\n    import absent", []),
        ("[__import__(x) for x in ('absent',)]", missing("absent")),
    ],
)  # fmt: skip
def test_lists_are_known_until_something_unseen_may_change_them(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (CDLL + "ctypes.CDLL('libnone.so')", NONE),
        (CDLL + "ctypes.CDLL('libc.so.6')", []),
        (CDLL + "ctypes.CDLL(None)", []),
        (CDLL + "try:\n    ctypes.CDLL('libnone.so')\nexcept OSError:\n    pass", []),
        (CDLL + "try:\n    ctypes.CDLL('libnone.so')\nexcept OSError as e:\n    raise ImportError('no') from e", NONE),
        (CDLL + "try:\n    ctypes.CDLL('libnone.so')\nexcept ImportError:\n    pass", NONE),
        (CDLL + "try:\n    ctypes.CDLL('libnone.so')\nexcept OSError:\n    import absent", missing("absent")),
        (
            "from ctypes.util import find_library\nif find_library('none') is None:\n    import absent",
            missing("absent"),
        ),
        ("from ctypes.util import find_library\nif find_library('c') is None:\n    import absent", []),
        ("from cffi import FFI\nffi = FFI()\nffi.dlopen('none')", [*missing("cffi"), ("library", "handler", "none")]),
    ],
)
def test_a_library_is_looked_for_as_the_loader_does(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


def test_lists_change_as_in_python() -> None:
    items = Items(("a", "b"))
    assert changed(items, "append", ("c",)) == ("a", "b", "c")
    assert changed(items, "extend", (("c", "d"),)) == ("a", "b", "c", "d")
    assert changed(items, "insert", (0, "c")) == ("c", "a", "b")
    assert changed(items, "reverse", ()) == ("b", "a")
    assert changed(items, "index", ("a",)) == items
    assert changed(items, "append", (NOT_KNOWN,)) is None
    assert changed(items, "sort", ()) is None
    assert changed(items, "remove", ("z",)) is None


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("len", (1, 2), 2),
        ("sorted", (2, 1), (1, 2)),
        ("any", (0, 1), True),
        ("bool", "", False),
        ("len", "text", NOT_KNOWN),
        ("print", (1,), NOT_KNOWN),
    ],
)
def test_builtins_of_sequences(name: str, argument: object, expected: object) -> None:
    assert result_of(name, (argument,)) == expected


@pytest.mark.parametrize(
    ("text", "method", "arguments", "expected"),
    [
        ("a.b", "split", (".",), ("a", "b")),
        ("a.b", "rpartition", (".",), ("a", ".", "b")),
        ("{}-{}", "format", ("a", 1), "a-1"),
        ("{}-{}", "format", ("a",), NOT_KNOWN),
        ("{0.x}", "format", ("a",), NOT_KNOWN),
        (",", "join", (("a", "b"),), "a,b"),
        (",", "join", (("a", 1),), NOT_KNOWN),
        ("ab", "startswith", (("x", "a"),), True),
        ("a", "replace", ("a", NOT_KNOWN), NOT_KNOWN),
        ("a", "encode", (), NOT_KNOWN),
    ],
)
def test_methods_of_texts(text: str, method: str, arguments: tuple[object, ...], expected: object) -> None:
    found = attribute_of(text, method)
    assert (NOT_KNOWN if found is NOT_KNOWN else call_method(found, arguments)) == expected


def test_formatting_by_the_percent_sign() -> None:
    assert formatted(("lib%s.so.%d", ("a", 1))) == "liba.so.1"
    assert formatted(("%s", NOT_KNOWN)) is NOT_KNOWN
    assert formatted((7, 2)) is NOT_KNOWN
    assert formatted(("%d", "a")) is NOT_KNOWN
    assert formatted(("%900000d", 1)) is NOT_KNOWN


def test_values_that_cannot_be_compared_are_no_hindrance() -> None:
    assert fails("import sys\nx = bool(sys.version_info)\ny = [sys.version_info]\ny.append('a')\nlen(y)\n") == []
    assert (
        fails("import sys\ndef f(*x):\n    pass\nf(sys.version_info)\nsorted([sys.version_info, (3, 13, 1)])\n") == []
    )
