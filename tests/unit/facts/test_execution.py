"""What importing a handler comes to: files in, failures out. Each case says what CPython does."""

from __future__ import annotations

import pytest

from lambdapack.facts.imports import RUNTIME, ImportFacts
from tests.unit.memory import import_facts

H = "def h(e, c): pass\n"
Seen = list[tuple[str, str, str | None]]


def failures(facts: ImportFacts) -> Seen:
    return [(failure.kind, failure.module, failure.name) for failure in facts.failures]


def doubts(facts: ImportFacts) -> Seen:
    return [(failure.certainty, failure.module, failure.name) for failure in facts.doubts]


def fails(source: str, more: dict[str, str] | None = None, runtime: str = "python3.13") -> Seen:
    return failures(import_facts({"handler.py": source + H, **(more or {})}, runtime=runtime))


def missing(module: str) -> Seen:
    return [("missing-module", module, None)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import json, os.path, xml.etree.ElementTree, boto3.session", []),
        ("import absent", missing("absent")),
        ("import absent.deeper", missing("absent")),
        ("import json.absent", missing("json.absent")),
        ("import requests\nimport absent", [*missing("requests"), *missing("absent")]),
        ("if True:\n    import absent", missing("absent")),
        ("if False:\n    import absent", []),
        ("if unknown():\n    import absent", []),
        ("if unknown():\n    pass\nelse:\n    import absent", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import absent", []),
        ("import typing as t\nif t.TYPE_CHECKING:\n    import absent", []),
        ("if not TYPE_CHECKING:\n    import absent", missing("absent")),
        ("if sys.platform == 'win32':\n    import absent", []),
        ("from sys import platform\nif platform == 'linux':\n    import absent", missing("absent")),
        ("WINDOWS = os.name == 'nt'\nif WINDOWS:\n    import absent", []),
        ("WINDOWS = os.name == 'nt'\nif not WINDOWS:\n    import absent", missing("absent")),
        ("ON = False\nON = compute()\nif ON:\n    import absent", []),
        ("if sys.version_info < (3, 11):\n    import absent\nelse:\n    import tomllib", []),
        ("for x in y:\n    import absent", []),
        ("class C:\n    import absent", missing("absent")),
        ("def f():\n    import absent", []),
        ("import importlib\nx = importlib.import_module('absent')", missing("absent")),
        ("import importlib as il\nx = il.import_module('absent')", missing("absent")),
        ("from importlib import import_module as im\nx = im('absent')", missing("absent")),
        ("from own import import_module\nx = import_module('absent')", missing("own")),
        ("x = __import__('absent')", missing("absent")),
        ("raise ImportError('no')", [("raises", "handler", "ImportError")]),
        ("import sys\nsys.exit()\nimport absent", [("raises", "handler", "SystemExit")]),
        ("if __name__ == '__main__':\n    sys.exit()", []),
        ("exit(1)", [("raises", "handler", "SystemExit")]),
        ("from m import exit\nexit(1)", missing("m")),
        ("def exit(n): pass\nexit(1)", []),
        ("json = None\nif json is None:\n    raise ImportError", [("raises", "handler", "ImportError")]),
        ("json = None\ntry:\n    json = f()\nexcept E:\n    pass\nif json is None:\n    raise ImportError", []),
        ("x = None\ndef x(): pass\nif x is None:\n    raise E", []),
        ("x = None\nx += 1\nif x is None:\n    raise E", []),
        ("x = None\ndef f():\n    global x\nf()\nif x is None:\n    raise E", []),
        ("x = None\nfor x in y: pass\nif x is None:\n    raise E", []),
        ("undefined", [("raises", "handler", "NameError")]),
        ("from m import *\nundefined", missing("m")),
        ("from . import sibling", [("relative-import", ".", None)]),
        ("from .sibling import x", [("relative-import", ".sibling", None)]),
        ("import distutils", missing("distutils")),
        ("import imghdr", missing("imghdr")),
        ("import winreg", missing("winreg")),
    ],
)
def test_top_level(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


@pytest.mark.parametrize(
    ("handler", "caught"),
    [
        ("except ImportError:", True),
        ("except ModuleNotFoundError:", True),
        ("except Exception:", True),
        ("except BaseException as e:", True),
        ("except:", True),
        ("except (ValueError, ImportError):", True),
        ("except builtins.ImportError:", True),
        ("except ValueError:", False),
        ("except (OSError, AttributeError):", False),
        ("except ValueError:\n    pass\nexcept ImportError:", True),
    ],
)
def test_guards_of_a_missing_module(handler: str, caught: bool) -> None:
    facts = import_facts({"handler.py": f"try:\n    import absent\n{handler}\n    pass\n{H}"})
    assert failures(facts) == ([] if caught else missing("absent"))
    assert [failure.module for failure in facts.caught] == (["absent"] if caught else [])


def test_an_unknown_error_class_may_catch() -> None:
    facts = import_facts({"handler.py": f"try:\n    import absent\nexcept _IMPORT_ERRORS:\n    pass\n{H}"})
    assert failures(facts) == []
    assert doubts(facts) == [("possible", "absent", None)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("try:\n    import absent\nexcept ImportError:\n    raise", missing("absent")),
        ("try:\n    import absent\nexcept ImportError as e:\n    raise RuntimeError('x') from e", missing("absent")),
        ("try:\n    import absent\nexcept ImportError:\n    if unknown():\n        raise", []),
        ("try:\n    import absent\nexcept ImportError:\n    import other", missing("other")),
        ("try:\n    import json\nexcept ImportError:\n    import other", []),
        ("try:\n    import absent\nexcept ImportError:\n    pass\nelse:\n    import other", []),
        ("try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    import other", missing("other")),
        ("try:\n    import absent\n    import other\nexcept ImportError:\n    pass", []),
        ("try:\n    import absent\nfinally:\n    pass", missing("absent")),
        ("try:\n    pass\nfinally:\n    import absent", missing("absent")),
        (
            "try:\n  try:\n    import absent\n  except ValueError:\n    pass\nexcept ImportError:\n  pass",
            [],
        ),
        ("with suppress(ImportError):\n    import absent", []),
        ("with suppress(KeyError):\n    import absent", missing("absent")),
        ("with unknown():\n    import absent", []),
        ("try:\n    from json import dumps\nexcept ModuleNotFoundError:\n    pass", []),
    ],
)
def test_flow(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # What asks for a name, or does anything else, may raise before the import does.
        ("try:\n    kinds = (int, long)\n    import absent\nexcept NameError:\n    pass", []),
        ("try:\n    compute()\n    import absent\nexcept ValueError:\n    pass", []),
        ("try:\n    import absent\nexcept NameError:\n    pass", missing("absent")),
        (
            "try:\n    FLAG\nexcept NameError:\n    FLAG = False\nif FLAG:\n    pass\nelse:\n    import absent",
            missing("absent"),
        ),
        ("try:\n    FLAG\nexcept NameError:\n    FLAG = False\nif FLAG:\n    import absent", []),
        ("try:\n    x = f()\n    OK = True\nexcept Exception:\n    OK = False\nif OK:\n    import absent", []),
        ("try:\n    f()\nexcept E:\n    pass\nelse:\n    import absent", []),
        (
            "try:\n    import json\n    OK = True\nexcept ImportError:\n    OK = False\nif not OK:\n    import absent",
            [],
        ),
    ],
)
def test_what_else_may_raise_in_a_try(source: str, expected: Seen) -> None:
    assert fails(source + "\n") == expected


def test_a_missing_name_is_no_missing_module() -> None:
    source = "try:\n    from m import absent\nexcept ModuleNotFoundError:\n    pass\n"
    assert fails(source, {"m.py": ""}) == [("missing-name", "m", "absent")]
    assert fails(source.replace("ModuleNotFoundError", "ImportError"), {"m.py": ""}) == []


def test_a_guard_catches_what_fails_deep_below() -> None:
    files = {"a.py": "import b\n", "b.py": "import absent\n"}
    assert fails("import a\n", files) == missing("absent")
    assert fails("try:\n    import a\nexcept ImportError:\n    pass\n", files) == []
    (failure,) = import_facts({"handler.py": "import a\n" + H, **files}).failures
    assert (failure.importer, failure.path, failure.line) == ("b", "/var/task/b.py", 1)
    assert failure.chain == ("handler", "a", "b")


@pytest.mark.parametrize(
    ("module", "wanted", "there"),
    [
        ("def name(): pass", "name", True),
        ("class C:\n    def name(self): pass", "name", False),
        ("name: int", "name", False),
        ("for name in x: pass", "name", True),
        ("def __getattr__(n): pass", "name", True),
        ("from json import *", "name", True),
        ("from other import *", "name", True),
        ("from other import *", "_private", False),
        ("from limited import *", "name", False),
        ("from limited import *", "listed", True),
        ("from computed import *", "name", True),
        ("globals().update(x)", "name", True),
        ("print(globals()['x'], self.__dict__)", "name", False),
        ("class C:\n    def f(self):\n        setattr(self, 'name', 1)", "name", False),
        ("setattr(module, 'name', 1)", "name", True),
        ("from __future__ import annotations", "annotations", True),
        ("def f(x=(name := 1)): pass", "name", True),
        ("assert (name := 1)", "name", True),
        ("class C:\n    global name\n    name = 1", "name", True),
        ("try:\n    pass\nexcept E as name:\n    pass", "name", False),
        ("if sys.version_info < (3, 8):\n    name = 1", "name", False),
        ("if unknown():\n    name = 1", "name", True),
        ("", "__file__", True),
        ("from json import dumps as name", "name", True),
    ],
)
def test_names(module: str, wanted: str, there: bool) -> None:
    more = {
        "m.py": module + "\n",
        "other.py": "name = 1\n_private = 1\n",
        "limited.py": "__all__ = ['listed']\nname = 1\nlisted = 1\n",
        "computed.py": "__all__ = f()\n",
    }
    expected: Seen = [] if there else [("missing-name", "m", wanted)]
    assert fails(f"from m import {wanted}\n", more) == expected


def test_submodules_are_names() -> None:
    files = {"pkg/__init__.py": "", "pkg/sub.py": "import absent\n", "space/inner/deep.py": ""}
    assert fails("from pkg import sub\n", files) == missing("absent")
    assert fails("from space.inner import deep\n", files) == []
    assert fails("from space import inner, other\n", files) == [("missing-name", "space", "other")]
    assert fails("import pkg.nothing\n", files) == missing("pkg.nothing")
    assert fails("import handler.nothing\n") == missing("handler.nothing")


def test_a_name_that_another_module_sets() -> None:
    files = {"m.py": "", "patch.py": "import m\nm.name = 1\n"}
    assert fails("import patch\nfrom m import name\n", files) == []


def test_circular_imports_do_not_go_round() -> None:
    files = {"a.py": "import b\nfrom b import later\nx = 1\n", "b.py": "from a import x\nlater = 1\n"}
    assert fails("import a\n", files) == [("circular", "a", "x")]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("from b import y\nx = 1\n", "from a import x\ny = 1\n", [("circular", "a", "x")]),
        ("from b import y\ndef x(): pass\n", "from a import x\ny = 1\n", [("circular", "a", "x")]),
        ("from b import y\nclass x: pass\n", "from a import x\ny = 1\n", [("circular", "a", "x")]),
        ("from b import y\nfrom json import loads as x\n", "from a import x\ny = 1\n", [("circular", "a", "x")]),
        ("from b import y\nif unknown:\n    x = 1\nelse:\n    x = 2\n", "from a import x\n", [("circular", "a", "x")]),
        ("x = 1\nfrom b import y\n", "from a import x\ny = 1\n", []),
        ("if unknown:\n    x = 1\nfrom b import y\nx = 2\n", "from a import x\ny = 1\n", []),
        ("import b\nx = 1\n", "import a\ny = 1\n", []),
        ("for x in (): pass\nfrom b import y\nx = 1\n", "from a import x\ny = 1\n", []),
        ("print(x := 1)\nfrom b import y\nx = 1\n", "from a import x\ny = 1\n", []),
        ("from b import y\nx = 1\n", "def later():\n    from a import x\ny = 1\n", []),
        ("from b import y\nx = 1\n", "try:\n    from a import x\nexcept ImportError:\n    pass\ny = 1\n", []),
        ("from b import y\nx = 1\n", "if TYPE_CHECKING:\n    from a import x\ny = 1\n", []),
        ("from json import *\nfrom b import y\nx = 1\n", "from a import x\ny = 1\n", []),
        ("globals()['x'] = 1\nfrom b import y\nx = 1\n", "from a import x\ny = 1\n", []),
        ("def start():\n    import b\nstart()\nx = 1\n", "from a import x\ny = 1\n", []),  # fails, too; left alone
    ],
)  # fmt: skip
def test_names_taken_from_a_module_that_is_still_running(a: str, b: str, expected: Seen) -> None:
    assert fails("import a\n", {"a.py": a, "b.py": b}) == expected


def test_a_package_that_is_still_running_has_its_submodules() -> None:
    files = {"p/__init__.py": "from .b import y\nfrom . import c\n", "p/b.py": "from p import c\ny = 1\n", "p/c.py": ""}
    assert fails("import p\n", files) == []


def test_import_chains_deeper_than_the_stack() -> None:
    files = {f"m{n}.py": f"import m{n + 1}\n" for n in range(3000)} | {"m3000.py": "import absent\n"}
    (failure,) = import_facts({"handler.py": "import m0\n" + H, **files}).failures
    assert len(failure.chain) == 3002


def test_modules_that_code_makes() -> None:
    six = "import sys\n__version__ = '1'\nsys.modules[__name__ + '.moves'] = x\n"
    assert fails("import six.moves\nfrom six.moves import urllib\n", {"six.py": six}) == []
    assert fails("import six\nimport absent\n", {"six.py": six}) == missing("absent")
    hook = "import sys\n__version__ = '1'\nsys.meta_path.insert(0, Finder('made_up'))\n"
    assert fails("import hook\nimport made_up\n", {"hook.py": hook}) == []
    assert fails("import hook\nimport absent\n", {"hook.py": hook}) == missing("absent")


def test_names_that_another_module_of_the_package_makes() -> None:
    computed = {"p/__init__.py": "from . import fill\n", "p/fill.py": "def go(m, n):\n    setattr(m, n, 1)\n"}
    assert fails("from p import name\n", computed) == []
    assert fails("import p\nfrom other import name\n", computed | {"other.py": ""}) == [
        ("missing-name", "other", "name")
    ]
    in_function = {"patch.py": "import lib\ndef go():\n    lib.name = 1\ngo()\n", "lib.py": ""}
    assert fails("import patch\nfrom lib import name, gone\n", in_function) == [("missing-name", "lib", "gone")]
    loader = {"t/__init__.py": "from . import build\n", "t/build.py": "import sys\nsys.meta_path.append(Loader())\n"}
    assert fails("from t import merge\n", loader) == []


def test_star_imports_bring_loaded_submodules() -> None:
    files = {
        "p/__init__.py": "from p.a import *\n",
        "p/a/__init__.py": "from p.a.deep import x\n",
        "p/a/deep.py": "x = 1\n",
    }
    assert fails("from p import deep, x\n", files) == []


def test_a_path_changed_by_a_function_that_is_called_elsewhere() -> None:
    paths = "import sys\ndef add_vendor():\n    sys.path.insert(0, 'vendor')\n"
    files = {"paths.py": paths, "vendor/lib.py": ""}
    assert fails("from paths import add_vendor\nadd_vendor()\nimport lib\n", files) == []
    # What first-party code adds to the path may be anything: a folder mounted or unpacked while it runs.
    assert fails("import paths\nimport absent\n", files) == []
    library = {"paths.py": "__version__ = '1'\n" + paths, "vendor/lib.py": ""}
    assert fails("import paths\nimport absent\n", library) == missing("absent")


def test_a_folder_put_on_the_path_by_code() -> None:
    facts = import_facts(
        {"handler.py": "import sys\nsys.path.insert(0, 'vendor')\nimport lib, absent\n" + H, "vendor/lib.py": ""}
    )
    assert failures(facts) == []
    assert doubts(facts) == [("possible", "lib", None), ("possible", "absent", None)]


def test_of_two_copies_either_may_be_found() -> None:
    files = {"u.py": "", "vendor/u.py": "x = 1\n"}
    assert fails("from u import x\n", files) == [("missing-name", "u", "x")]
    assert fails("import sys\nsys.path.insert(0, 'vendor')\nfrom u import x\n", files) == []


def test_what_path_configuration_adds_stands_behind_the_runtime() -> None:
    files = {"x.pth": "vendor\n", "vendor/calendar.py": "", "vendor/lib.py": ""}
    assert fails("from calendar import timegm\nimport lib\n", files) == []
    assert fails("import lib\n", {"x.pth": "deps.zip\n", "deps.zip": "PK"}) == []


def test_a_failed_submodule_is_not_bound() -> None:
    files = {"p/__init__.py": "", "p/sub.py": "import absent\n"}
    source = "try:\n    import p.sub\nexcept ImportError:\n    pass\nfrom p import sub\n"
    assert fails(source, files) == missing("absent")


@pytest.mark.parametrize(
    "module",
    [
        "from m import name\ndef __getattr__(n): pass",
        "__all__ = ['a']\nif x:\n    __all__ = ['name']\nfrom m import *",
        "import enum\n@enum.global_enum\nclass C: pass",
        "ns = locals()\nns['name'] = 1",
        "match (name := 1):\n    case _: pass",
    ],
)
def test_names_that_come_from_anywhere(module: str) -> None:
    assert fails("from m import name\n", {"m.py": module + "\n"}) == []


def test_constants_that_something_else_may_change() -> None:
    other = {"cfg.py": "F = None\n", "set.py": "import cfg\ncfg.F = 1\n"}
    assert fails("import set\nfrom cfg import F\nif F is None:\n    raise E\n", other) == []
    star = {"local.py": "SECRET = compute()\n"}
    assert fails("SECRET = None\nfrom local import *\nif SECRET is None:\n    raise E\n", star) == []
    assert fails("X = []\nX.append(1)\nif X == []:\n    raise E\n") == []
    assert fails("class C:\n    X = True\n    if not X:\n        import absent\n") == []
    flag = "try:\n    lib = load()\n    OK = True\nexcept OSError:\n    OK = False\nif OK:\n    import absent\n"
    assert fails(flag) == []


def test_what_is_read_off_the_platform_stays_known() -> None:
    module = {"c.py": "import sys\nLINUX = sys.platform.startswith('linux')\nFLAG = True\nglobals().update(x)\n"}
    assert fails("from c import LINUX\nif LINUX:\n    import absent\n", module) == missing("absent")
    assert fails("from c import FLAG\nif FLAG:\n    import absent\n", module) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("if FLAG:\n    pass\nelse:\n    import absent\n    globals()['x'] = 1", missing("absent")),
        ("if not FLAG:\n    import absent\n    for n in 'ab':\n        globals()[n] = 1", missing("absent")),
        ("try:\n    import absent\n    exec(code)\nexcept ValueError:\n    globals()['x'] = 1", missing("absent")),
        ("try:\n    SETUP\nexcept NameError:\n    import absent\nglobals()['x'] = 1", missing("absent")),
        ("globals()['x'] = 1\ntry:\n    SETUP\nexcept NameError:\n    import absent", []),
        ("if not FLAG:\n    globals()['x'] = 1\n    if not FLAG:\n        import absent", []),
        ("try:\n    globals()['x'] = 1\nfinally:\n    pass\nif not FLAG:\n    import absent", []),
        ("if exec(code):\n    pass\nelif not FLAG:\n    import absent", []),
        ("for n in 'ab':\n    if not FLAG:\n        import absent\n    globals()[n] = 1", []),
    ],
)
def test_a_flag_is_known_until_names_are_bound_unseen(source: str, found: list[tuple[str, str, str | None]]) -> None:
    assert fails(f"FLAG = False\n{source}\n") == found


@pytest.mark.parametrize("statement", ["from pkg import _fast", "import pkg._fast", "from pkg._fast import x"])
def test_a_native_file_for_another_python_is_made_by_nothing_else(statement: str) -> None:
    """A package that puts modules of its own into sys.modules, as grpc does, does not make that one."""
    files = {"pkg/__init__.py": "import sys\nsys.modules['pkg.other'] = sys\n"}
    assert fails(statement + "\n", files) == []
    native: dict[str, str | bytes] = {"pkg/_fast.cpython-312-x86_64-linux-gnu.so": b"\x7fELF"}
    found = failures(import_facts({"handler.py": f"{statement}\n{H}", **files, **native}))
    assert [kind for kind, _, _ in found] in (["missing-name"], ["missing-module"])


def test_setuptools_of_the_runtime_is_a_doubt() -> None:
    facts = import_facts({"handler.py": "import pkg_resources\n" + H})
    assert failures(facts) == []
    assert doubts(facts) == [("possible", "pkg_resources", None)]


def test_extended_packages() -> None:
    init = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    layer = {"python/pkg/__init__.py": init, "python/pkg/b.py": ""}
    facts = import_facts({"handler.py": "import pkg.a, pkg.b\n" + H, "pkg/__init__.py": init, "pkg/a.py": ""}, layer)
    assert failures(facts) == []
    plain = import_facts({"handler.py": "import pkg.b\n" + H, "pkg/__init__.py": ""}, layer)
    assert failures(plain) == missing("pkg.b")


def test_path_configuration_files_are_followed() -> None:
    files = {"handler.py": "import lib\n" + H, "vendor/lib.py": "", "x.pth": "# why\nvendor\n"}
    assert failures(import_facts(files)) == []
    layer = {"python/x.pth": "vendored\n", "python/vendored/lib.py": ""}
    assert failures(import_facts({"handler.py": "import lib\n" + H}, layer)) == []
    editable = import_facts({"handler.py": "import lib\n" + H, "x.pth": "/home/dev/project/src\n"})
    assert failures(editable) == missing("lib")


def test_an_import_line_of_a_path_configuration_file() -> None:
    files = {
        "handler.py": "import distutils\n" + H,
        "hack.pth": "import os; enabled = True; enabled and __import__('_hack')\n",
        "_hack.py": "import sys\nclass F:\n    n = 'distutils'\nsys.meta_path.insert(0, F())\n",
    }
    assert failures(import_facts(files)) == []
    del files["hack.pth"]
    assert failures(import_facts(files)) == missing("distutils")


def test_search_order() -> None:
    shadowing = {"handler.py": "from calendar import timegm\n" + H, "calendar.py": ""}
    assert failures(import_facts(shadowing)) == [("missing-name", "calendar", "timegm")]
    preloaded = {"handler.py": "from json import dumps\n" + H, "json.py": ""}
    assert failures(import_facts(preloaded)) == []
    own = {"handler.py": "from boto3 import absent\n" + H, "boto3/__init__.py": ""}
    assert failures(import_facts(own)) == [("missing-name", "boto3", "absent")]
    empty_folder = {"handler.py": "import calendar\nfrom calendar import timegm\n" + H, "calendar/data.txt": ""}
    assert failures(import_facts(empty_folder)) == []


@pytest.mark.parametrize(
    ("handler", "files", "expected"),
    [
        ("handler.h", {"handler.py": H}, []),
        ("pkg.mod.h", {"pkg/mod.py": H}, []),
        ("pkg/mod.h", {"pkg/mod.py": H}, []),
        ("my-app.h", {"my-app.py": H}, []),
        ("app.h", {"src/app.py": H}, missing("app")),
        ("App.h", {"app.py": H}, missing("App")),
        ("app.py.h", {"app.py": H}, missing("app.py")),
        ("app.h", {"app.pyc": "x"}, [("byte-code", "app", "no known Python")]),
    ],
)
def test_handlers(handler: str, files: dict[str, str], expected: Seen) -> None:
    facts = import_facts(files, handler=handler)
    assert failures(facts) == expected
    assert all(failure.importer == RUNTIME for failure in facts.failures)


@pytest.mark.parametrize(
    ("handler", "problem"),
    [("h", "no-dot"), ("time.h", "builtin"), ("sys.x.h", "builtin"), (".app.h", "relative"), ("/a/b.h", "relative")],
)
def test_handlers_that_are_refused(handler: str, problem: str) -> None:
    facts = import_facts({"app.py": H}, handler=handler)
    assert facts.handler.problem == problem
    assert not facts.failures


@pytest.mark.parametrize(
    ("source", "lacks"),
    [
        ("h = make()", False),
        ("from m import h", False),
        ("from m import *", False),
        ("if x:\n    def h(): pass", False),
        ("@d\ndef h(): pass", False),
        ("class h: pass", False),
        ("def other(): pass", True),
        ("h: int", True),
    ],
)
def test_handler_function(source: str, lacks: bool) -> None:
    assert import_facts({"handler.py": source + "\n", "m.py": H}).lacks_function is lacks


def test_lazy_imports_of_first_party_code_are_followed() -> None:
    files = {
        "handler.py": "def h(e, c):\n    from shared import db\n    import absent\n",
        "shared/__init__.py": "",
        "shared/db.py": "import psycopg2\n",
    }
    facts = import_facts(files)
    assert failures(facts) == []
    assert doubts(facts) == [("deferred", "absent", None)]
    assert [(item.certainty, item.module) for item in facts.invoked] == [("invocation", "psycopg2")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    import absent\n", ["absent"]),
        ("    if e:\n        import absent\n", []),
        ("    if e.get('x'):\n        return 1\n    import absent\n", []),
        ("    x = e['x']\n    log(x)\n    import absent\n", ["absent"]),
        ("    return helper(e)\n", ["absent"]),
        ("    return other and helper(e)\n", []),
        ("    try:\n        import absent\n    except ImportError:\n        return 1\n", []),
        ("    try:\n        helper(e)\n    except Exception:\n        log()\n        raise\n", ["absent"]),
        ("    with lock:\n        import absent\n", []),  # who knows what the lock does
        ("    for x in e:\n        import absent\n", []),
        ("    from json import nope\n", ["json"]),
        ("    from datetime import nope\n", ["datetime"]),
        ("    raise ValueError\n", []),
        ("    def inner():\n        import absent\n    return 1\n", []),
        ("    return [helper(x) for x in e]\n", []),
        ("    import fine\n    return fine.x\n", []),
    ],
)
def test_imports_that_the_first_call_of_the_handler_runs(body: str, expected: list[str]) -> None:
    source = "def helper(e):\n    import absent\n\ndef h(e, c):\n" + body
    facts = import_facts({"handler.py": source, "fine.py": "raise_ = 1\n"})
    assert failures(facts) == []
    assert [item.module for item in facts.invoked] == expected


def test_a_decorated_handler_is_not_followed() -> None:
    facts = import_facts({"handler.py": "@wrap\ndef h(e, c):\n    import absent\n"})
    assert facts.invoked == ()
    assert doubts(facts) == [("deferred", "absent", None)]


def test_lazy_imports_of_distributions_are_their_own_business() -> None:
    files = {
        "handler.py": "import dist\n" + H,
        "dist/__init__.py": "def f():\n    import optional\n",
        "dist-1.0.dist-info/METADATA": "Name: dist\nVersion: 1.0\n",
        "dist-1.0.dist-info/RECORD": "dist/__init__.py,,\n",
    }
    assert doubts(import_facts(files)) == []


def test_the_verdict_is_the_target_s() -> None:
    files = {"handler.py": "import asyncore\nimport tomllib\n" + H}
    assert failures(import_facts(files, runtime="python3.11")) == []
    assert failures(import_facts(files, runtime="python3.12")) == missing("asyncore")
    assert failures(import_facts(files, runtime="python3.10")) == missing("tomllib")
