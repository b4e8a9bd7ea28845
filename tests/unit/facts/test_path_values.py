"""Paths that code works out, held against what Python itself makes of the same expressions."""

from __future__ import annotations

import os.path
import pathlib
from pathlib import PurePosixPath
from typing import Any

import pytest

from lambdapack.artifact import Mount, Stack, open_tree
from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.handler import read_handler
from lambdapack.facts.imports import ImportFacts
from lambdapack.facts.linking import NativeFacts
from lambdapack.facts.modules import ModuleFinder
from lambdapack.facts.path_values import PathMethod, attribute_of, call_method, result_of
from lambdapack.profiles import load_profile

HERE = "/var/task/app.py"


@pytest.mark.parametrize(
    "expression",
    [
        "os.path.dirname(HERE)",
        "os.path.join('/var/task', 'a', '../b')",
        "os.path.join('/var/task', '/opt/x')",
        "os.path.normpath('/var/task/./a/../b')",
        "os.path.abspath('/var/task/../task/b')",
        "os.path.basename(HERE)",
        "os.path.join(os.path.dirname(os.path.abspath(HERE)), 'x.json')",
        "str(pathlib.PurePosixPath(HERE))",
        "pathlib.PurePosixPath('/var', 'task')",
        "os.fspath(pathlib.PurePosixPath(HERE))",
    ],
)
def test_functions(expression: str) -> None:
    real = eval(expression, {"os": os, "pathlib": pathlib, "HERE": HERE})
    assert _work_out(expression) == real


def _work_out(expression: str) -> Any:
    """Evaluates with our functions in the place of Python's."""

    class Namespace:
        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Namespace:
            return Namespace(f"{self._name}.{name}")

        def __call__(self, *arguments: Any) -> Any:
            return result_of(self._name, arguments)

    names = {"os": Namespace("os"), "pathlib": Namespace("pathlib"), "str": Namespace("str"), "HERE": HERE}
    return eval(expression, names)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("os.path.dirname", ()),
        ("os.path.join", ("a", NOT_KNOWN)),
        ("os.path.abspath", ("relative",)),
        ("os.path.exists", ("/var/task",)),
        ("/", ("a", "b")),
        ("other.join", ("a", "b")),
        ("pathlib.Path", (3,)),
    ],
)
def test_not_known(name: str, arguments: tuple[Any, ...]) -> None:
    assert result_of(name, arguments) is NOT_KNOWN


def test_paths() -> None:
    path = PurePosixPath(HERE)
    assert attribute_of(path, "parent") == path.parent
    assert attribute_of(path, "suffix") == ".py"
    assert attribute_of(path, "owner") is NOT_KNOWN
    assert result_of("/", (path.parent, "x.json")) == PurePosixPath("/var/task/x.json")
    for name, arguments in (("joinpath", ("a", "b")), ("with_suffix", (".txt",)), ("with_name", ("y",))):
        assert call_method(PathMethod(path, name), arguments) == getattr(path, name)(*arguments)
    assert call_method(PathMethod(PurePosixPath("/var/task/../x"), "resolve"), ()) == PurePosixPath("/var/x")
    assert call_method(PathMethod(PurePosixPath("x"), "resolve"), ()) is NOT_KNOWN
    assert call_method(PathMethod(path, "with_suffix"), ("txt",)) is NOT_KNOWN  # ValueError
    assert call_method(PathMethod(path, "read_text"), ()) is NOT_KNOWN


SOURCE = """
import os
from os.path import dirname as up, join
from pathlib import Path

HERE = Path(__file__).resolve().parent
open(join(up(__file__), "1"))
open(HERE / "data" / "2", "rb")
(HERE / "3").read_text()
HERE.joinpath("4").open()
with open(f"{str(HERE)}/5") as file: pass
open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "6"))
class Query:
    text = (HERE.parent / "7").read_bytes()
def load(name):
    return (HERE / name).read_text()
load("8")
if unknown():
    open("/var/task/9")
def later(folder):
    open(HERE / "10")
    open(folder / "11")
    HERE = folder
    open("/var/task/12")
"""


def test_calls(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    profile = load_profile("python3.13", "x86_64")
    with open_tree(tmp_path) as tree:
        stack = Stack([Mount("/var/task", tree)])
        finder, native = ModuleFinder(stack, profile), NativeFacts(stack, profile, managed=True)
        imports = ImportFacts(stack, profile, finder, native, (), read_handler("app.later", profile))
        opened = [
            (call.when, str(call.arguments[0]))
            for call in imports.calls
            if call.name.rpartition(".")[2] in ("open", "read_text", "read_bytes")
        ]
    assert opened == [
        ("import", "/var/task/1"),
        ("import", "/var/task/data/2"),
        ("import", "/var/task/3"),
        ("import", "/var/task/4"),
        ("import", "/var/task/5"),
        ("import", "/var/task/../6"),
        ("import", "/var/7"),
        ("import", "/var/task/8"),
        ("perhaps", "/var/task/9"),
        ("later", "NOT_KNOWN"),  # its own HERE
        ("later", "NOT_KNOWN"),
        ("later", "/var/task/12"),
    ]
