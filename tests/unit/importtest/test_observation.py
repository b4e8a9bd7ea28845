"""What an attempt tells besides its outcome, and that no handler can forge or silence it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lambdapack.facts.attempts import ImportAttempt

Try = Callable[..., ImportAttempt]

GOOD = "def f(event, context): return event\n"

HOSTILE = {
    "closes every descriptor": "import os\nos.closerange(0, 4096)\n",
    "reuses the descriptor": "import os\nfor n in range(3, 64):\n    os.dup2(1, n)\n",
    "replaces json and os": "import json, os\njson.dumps = json.JSONEncoder.encode = lambda *_, **__: '{}'\n"
    "os.write = lambda *_: 0\nos.getpid = lambda: 1\nos._exit = lambda *_: None\n",
    "replaces the streams": "import sys\nsys.stdout = sys.stderr = None\n",
    "freezes time": "import time\ntime.perf_counter = time.time = lambda: 0.0\n",
    "empties sys.modules": "import sys\nfor name in {*sys.modules} - {__name__}:\n    del sys.modules[name]\n",
    "forks": "import os\nos.fork()\n",
    "prints what an answer looks like": 'print(\'\\0abc\\0{"event": "failed", "type": "x"}\\0abc\\0\')\n',
    "leaves a thread": "import threading, time\nthreading.Thread(target=lambda: time.sleep(30)).start()\n",
    "exits later": "import atexit, os\natexit.register(os._exit, 9)\n",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_handler_that_loads_is_told_to_load_whatever_it_does(attempt: Try, code: str) -> None:
    seen = attempt({"handler.py": code + GOOD})
    assert (seen.status, seen.error_message) == ("ok", None)
    assert seen.seconds is not None


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_handler_that_fails_is_told_to_fail_whatever_it_does(attempt: Try, code: str) -> None:
    seen = attempt({"handler.py": code + "raise RuntimeError('no luck')\n"})
    assert (seen.status, seen.error_type, seen.error_message) == ("failed", "RuntimeError", "no luck")


@pytest.mark.parametrize(
    "end", ["os._exit(0)", "os.execv(sys.executable, ['python', '-c', ''])", "os.kill(os.getpid(), 9)"]
)
def test_an_end_without_an_answer_is_no_success(attempt: Try, end: str) -> None:
    code = 'import os, sys\nprint(\'{"event": "loaded"}\', flush=True)\n'
    seen = attempt({"handler.py": f"{code}{end}\n" + GOOD})
    assert (seen.status, seen.error_type) == ("failed", "Runtime.ExitError")


def test_imports_are_a_tree_with_times(attempt: Try, minor: int) -> None:
    files = {
        "handler.py": "import outer\ntry:\n    import nowhere\nexcept ImportError:\n    pass\n" + GOOD,
        "outer.py": "import time\ntime.sleep(0.05)\nimport inner\n",
        "inner.py": "import time\ntime.sleep(0.1)\n",
    }
    imports = attempt(files, minor=minor).imports
    by_name = {module.name: module for module in imports}
    handler, outer, inner = by_name["handler"], by_name["outer"], by_name["inner"]
    assert [imports[module.importer].name for module in (outer, inner)] == ["handler", "outer"]
    assert handler.importer == -1
    assert inner.path == "/var/task/inner.py"
    assert by_name["nowhere"].path is None
    assert 0.1 <= inner.seconds < outer.seconds <= handler.seconds
    assert 0.05 <= outer.own_seconds < outer.seconds - 0.09


def test_watching_leaves_no_frame_in_tracebacks(attempt: Try, minor: int) -> None:
    files = {
        "handler.py": "import importlib\nimportlib.import_module('inner')\n",
        "inner.py": "import warnings\nwarnings.warn('look', stacklevel=2)\nimport deeper\n",
        "deeper.py": "{}['x']\n",
    }
    seen = attempt(files, minor=minor)
    trace = seen.traceback or ""
    assert [line for line in trace.splitlines() if "_find_and_load\n" in line + "\n"].__len__() == 1
    assert "observation.py" not in trace + seen.output
    assert "probe.py" not in trace + seen.output


def test_what_nobody_touches_is_counted(attempt: Try) -> None:
    handler = "open('/var/task/read.txt').close() if False else open('read.txt').close()\n" + GOOD
    seen = attempt({"handler.py": handler, "read.txt": "x" * 10, "unread.txt": "x" * 1000, "other.py": "x = 1\n"})
    assert seen.untouched_bytes == 1000 + len("x = 1\n")
    assert seen.total_bytes == seen.untouched_bytes + len(handler) + 10


def test_memory_and_libraries_are_told(attempt: Try) -> None:
    seen = attempt({"handler.py": "import ctypes\nblock = bytearray(64 * 1024 * 1024)\ndel block\n" + GOOD})
    assert seen.peak_bytes is not None
    assert seen.peak_bytes > 64 * 1024 * 1024
    assert any("/libc" in path for path in seen.shared_objects)


def test_contracts_are_looked_up_after_the_handler(attempt: Try) -> None:
    files = {"handler.py": GOOD, "shared.py": "class Config:\n    load = 1\n"}
    wanted = ("shared:Config.load", "shared", "shared:Config.save", "sharde:Config")
    seen = attempt(files, contracts=wanted)
    assert seen.status == "ok"
    assert [(item.target, item.error) for item in seen.contracts] == [
        ("shared:Config.load", None),
        ("shared", None),
        ("shared:Config.save", "AttributeError: type object 'Config' has no attribute 'save'"),
        ("sharde:Config", "ModuleNotFoundError: No module named 'sharde'"),
    ]
