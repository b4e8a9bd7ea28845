"""Functions called while the handler is imported: what CPython does in each case stands beside it."""

from __future__ import annotations

import pytest

from lambdapack.facts.calls import NOT_KNOWN
from lambdapack.facts.conditions import Unknown, evaluate
from lambdapack.facts.installed import NativeVersion
from lambdapack.facts.modules import Module
from tests.unit.facts.test_execution import H, Seen, fails, missing
from tests.unit.memory import import_facts

CM = "import contextlib\n@contextlib.contextmanager\ndef c():\n"
IMPORTER = {
    "own/__init__.py": "",
    "own/load.py": "from importlib import import_module\ndef load(name):\n    return import_module(name)\n",
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    import absent\nf()", missing("absent")),
        ("def f():\n    import absent", []),
        ("x = f()\ndef f():\n    import absent", []),  # NameError; not judged
        ("def f():\n    import absent\nx = [1, f()]", missing("absent")),
        ("def f():\n    import absent\nx = unknown and f()", []),
        ("def f():\n    import absent\nx = True and f()", missing("absent")),
        ("def f():\n    import absent\nx = f() if unknown else 1", []),
        ("def f():\n    import absent\nx = lambda: f()", []),
        ("def f():\n    import absent\nif unknown():\n    f()", []),
        ("def f():\n    import absent\nclass C:\n    x = f()", missing("absent")),
        ("def f():\n    import absent\nclass C:\n    def f(): pass\n    x = f()", []),
        ("def f():\n    import absent\ndef f():\n    pass\nf()", []),
        ("def f():\n    import absent\nf = other\nf()", []),
        ("@decorated\ndef f():\n    import absent\nf()", []),
        ("def d(f):\n    import absent\n    return f\n@d\ndef g(): pass", missing("absent")),
        ("def f():\n    yield\n    import absent\nf()", []),
        ("async def f():\n    import absent\nf()", []),
        ("def f():\n    yield 'absent'\nfor x in f():\n    __import__(x)", missing("absent")),
        ("def f():\n    yield 'json'\n    import absent\nfor x in f():\n    pass", missing("absent")),
        ("def f():\n    if unknown:\n        yield 'absent'\nfor x in f():\n    __import__(x)", []),
        ("def f():\n    x = yield 'absent'\nfor x in f():\n    __import__(x)", []),
        ("for x in ('json',):\n    pass\nelse:\n    import absent", missing("absent")),
        ("for x in ('json',):\n    break\nelse:\n    import absent", []),
        ("for x in ('json',):\n    if unknown:\n        break\nelse:\n    import absent", []),
        ("def f():\n    import absent\nf()\ndel f", missing("absent")),
        ("def f():\n    import absent\ndel f\nf()", []),  # NameError; not judged
        ("__import__('absent', {}, {}, ['x'])", missing("absent")),
        ("__import__('absent', globals(), None, ['x'], 1)", []),
        ("import json\nif hasattr(json, 'absent'):\n    import absent", []),
        ("import json\nif not hasattr(json, 'loads'):\n    import absent", []),
        ("import json\nif not getattr(json, 'absent', False):\n    import absent", missing("absent")),
        ("import inspect\nif not hasattr(inspect, 'getargspec'):\n    import absent", missing("absent")),
        ("import os\nif not hasattr(os, 'memfd_create'):\n    import absent", []),
        ("import own\nif not getattr(own, 'x', None):\n    import absent", missing("absent")),
        ("def f():\n    return\n    import absent\nf()", []),
        ("def f(x):\n    if x:\n        return\n    import absent\nf(True)", []),
        ("def f(x):\n    if x:\n        return\n    import absent\nf(False)", missing("absent")),
        ("def f(x):\n    if x:\n        return\n    import absent\nf(unknown)", []),
        ("def f(x=None):\n    if x is None:\n        import absent\nf()", missing("absent")),
        ("def f(*, x=None):\n    if x is None:\n        import absent\nf(x=1)", []),
        ("def f(*x, **y):\n    if x:\n        import absent\nf(*z)", []),
        ("def f():\n    try:\n        import absent\n    except ImportError:\n        return\nf()", []),
        ("def f():\n    import absent\ntry:\n    f()\nexcept ImportError:\n    pass", []),
        ("def f():\n    import absent\ntry:\n    f()\nexcept ValueError:\n    pass", missing("absent")),
        ("def f():\n    f()\n    import absent\nf()", missing("absent")),  # RecursionError in truth: it fails as well
        ("def f():\n    raise ValueError\nf()", [("raises", "handler", "ValueError")]),
        ("def f():\n    raise ValueError\ntry:\n    f()\nexcept ValueError:\n    pass", []),
        ("for x in ('json', 'absent'):\n    __import__(x)", missing("absent")),
        ("for x in ['json', 'absent']:\n    if x == 'absent':\n        continue\n    __import__(x)", []),
        ("for x in ('json', 'absent'):\n    break\n    __import__(x)", []),
        ("for x in ('json', 'absent'):\n    if unknown:\n        break\n    __import__(x)", []),
        ("a, b = 'absent', 'json'\n__import__(a)", missing("absent")),
        ("a = 'abs'\n__import__(a + 'ent')", missing("absent")),
        ("a = 'absent'\n__import__(f'{a}.part')", missing("absent")),
        ("import own\nNAME = 'absent'\n__import__(f'{NAME}')", missing("absent")),
        ("from own.load import load\nload('absent')", missing("absent")),
        ("import own.load\nown.load.load('absent')", missing("absent")),
        ("import own.load as o\no.load('json')", []),
        ("import own.load as o\no.load = print\no.load('absent')", []),
        ("from own import load\nload.load('absent')", missing("absent")),
        ("import importlib\nimportlib.import_module('.absent', 'own')", missing("own.absent")),
        ("def f():\n    import json\n    return 1\nx = f()\nif x == 1:\n    import absent", missing("absent")),
        ("x = 1\ndef f():\n    global x\n    x = 2\nf()\nif x == 1:\n    import absent", []),
        ("x = 1\ndef f():\n    x = 2\n    if x == 1:\n        import absent\nf()", []),
        ("x = 1\ndef f(x):\n    if x == 1:\n        import absent\nf(2)", []),
        ("def f():\n    return True\nassert f()\nassert not f()", [("raises", "handler", "AssertionError")]),
        ("def f():\n    import absent\nglobals()['f'] = print\nf()", []),
        ("def f():\n    import absent\nf()\nglobals()['f'] = print", missing("absent")),
        (CM + "    yield\nwith c():\n    import absent", missing("absent")),
        (CM + "    try:\n        yield\n    except ImportError:\n        pass\nwith c():\n    import absent", []),
    ],
)  # fmt: skip
def test_functions_are_followed(source: str, expected: Seen) -> None:
    assert fails(source + "\n", IMPORTER) == expected


SELECT = """
import os
if 'BACKEND' in os.environ:
    name = os.environ['BACKEND']
else:
    try:
        import own_native
    except Exception as first:
        try:
            import own_fallback
        except ImportError:
            raise first from None
"""


def test_a_library_is_read_as_if_its_own_environment_variable_was_not_set() -> None:
    library = {
        "lib.py": SELECT,
        "lib-1.dist-info/METADATA": "Name: lib\nVersion: 1\n",
        "lib-1.dist-info/RECORD": "lib.py,,\n",
    }
    assert fails("import lib\n", library) == missing("own_native")
    assert fails("import os\nos.environ['BACKEND'] = 'x'\nimport lib\n", library) == []
    assert fails(SELECT) == []  # first-party code: who knows how the function is configured


def test_an_error_that_asks_for_an_environment_variable_is_not_a_fault_of_the_artifact() -> None:
    source = "import os\nif 'KEY' not in os.environ:\n    raise RuntimeError('set KEY')\n"
    library = {
        "lib.py": source,
        "lib-1.dist-info/METADATA": "Name: lib\nVersion: 1\n",
        "lib-1.dist-info/RECORD": "lib.py,,\n",
    }
    assert fails("import lib\n", library) == []


def test_the_version_of_a_native_module_differs_only_from_what_its_file_does_not_mention() -> None:
    version = NativeVersion("1.1", Module("m", "extension"), lambda text: text in ("1.1", "1.2"))
    assert evaluate(("compare", ("name", "v"), (("==", ("literal", "1.1")),)), {"v": version}) is True
    assert evaluate(("compare", ("name", "v"), (("!=", ("literal", "1.3")),)), {"v": version}) is True
    with pytest.raises(Unknown):
        evaluate(("compare", ("name", "v"), (("!=", ("literal", "1.2")),)), {"v": version})


def test_what_importlib_metadata_answers() -> None:
    source = (
        "from importlib.metadata import distribution, version\nif version('Own.Dist') == '1.0':\n    import absent\n"
        "if getattr(distribution('own-dist').origin, 'editable', False):\n    import never\n"
        "if version('unknown') == '1.0':\n    import never\n"
    )
    installed = {"own_dist-1.0.dist-info/METADATA": "Name: own-dist\nVersion: 1.0\n"}
    assert fails(source, installed) == missing("absent")


def test_calls_are_facts() -> None:
    source = (
        "import ctypes\nfrom ctypes import CDLL as load\nNAME = 'a.so'\nx = ctypes.CDLL(NAME, mode=1)\n"
        "try:\n    load(f())\nexcept OSError:\n    pass\n"
        "def g():\n    try:\n        ctypes.CDLL('b.so')\n    except OSError: pass\n"
    )
    calls = [call for call in import_facts({"handler.py": source + H}).calls if call.name == "ctypes.CDLL"]
    assert [(call.arguments, call.line, call.when, call.is_guarded_against("OSError")) for call in calls] == [
        (("a.so",), 4, "import", False),
        ((NOT_KNOWN,), 6, "import", True),
        (("b.so",), 11, "later", True),
    ]
    assert calls[0].keywords == {"mode": 1}


def test_a_name_that_may_be_there_decides_nothing() -> None:
    source = "try:\n    from own import marker\nexcept ImportError:\n    marker = None\nelse:\n    import absent\n"
    filled = {"own/__init__.py": "import sys\nfor n in unknown:\n    setattr(sys.modules[__name__], n, 1)\n"}
    assert fails(source, filled) == []
    assert fails(source, {"own/__init__.py": "marker = 1\n"}) == missing("absent")
    assert fails(source, {"own/__init__.py": ""}) == []


LOST = [("missing-attribute", "collections", "Mapping")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import collections\nclass C(collections.Mapping): pass", LOST),
        ("import collections\nclass C(object, collections.Mapping):\n    x = 1", LOST),
        ("import collections\n@other\nclass C(collections.Mapping):\n    def f(self): pass", LOST),
        ("import collections\nclass C:\n    class D(collections.Mapping): pass", LOST),
        ("import collections as c\nclass C(c.Mapping): pass", LOST),
        ("import collections\nisinstance({}, collections.Mapping)", LOST),
        ("import collections\ndef f(): return isinstance({}, collections.Mapping)", []),
        ("import collections\ndef f(): return isinstance({}, collections.Mapping)\nf()", LOST),
        ("import collections\nclass C(collections.OrderedDict): pass", []),
        ("import collections.abc\nclass C(collections.abc.Mapping): pass", []),
        ("collections = other\nclass C(collections.Mapping): pass", []),
        ("import collections\ncollections.Mapping = dict\nclass C(collections.Mapping): pass", []),
        ("import collections\nif unknown:\n    class C(collections.Mapping): pass", []),
        ("import os\nclass C(os.path.join): pass", []),
        ("import importlib\nimportlib.util.find_spec('x')", []),  # a submodule that others import
    ],
)
def test_names_of_standard_modules_that_are_used(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class C:\n    def __init__(self):\n        import absent\nC()", missing("absent")),
        ("class C:\n    def __init__(self):\n        import absent", []),
        (
            "class C(Base):\n    x = 1\n    def __init__(self, n):\n        __import__(n)\nc = C('absent')",
            missing("absent"),
        ),
        ("class C:\n    def __init__(self, n='json'):\n        __import__(n)\nC(n='absent')", missing("absent")),
        ("class C:\n    def __init__(self, n='absent'):\n        __import__(n)\nC('json')", []),
        ("class C:\n    def __init__(self):\n        import absent\ntry:\n    C()\nexcept ImportError:\n    pass", []),
        ("class C(metaclass=M):\n    def __init__(self):\n        import absent\nC()", []),
        ("@d\nclass C:\n    def __init__(self):\n        import absent\nC()", []),
        ("class C:\n    def __new__(c): pass\n    def __init__(self):\n        import absent\nC()", []),
        ("class C:\n    class D:\n        def __init__(self):\n            import absent\nC()", []),
        ("class C:\n    def __init__(self):\n        import absent\n    class D: pass\nC()", missing("absent")),
        ("class C:\n    def __init__(self):\n        import absent\nC = other\nC()", []),
        ("class C:\n    def __init__(self):\n        if unknown:\n            import absent\nC()", []),
    ],
)
def test_objects_are_made(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


LAZY = """def __getattr__(name):
    if name in ("here", "there"):
        return 1
    if name == "later":
        import json
        return json
    raise AttributeError(f"no {name}")
"""


@pytest.mark.parametrize(
    ("name", "getattr_", "expected"),
    [
        ("here", LAZY, []),
        ("later", LAZY, []),
        ("nowhere", LAZY, [("missing-name", "own", "nowhere")]),
        ("nowhere", "def __getattr__(name):\n    if unknown(name):\n        return 1\n    raise AttributeError\n", []),
        ("nowhere", "def __getattr__(name):\n    return find(name)\n", []),
        ("nowhere", "@d\n" + LAZY, []),
    ],
)
def test_a_module_is_asked_for_its_names(name: str, getattr_: str, expected: Seen) -> None:
    assert fails(f"from own import {name}\n", {"own/__init__.py": getattr_}) == expected


OWN = {"cfg.py": "a = 1\nclass C: pass\n", "pkg/__init__.py": "", "pkg/sub.py": "x = 1\n", "lazy.py": LAZY}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import cfg\nx = cfg.a", []),
        ("import cfg\nx = cfg.b", [("missing-attribute", "cfg", "b")]),
        ("import cfg\nx = cfg.load()", [("missing-attribute", "cfg", "load")]),
        ("import cfg\nclass D(cfg.Base): pass", [("missing-attribute", "cfg", "Base")]),
        ("import cfg\nclass D(cfg.C): pass", []),
        ("import cfg\ndef f(): return cfg.b", []),
        ("import cfg\ncfg.b = 1\nx = cfg.b", []),
        ("import cfg\nif hasattr(cfg, 'b'):\n    x = cfg.b", []),
        ("import cfg\ntry:\n    x = cfg.b\nexcept AttributeError:\n    import absent", missing("absent")),
        ("import pkg\nx = pkg.sub.x", [("missing-attribute", "pkg", "sub")]),
        ("import pkg.sub\nx = pkg.sub.x", []),
        ("import pkg\nfrom pkg import sub\nx = pkg.sub.x", []),
        ("import lazy\nx = lazy.here", []),
        ("import lazy\nx = lazy.nowhere", [("missing-attribute", "lazy", "nowhere")]),
        ("import cfg\nx = cfg.C.anything", []),
        ("import cfg as c\nx = c.b", [("missing-attribute", "cfg", "b")]),
        ("import cfg\ncfg = other\nx = cfg.b", []),
    ],
)
def test_names_of_own_modules_that_are_used(source: str, expected: Seen) -> None:
    assert fails(source + "\n", OWN) == expected
