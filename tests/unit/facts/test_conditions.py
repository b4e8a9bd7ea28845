"""Guards are evaluated for the target: the answers are those a Python of the target gives, whatever runs the tests."""

from __future__ import annotations

from typing import Any

import pytest

from lambdapack.facts.conditions import Unknown, evaluate, target_names
from lambdapack.facts.program import If
from lambdapack.facts.source import read_source


def value(condition: str, python: tuple[int, int] = (3, 12), machine: str = "x86_64") -> Any:
    (statement,) = read_source(f"if {condition}:\n    import x\n".encode()).body.statements
    assert isinstance(statement, If)
    try:
        return bool(evaluate(statement.branches[0][0], target_names(python, machine)))
    except Unknown:
        return None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sys.version_info >= (3, 12)", True),
        ("sys.version_info < (3, 12)", False),
        ("sys.version_info > (3, 12)", True),  # the real one has a patch level
        ("sys.version_info <= (3, 12)", False),
        ("sys.version_info == (3, 12)", False),
        ("sys.version_info >= (3, 12, 4)", None),
        ("sys.version_info >= (3, 11, 4)", True),
        ("sys.version_info[0] == 3", True),
        ("sys.version_info[:2] >= (3, 13)", None),  # a slice that ends at 2 is exact, see below
        ("sys.version_info.major >= 3 and sys.version_info.minor < 9", False),
        ("(3, 8) <= sys.version_info < (3, 12)", False),
        ("sys.hexversion >= 0x030C0000", None),  # hangs on the patch level
        ("sys.platform == 'win32'", False),
        ("sys.platform.startswith('linux')", True),
        ("sys.platform in ('win32', 'cygwin')", False),
        ("os.name == 'nt' or os.name == 'java'", False),
        ("platform.system() == 'Linux'", True),
        ("platform.machine() == 'x86_64'", True),
        ("platform.python_implementation() == 'PyPy'", False),
        ("sys.implementation.name == 'cpython'", True),
        ("TYPE_CHECKING", False),
        ("typing.TYPE_CHECKING", False),
        ("not typing.TYPE_CHECKING", True),
        ("False", False),
        ("0", False),
        ("1 and True", True),
        ("unknown()", None),
        ("unknown() and False", False),
        ("unknown() or True", True),
        ("unknown() or False", None),
        ("not unknown", None),
        ("sys.maxsize > 2**32", None),  # arithmetic is not understood, and not needed
        ("sys.maxsize > 4294967296", True),
        ("sys.platform == 3", False),
        ("sys.platform < 3", None),
        ("'a' in unknown", None),
    ],
)
def test_values(condition: str, expected: bool | None) -> None:
    if condition == "sys.version_info[:2] >= (3, 13)":
        expected = False
    assert value(condition) is expected


@pytest.mark.parametrize("minor", range(9, 16))
def test_version_slices_are_exact(minor: int) -> None:
    assert value(f"sys.version_info[:2] == (3, {minor})", (3, minor)) is True
    assert value(f"sys.version_info[:2] > (3, {minor})", (3, minor)) is False
    assert value(f"sys.version_info[:2] <= (3, {minor})", (3, minor)) is True
