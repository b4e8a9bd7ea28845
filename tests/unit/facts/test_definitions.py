"""What a name certainly is, held against what the running interpreter makes of the same source."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from lambdapack.facts.definitions import read_binding

FUNCTIONS = [
    "def f(): pass",
    "def f(a): pass",
    "def f(a, b): pass",
    "def f(a, b=1): pass",
    "def f(a=1): pass",
    "def f(a, b, c): pass",
    "def f(a, b, c, d, e): pass",
    "def f(a, b, c=1): pass",
    "def f(a, b, *, c): pass",
    "def f(a, b, *, c, d, e): pass",
    "def f(a, b, *, c=1): pass",
    "def f(*a): pass",
    "def f(a, b, c, *d): pass",
    "def f(**k): pass",
    "def f(a, /, b: int, *, c: int = 1, **k): pass",
    "def f(a: int = 1, *rest: int): pass",
    "f = lambda: 1",
    "f = lambda e: 1",
    "f = lambda e, c=None: 1",
    "f = (lambda *, e: 1)",
]


@pytest.mark.parametrize("source", FUNCTIONS)
def test_refusals_are_the_interpreter_s_own(source: str) -> None:
    """Python's words for a call with two arguments, and with none."""
    names: dict[str, object] = {}
    exec(source, names)
    function = names["f"]
    assert callable(function)
    binding = read_binding(source.encode(), "f")
    assert binding is not None
    assert binding.signature is not None
    for count in (0, 1, 2):
        assert binding.signature.refusal(count) == refusal_of(function, count)


def refusal_of(function: Callable[..., object], count: int) -> str | None:
    try:
        function(*range(count))
    except TypeError as error:
        return str(error).partition("() ")[2]
    return None


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("def f(): return [(yield)]", "generator"),
        ("def f(): yield from x", "generator"),
        ("def f():\n    def g(): yield 1\n    return g", "value"),
        ("async def f(): await x", "coroutine"),
        ("async def f(): yield 1", "async_generator"),
        ("async def f():\n    return (lambda: (yield))", "coroutine"),
    ],
)
def test_results(source: str, result: str) -> None:
    names: dict[str, object] = {}
    exec(source, names)
    function = names["f"]
    real = {
        "generator": inspect.isgeneratorfunction(function),
        "coroutine": inspect.iscoroutinefunction(function),
        "async_generator": inspect.isasyncgenfunction(function),
    }
    assert real.get(result, not any(real.values()))
    binding = read_binding(source.encode(), "f")
    assert binding is not None
    assert binding.result == result


@pytest.mark.parametrize(
    ("source", "type_name"),
    [
        ("f = 1", "int"),
        ("f = ''", "str"),
        ("f = rb'x' b'y'", "bytes"),
        ("f = None\nother = f\nprint(f)", "NoneType"),
        ("f = g = {}", "dict"),
        ("def f(): pass\nf = ()", "tuple"),
        ("if x:\n    f = 1\nf = [1 for f in x]", "list"),
        ("g = 2.0\nf = g\ng = None", "float"),
        ("f = (i for i in x)", "generator"),
        ("f = 1\nf.x = 2\nif x:\n    f[0] = f\n    g(f, f.y)", "int"),
    ],
)
def test_constants(source: str, type_name: str) -> None:
    binding = read_binding(source.encode(), "f")
    assert binding is not None
    assert (binding.kind, binding.type) == ("constant", type_name)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "f = make()",
        "f = 1\nif x:\n    f = g",
        "f = 1\nfor f in x: pass",
        "f = 1\nwith x as f: pass",
        "f = 1\ntry:\n    pass\nexcept E as f: pass",
        "f = 1\nf += 1",
        "f = 1\ndel f",
        "f = 1\nfrom x import *",
        "f = 1\nif x:\n    from x import *",
        "f = 1\nif x:\n    def f(): pass",
        "f = 1\nif x:\n    @g\n    class f: pass",
        "f = 1\nif (f := g): pass",
        "f = 1\n[(f := i) for i in x]",
        "f = 1\nmatch x:\n    case f: pass",
        "f = 1\na, (b, *f) = x",
        "f = 1\ntry:\n    import g as f\nexcept ImportError: pass",
        "f = 1\ndef g():\n    if x:\n        global f\n        f = 2",
        "f = 1\nclass C:\n    def g(self):\n        global f\n        f = 2",
        "f = 1 if x else g",
        "f = f'{x}'.join",
        "f = 1\n)",
    ],
)
def test_nothing_certain(source: str) -> None:
    assert read_binding(source.encode(), "f") is None


def test_imported() -> None:
    binding = read_binding(b"from ..app import main as f", "f")
    assert binding is not None
    assert binding.kind == "import"
    assert binding.imported is not None
    assert (binding.imported.module, binding.imported.level, binding.name) == ("app", 2, "main")


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("class f: pass", True),
        ("class f:\n    '''doc'''\n    x = 1\n    def __init__(self, e, c): pass", True),
        ("class f(dict): pass", False),
        ("class f(metaclass=M): pass", False),
        ("@dataclass\nclass f: pass", False),
        ("class f:\n    def __new__(cls, e, c): return {}", False),
        ("class f:\n    def _asdict(self): return {}", False),
        ("class f:\n    _asdict = dict", False),
        ("class f:\n    if x:\n        def _asdict(self): return {}", False),
        ("class f:\n    __init__ = other", False),
    ],
)
def test_classes(source: str, plain: bool) -> None:
    binding = read_binding(source.encode(), "f")
    assert binding is not None
    assert (binding.kind, binding.plain) == ("class", plain)
