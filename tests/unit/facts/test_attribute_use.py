"""Which reads of a parameter's attributes every call gets to."""

from __future__ import annotations

import textwrap

import pytest

from lambdapack.facts.attribute_use import read_attribute_uses
from lambdapack.facts.definitions import read_binding


def uses(body: str) -> dict[str, tuple[bool, bool]]:
    """Returns (certain, handed on) by attribute."""
    source = ("def f(event, c):\n" + textwrap.indent(textwrap.dedent(body), "    ")).encode()
    binding = read_binding(source, "f")
    assert binding is not None
    assert binding.node is not None
    return {use.name: (use.certain, use.handed_on) for use in read_attribute_uses(binding.node, "c", source)}


@pytest.mark.parametrize(
    "body",
    [
        "return c.x",
        "print(c.x)",
        "if c.x: pass",
        "a = 1 if c.x else 2",
        "c.x and y",
        "for i in c.x: pass",
        "with open(c.x): pass",
        "with lock:\n    c.x",
        "match c.x:\n    case 1: pass",
        "try:\n    c.x\nexcept KeyError:\n    pass",
        "try:\n    pass\nfinally:\n    c.x",
        "def inner():\n    return 1\nc.x",
        "c.x.y = 1",
        "d = {'x': [c.x]}",
        "f'{c.x}'",
    ],
)
def test_certain(body: str) -> None:
    assert uses(body) == {"x": (True, False)}


@pytest.mark.parametrize(
    "body",
    [
        "if event: c.x",
        "y and c.x",
        "a = c.x if event else 2",
        "for i in event: c.x",
        "while event: c.x",
        "try:\n    c.x\nexcept Exception:\n    pass",
        "try:\n    c.x\nexcept:\n    pass",
        "try:\n    pass\nexcept KeyError:\n    c.x",
        "def inner(): return c.x",
        "inner = lambda: c.x",
        "a = [c.x for i in event]",
        "if event:\n    return\nc.x",
        "if event:\n    raise E\nc.x",
        "with suppress(Exception):\n    c.x",
        "assert event, c.x",
    ],
)
def test_not_certain(body: str) -> None:
    assert uses(body) == {"x": (False, False)}


@pytest.mark.parametrize("body", ["g(c)\nc.x", "a = g(x=c)\nc.x", "g(c).y\nreturn c.x"])
def test_handed_on(body: str) -> None:
    assert uses(body) == {"x": (True, True)}


@pytest.mark.parametrize(
    "body",
    [
        "c = other\nc.x",
        "c, d = other\nc.x",
        "for c in event: c.x",
        "with g() as c: c.x",
        "setattr(c, 'x', 1)\nc.x",
        "vars(c)['x'] = 1\nc.x",
        "c.__dict__.update(x=1)\nc.x",
        "c.x = 1\nreturn c.x",
        "if hasattr(c, 'x'): c.x",
        "try:\n    c.x\nexcept AttributeError:\n    pass",
        "try:\n    c.x\nexcept (KeyError, AttributeError):\n    pass",
        "inner = lambda c: c.x",
        "def inner(a, c=1): return c.x",
        "a = [c.x for c in event]",
        "event.c.x",
        "del c\nc.x",
    ],
)
def test_left_alone(body: str) -> None:
    assert uses(body) == {}
