"""Names and modules that code makes in other modules: whatever works in a real interpreter must not be an error."""

from __future__ import annotations

import pytest

from tests.unit.facts.test_execution import fails, missing

LIB = "from lib import x\n"


@pytest.mark.parametrize(
    ("source", "files"),
    [
        (LIB, {"lib.py": "from fill import go\ngo()\n", "fill.py": "import sys\ndef go():\n"
               "    caller = sys._getframe(1).f_globals\n    caller['x'] = 1\n"}),
        (LIB, {"lib.py": "from fill import go\n@go\ndef f(): pass\n", "fill.py": "def go(f):\n"
               "    f.__globals__['x'] = 1\n    return f\n"}),
        (LIB, {"lib.py": "from fill import go\ngo(__name__)\n", "fill.py": "import sys\ndef go(name):\n"
               "    sys.modules[name].x = 1\n"}),
        (LIB, {"lib.py": "import lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__)\n", "lazy.py":
               "def attach(name):\n    return lambda name: 1, lambda: [], []\n"}),
        ("import fill\n" + LIB, {"lib.py": "", "fill.py": "import lib\nlib.__dict__['x'] = 1\n"}),
        ("import fill\n" + LIB, {"lib.py": "", "fill.py": "import lib\nvars(lib)['x'] = 1\n"}),
        ("import fill\n" + LIB, {"lib.py": "", "fill.py": "import lib\nvars(lib).update(x=1)\n"}),
        ("import p\np.__path__.append(found())\nimport p.more\nfrom p import other\n", {"p/__init__.py": ""}),
        ("from mid import f\n", {"mid.py": "from lib import *\n", "lib.py": "from public import public\n__all__ = []\n"
                                 "@public\ndef f(): pass\n", "public.py": "import sys\ndef public(f):\n"
                                 "    sys.modules[f.__module__].__all__.append(f.__name__)\n    return f\n"}),
        ("def f():\n    try:\n        import absent\n    finally:\n        return 1\nf()\n", {}),
        ("from collections import Mapping\n", {}),
    ],
)  # fmt: skip
def test_made_from_elsewhere(source: str, files: dict[str, str]) -> None:
    assert fails(source, files, runtime="python3.9") == []


def test_nothing_of_that_makes_what_nobody_names() -> None:
    files = {"lib.py": "", "fill.py": "import lib\nlib.__dict__['x'] = 1\n"}
    assert fails("import fill\nfrom lib import y\n", files) == [("missing-name", "lib", "y")]
    assert fails("import p\nimport p.more\n", {"p/__init__.py": ""}) == missing("p.more")


def test_finders_that_only_have_find_module() -> None:
    finder = "import sys\n__path__ = []\nclass F:\n    def find_module(self, n, p=None): return self\n"
    finder += "    def load_module(self, n):\n        sys.modules[n] = 1\nsys.meta_path.append(F())\n"
    assert fails("import six.moves\n", {"six.py": finder}, runtime="python3.11") == []
    assert fails("import six.moves\n", {"six.py": finder}, runtime="python3.12") == missing("six.moves")
    modern = finder + "def find_spec(): pass\n"
    assert fails("import six.moves\n", {"six.py": modern}, runtime="python3.12") == []
    also = finder + "sys.modules['six.moves'] = sys\n"
    assert fails("import six.moves\n", {"six.py": also}, runtime="python3.12") == []


def test_what_record_calls_a_module_is_nothing_that_code_makes_up() -> None:
    loop = "class C: pass\nfor name in C.names: setattr(C, name, 1)\n"
    registry = "import sys\ndef install(): sys.modules['other'] = sys.modules['lib']\n"
    record = {"lib-1.0.dist-info/RECORD": "lib/__init__.py,,\nlib/gone.py,,\n"}
    record["lib-1.0.dist-info/METADATA"] = "Name: lib\nVersion: 1.0\n"
    for own in (loop, registry):
        package = {"lib/__init__.py": "from . import part\n", "lib/part.py": own}
        assert fails("from lib import gone\n", package) == []
        assert fails("from lib import gone\n", package | record) == [("missing-name", "lib", "gone")]
    named = {"lib/__init__.py": "from . import part\n", "lib/part.py": "import sys\nsys.modules['lib.gone'] = sys\n"}
    assert fails("from lib import gone\n", named | record) == []


def test_a_package_that_lost_its_init_has_no_names() -> None:
    record = {"lib-1.0.dist-info/RECORD": "lib/__init__.py,,\nlib/sub/__init__.py,,\nlib/sub/part.py,,\n"}
    record["lib-1.0.dist-info/METADATA"] = "Name: lib\nVersion: 1.0\n"
    package = {"lib/__init__.py": "class C: pass\nfor n in C.names: setattr(C, n, 1)\n", "lib/sub/part.py": ""}
    assert fails("from lib.sub import f\n", package | record) == [("missing-name", "lib.sub", "f")]
    assert fails("from lib.sub import part\n", package | record) == []
