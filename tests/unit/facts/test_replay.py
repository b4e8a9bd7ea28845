"""A report is the same whether libraries were executed in this run or in an earlier one, whatever the user changed."""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lambdapack.facts.belief import Belief, Noted
from lambdapack.facts.frames import Followed, Ledger
from lambdapack.facts.outcome import Execution
from lambdapack.facts.replay import Stretch
from lambdapack.workflows.inspection import Target, inspect

_LIBRARIES = {
    "alpha": {
        "alpha/__init__.py": "import os\nfrom alpha.core import make, VALUE, HERE\nfrom . import extra\n"
        "__version__ = '1.2'\nif 'ALPHA_DEBUG' in os.environ:\n    import gone_debug\n"
        "try:\n    import gone_speedups\nexcept ImportError:\n    pass\n",
        "alpha/core.py": "import pathlib, json\nHERE = pathlib.Path(__file__).parent\nVALUE = (1, 2)\n"
        "def outer():\n    def inner():\n        import alpha.lazy\n    return inner\nmake = outer()\n"
        "def load(name):\n    import importlib\n    return importlib.import_module(name)\n"
        "def read():\n    return open(HERE / 'data.txt')\n",
        "alpha/extra.py": "def helper():\n    import gone_helper\n",
        "alpha/lazy.py": "import gone_lazy\n",
        "alpha/more.py": "from alpha import make\nfrom beta import thing\n",
    },
    "beta": {
        "beta/__init__.py": "import importlib.metadata\nfrom alpha import *\nfrom beta.a import thing\n"
        "VERSION = importlib.metadata.version('beta')\nTABLE = open('/var/task/beta/table.csv')\n",
        "beta/a.py": "import sys\nfrom beta import b\nthing = 1\nif sys.version_info < (3, 13):\n    import gone_old\n",
        "beta/b.py": "class C: pass\nC.late = 1\ndef f():\n    import beta.gone\nx = f\n",
    },
}
_OWN = {
    "handler.py": "import own.part\nimport beta\ndef lambda_handler(event, context):\n    return own.part.go()\n",
    "own/__init__.py": "",
    "own/part.py": "import alpha\ndef go(): return alpha.VALUE\n",
}
_H = _OWN["handler.py"]
_P = _OWN["own/part.py"]

# Changed files of the user's own; None: removed.
_EDITS: dict[str, Mapping[str, str | None]] = {
    "nothing": {},
    "a comment": {"handler.py": f"# changed\n{_H}"},
    "a missing import before": {"handler.py": f"import gone\n{_H}"},
    "a missing import after": {"handler.py": f"{_H}import gone\n"},
    "a missing name": {"handler.py": f"{_H}from alpha import gone\n"},
    "a name of a submodule": {"handler.py": f"{_H}from alpha import core, more\n"},
    "a missing submodule": {"handler.py": f"{_H}import alpha.gone\n"},
    "a star import": {"handler.py": f"from alpha import *\n{_H}if VALUE == (1, 2):\n    import gone\n"},
    "a value": {"handler.py": f"from alpha import VALUE\n{_H}if VALUE == (1, 2):\n    import gone\n"},
    "a path": {"handler.py": f"from alpha import HERE\n{_H}open(HERE / 'gone.txt')\n"},
    "a call": {"handler.py": f"{_H}import alpha.core\nalpha.core.load('gone')\n"},
    "a call of an inner function": {"handler.py": f"{_H}from alpha import make\nmake()\n"},
    "a call of a function that reads": {"handler.py": f"{_H}from alpha.core import read\nread()\n"},
    "a call when invoked": {"handler.py": _H.replace("return own", "import beta.a, alpha.lazy\n    return own")},
    "a variable that is named": {"handler.py": f"import os\nos.environ['ALPHA_DEBUG'] = '1'\n{_H}"},
    "another order": {"handler.py": f"import beta\n{_H}"},
    "an attribute": {"handler.py": f"import alpha\nalpha.VALUE = 3\n{_H}from alpha import gone\n"},
    "an attribute of that name": {
        "own/part.py": f"{_P}alpha.gone = 3\n",
        "handler.py": f"{_H}from alpha import gone\n",
    },
    "a search path": {"own/part.py": f"import sys\nsys.path.insert(0, '/tmp')\nimport gone\n{_P}"},
    "a made module": {"own/part.py": f"import sys\nsys.modules['gone'] = sys\nimport gone\n{_P}"},
    "a guard": {"own/part.py": "try:\n    import alpha\nexcept ImportError:\n    pass\ndef go(): pass\n"},
    "a function that imports": {"own/part.py": f"{_P}def later():\n    from beta.b import C, gone\n    import gone\n"},
    "a standard module": {"handler.py": f"import json\n{_H}"},
    "a module that a library takes": {"gone_speedups.py": "import gone\n"},
    "a module that a library takes, changed": {"gone_speedups.py": "import gone_too\n"},
    "a module over a standard one": {"json.py": "import gone\n"},
    "a module beside a library": {"alpha.py": "import gone\n"},
    "a module within a library": {"alpha/gone_core.py": "import gone\n", "handler.py": f"import alpha.gone_core\n{_H}"},
    "that module changed": {"alpha/gone_core.py": "import gone2\n", "handler.py": f"import alpha.gone_core\n{_H}"},
    "a mistake": {"own/part.py": f"def\n{_P}"},
    "a removed module": {"own/part.py": None},
    "a data file": {"table.csv": "1,2\n"},
    "data of a library": {"beta/table.csv": "1,2\n"},
    "a version of its own": {"own/__init__.py": "__version__ = '1'\n"},
}
_CHANGED_LIBRARIES: dict[str, tuple[str, str, str | None]] = {
    "a removed module": ("alpha", "alpha/core.py", None),
    "a changed module": ("alpha", "alpha/core.py", "import gone\n"),
    "an added module": ("alpha", "alpha/new.py", "x = 1\n"),
    "another library": ("beta", "beta/b.py", "import gone\n"),
}


def _zip(
    path: Path, own: Mapping[str, str | None], libraries: Mapping[str, Mapping[str, str]] = _LIBRARIES, root: str = ""
) -> Path:
    files: dict[str, str] = {}
    for name, contents in libraries.items():
        record = "".join(f"{file},,\n" for file in _LIBRARIES[name])
        files |= contents
        files[f"{name}-1.0.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        files[f"{name}-1.0.dist-info/RECORD"] = f"{record}{name}-1.0.dist-info/METADATA,,\n"
    files |= {name: text for name, text in own.items() if text is not None}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(root + name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            archive.writestr(info, files[name], zipfile.ZIP_DEFLATED)
    return path


Held = Callable[..., int]


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    """Compares the report on an artifact with one for which nothing was known; returns how much was taken over."""
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    recalled: list[bool] = []
    recall = Stretch.recall

    def count(stretch: Stretch) -> bool:
        recalled.append(recall(stretch))
        return recalled[-1]

    monkeypatch.setattr(Stretch, "recall", count)

    def compare(path: Path, **options: Any) -> int:
        chosen = {"runtime": "python3.13", "architecture": "x86_64", "handler": "handler.lambda_handler"} | options
        target = Target(path, details=True, **chosen)
        recalled.clear()
        found = dataclasses.replace(inspect(target), timings={})
        taken_over = sum(recalled)
        assert found == dataclasses.replace(inspect(dataclasses.replace(target, cached=False)), timings={})
        return taken_over

    return compare


def test_whatever_the_user_changes(tmp_path: Path, held: Held) -> None:
    path = tmp_path / "function.zip"
    assert held(_zip(path, _OWN)) == 0
    taken_over = {name: held(_zip(path, {**_OWN, **changed})) for name, changed in _EDITS.items()}
    whole = ("nothing", "a comment", "a missing name", "a value", "a path", "a call", "a call of an inner function")
    assert {taken_over[name] for name in whole} == {2}  # alpha and beta
    # And once more, with what those runs have kept. What is never kept reaches his own code, or would.
    again = {name: held(_zip(path, {**_OWN, **changed})) for name, changed in _EDITS.items()}
    never = {"a made module", "a mistake", "a module beside a library", "a module over a standard one"}
    never |= {"a module that a library takes", "a module that a library takes, changed", "a removed module"}
    assert {name for name, count in again.items() if not count} <= never


@pytest.mark.parametrize("name", _CHANGED_LIBRARIES)
def test_a_changed_library(name: str, tmp_path: Path, held: Held) -> None:
    path = tmp_path / "function.zip"
    held(_zip(path, _OWN))
    library, file, text = _CHANGED_LIBRARIES[name]
    changed = {at: content for at, content in _LIBRARIES[library].items() if at != file}
    changed |= {} if text is None else {file: text}
    assert held(_zip(path, _OWN, {**_LIBRARIES, library: changed})) == 0
    assert held(_zip(path, _OWN)) == 2


def test_another_target(tmp_path: Path, held: Held) -> None:
    path = _zip(tmp_path / "function.zip", _OWN)
    for chosen in ({}, {"runtime": "python3.12"}, {"architecture": "arm64"}, {"handler": "own.part.go"}):
        assert held(path, **chosen) == 0
        assert held(path, **chosen) > 0


def test_libraries_in_a_layer(tmp_path: Path, held: Held) -> None:
    layers = (_zip(tmp_path / "layer.zip", {}, root="python/"),)
    path = tmp_path / "function.zip"
    assert held(_zip(path, _OWN, {}), layers=layers) == 0
    assert held(_zip(path, {**_OWN, "handler.py": f"# changed\n{_H}"}, {}), layers=layers) == 2
    # The function comes first on sys.path.
    assert held(_zip(path, {**_OWN, "alpha.py": "import gone\n"}, {}), layers=layers) == 0
    assert held(_zip(path, _OWN, {"beta": _LIBRARIES["beta"]}), layers=layers) == 0


def test_everything_that_an_execution_leaves_behind_is_known_here() -> None:
    """Whoever adds to one of these has to say in `replay` and `recalled` what an earlier run left of it."""
    fields = {
        kind: " ".join(item.name for item in dataclasses.fields(kind)) for kind in (Execution, Ledger, Noted, Followed)
    }
    state = "names names_known aliases constants failures program done effects obscured position steady assumed"
    assert fields[Execution] == f"module chain {state}"
    assert fields[Ledger] == "executions doubts caught calls edges kept_edges"
    assert fields[Noted] == "sources hooking natives attributes loads_libraries"
    assert fields[Followed] == "active count"
    belief = Belief(*(None,) * 5)  # type: ignore[arg-type]
    assert {name for name, value in vars(belief).items() if value is not None} == {"noted", "words"}
