"""Which findings are about what a message names."""

from __future__ import annotations

from typing import Any

import pytest

from lambdapack.diagnosis.nearness import NOTHING, PACKAGE, TARGET, THING, is_about, nearness
from lambdapack.finding import Finding, Severity

FILE = "/var/task/fast/_fast.abi3.so"


def finding(path: str | None = None, **evidence: Any) -> Finding:
    return Finding("ELF001", "wrong-machine", Severity.ERROR, path, "", "", evidence, ())


@pytest.mark.parametrize(
    ("said", "named", "expected"),
    [
        (finding(FILE), {"path": FILE}, THING),
        (finding(FILE), {"path": "/var/task/slow/_fast.abi3.so"}, NOTHING),
        (finding(FILE), {"module": "fast._fast", "top": "fast"}, THING),
        (finding(FILE), {"module": "fast._other", "top": "fast"}, PACKAGE),
        (finding(FILE), {"module": "slow._fast", "top": "slow"}, NOTHING),
        (finding(FILE, soname="libpq.so.5"), {"soname": "libpq.so.5"}, THING),
        (finding(FILE, soname="libpq.so.5"), {"soname": "libGL.so.1", "top": "fast"}, NOTHING),
        (finding(FILE, version="GLIBC_2.38"), {"version": "GLIBC_2.36", "path": FILE}, THING),
        (finding(FILE, version="GLIBC_2.38"), {"version": "GLIBC_2.36", "path": "/var/task/x.so"}, NOTHING),
        (finding("/var/task/a.py", module="shared"), {"module": "shared"}, THING),
        (finding("/var/task/a.py", module="shared", name="x"), {"module": "shared", "name": "y"}, NOTHING),
        (finding(None, handler="app.main"), {"module": "app", "handler": "app"}, TARGET),
        (finding(None, handler="app.main"), {"module": "requests", "handler": "web"}, NOTHING),
        (finding(None), {}, NOTHING),
        (finding("/var/task/inventory"), {"path": "/var/task/inventory"}, THING),
        (finding("/var/task/inventory/readers.py"), {"path": "/var/task/inventory"}, THING),
    ],
)
def test_nearness(said: Finding, named: dict[str, str], expected: int) -> None:
    assert nearness(said, named) == expected


@pytest.mark.parametrize(
    ("package", "said", "expected"),
    [
        ("pydantic_core", finding("/var/task/pydantic_core-2.0.dist-info/METADATA"), True),
        ("pydantic_core", finding(None, distribution="pydantic-core"), True),
        ("pydantic", finding("/var/task/pydantic_core/x.so"), False),
        ("numpy", finding("/var/task/numpy.libs/libopenblas.so"), True),
        ("", finding("/var/task/numpy/x.so"), False),
    ],
)
def test_being_about_a_package(package: str, said: Finding, expected: bool) -> None:
    assert is_about(package, said) is expected
