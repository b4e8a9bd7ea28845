"""How handlers are loaded: the real client and our copy of its rules, case by case, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest.probe import CLIENT_RULES

Try = Callable[..., ImportAttempt]


@dataclass(frozen=True)
class Case:
    """One handler. `error` is None when it loads; `message` None when the wording is the interpreter's."""

    files: dict[str, str]
    handler: str
    error: str | None = None
    message: str | None = None


GOOD = "def f(event, context): return event\n"

CASES = {
    "works": Case({"handler.py": GOOD}, "handler.f"),
    "dotted": Case({"pkg/__init__.py": "", "pkg/mod.py": GOOD}, "pkg.mod.f"),
    "with a slash": Case({"pkg/inner/mod.py": GOOD}, "pkg/inner/mod.f"),
    "namespace package": Case({"pkg/mod.py": GOOD}, "pkg.mod.f"),
    "no identifier": Case({"my-app.py": GOOD}, "my-app.f"),
    "not callable": Case({"handler.py": "f = None"}, "handler.f"),
    "module that is not there": Case(
        {"handler.py": GOOD},
        "nofile.f",
        "Runtime.ImportModuleError",
        "Unable to import module 'nofile': No module named 'nofile'",
    ),
    "folder that is not there": Case(
        {"handler.py": GOOD},
        "sub/handler.f",
        "Runtime.ImportModuleError",
        "Unable to import module 'sub/handler': No module named 'sub'",
    ),
    "missing import": Case(
        {"handler.py": "import shared.config\n" + GOOD},
        "handler.f",
        "Runtime.ImportModuleError",
        "Unable to import module 'handler': No module named 'shared'",
    ),
    "missing name": Case(
        {"handler.py": "from shared import nothing\n", "shared.py": ""},
        "handler.f",
        "Runtime.ImportModuleError",
        "Unable to import module 'handler': cannot import name 'nothing' from 'shared' (/var/task/shared.py)",
    ),
    "missing function": Case(
        {"handler.py": GOOD},
        "handler.lambda_handlr",
        "Runtime.HandlerNotFound",
        "Handler 'lambda_handlr' missing on module 'handler'",
    ),
    "no dot": Case(
        {"handler.py": GOOD},
        "handler",
        "Runtime.MalformedHandlerName",
        "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
    ),
    "with its suffix": Case(
        {"app.py": GOOD},
        "app.py.f",
        "Runtime.ImportModuleError",
        "Unable to import module 'app.py': No module named 'app.py'; 'app' is not a package",
    ),
    "method of a class": Case(
        {"app.py": "class C:\n    def f(self): pass\n"},
        "app.C.f",
        "Runtime.ImportModuleError",
        "Unable to import module 'app.C': No module named 'app.C'; 'app' is not a package",
    ),
    "absolute path": Case(
        {"pkg/mod.py": GOOD},
        "/pkg/mod.f",
        "TypeError",
        "the 'package' argument is required to perform a relative import for '.pkg.mod'",
    ),
    "built-in module": Case(
        {"time.py": GOOD},
        "time.f",
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module time as a handler module",
    ),
    "module of the standard library": Case(
        {"handler.py": GOOD},
        "json.f",
        "Runtime.HandlerNotFound",
        "Handler 'f' missing on module 'json'",
    ),
    "syntax error": Case({"handler.py": "def f(\n"}, "handler.f", "Runtime.UserCodeSyntaxError"),
    "syntax error in an import": Case(
        {"handler.py": "import broken", "broken.py": "x = = 1"}, "handler.f", "Runtime.UserCodeSyntaxError"
    ),
    "exception at import": Case({"handler.py": "{}['x']"}, "handler.f", "KeyError", "'x'"),
    "exception of one's own": Case(
        {"handler.py": "class Mine(Exception): pass\nraise Mine('no luck')"}, "handler.f", "Mine", "no luck"
    ),
    "exit": Case(
        {"handler.py": "import sys\nsys.exit(3)"},
        "handler.f",
        "Runtime.ExitError",
        "Runtime exited with error: exit status 3",
    ),
    "exit with success": Case(
        {"handler.py": "exit()"}, "handler.f", "Runtime.ExitError", "Runtime exited without providing a reason"
    ),
    "exit with a text": Case(
        {"handler.py": "raise SystemExit('enough')"},
        "handler.f",
        "Runtime.ExitError",
        "Runtime exited with error: exit status 1",
    ),
    "hard exit": Case(
        {"handler.py": "import os\nos._exit(4)"},
        "handler.f",
        "Runtime.ExitError",
        "Runtime exited with error: exit status 4",
    ),
    "crash": Case(
        {"handler.py": "import ctypes\nctypes.string_at(0)"},
        "handler.f",
        "Runtime.ExitError",
        "Runtime exited with error: signal: segmentation fault",
    ),
    "root logger": Case({"handler.py": "import logging\nlogging.getLogger().handlers[0]\n" + GOOD}, "handler.f"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_rules_and_client_say_the_same(
    case: Case, attempt: Try, clients: Callable[..., Path], newest_minor: int
) -> None:
    ruled = attempt(case.files, case.handler)
    assert (ruled.status, ruled.error_type) == ("failed" if case.error else "ok", case.error)
    if case.message is not None:
        assert ruled.error_message == case.message
    real = attempt(case.files, case.handler, runtime_packages=clients(newest_minor))
    assert (real.status, real.error_type, real.error_message) == (ruled.status, ruled.error_type, ruled.error_message)
    assert real.traceback == ruled.traceback or case.error == "Runtime.ExitError"
    if real.client:  # a process that crashed has not told which client it had
        assert real.client.startswith("awslambdaric ")
        assert ruled.client == CLIENT_RULES


@pytest.mark.parametrize("name", ["works", "missing import", "missing function", "syntax error", "exit", "crash"])
def test_every_version_loads_alike(minor: int, name: str, attempt: Try) -> None:
    case = CASES[name]
    seen = attempt(case.files, case.handler, minor=minor)
    assert (seen.status, seen.error_type) == ("failed" if case.error else "ok", case.error)
    assert case.message is None or seen.error_message == case.message
    assert seen.interpreter.startswith(f"3.{minor}.")


def test_every_version_has_its_client(minor: int, attempt: Try, clients: Callable[..., Path]) -> None:
    client = clients(minor)
    case = CASES["missing import"]
    seen = attempt(case.files, case.handler, minor=minor, runtime_packages=client)
    assert seen.client.startswith("awslambdaric ")
    assert (seen.error_type, seen.error_message) == (case.error, case.message)


@pytest.mark.parametrize(("minor", "version"), [(9, "2.0.11"), (9, "3.0.0"), (13, "4.1.0")])
def test_older_clients_name_their_function_otherwise(
    minor: int, version: str, attempt: Try, clients: Callable[..., Path]
) -> None:
    client = clients(minor, version)
    for name in ("works", "missing import", "missing function", "no dot", "built-in module", "syntax error"):
        case = CASES[name]
        seen = attempt(case.files, case.handler, minor=minor, runtime_packages=client)
        assert seen.client == f"awslambdaric {version}"
        assert (seen.status, seen.error_type) == ("failed" if case.error else "ok", case.error)
        assert case.message is None or seen.error_message == case.message


def test_client_for_another_python_gives_way_to_the_rules(attempt: Try, tmp_path: Path) -> None:
    package = tmp_path / "packages" / "awslambdaric"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '9'\n")
    (package / "bootstrap.py").write_text("import runtime_client_for_another_python\n")
    seen = attempt({"handler.py": GOOD}, runtime_packages=package.parent)
    assert (seen.status, seen.client) == ("ok", CLIENT_RULES)
    assert "runtime_client_for_another_python" in seen.facts["client_unusable"]


def test_traceback_starts_with_the_reader_s_code_and_has_the_whole_chain(attempt: Try) -> None:
    seen = attempt(
        {
            "handler.py": "import inner\n",
            "inner.py": "try:\n    {}['x']\nexcept KeyError as error:\n    import nothing_here\n",
        }
    )
    assert seen.traceback is not None
    lines = [line.strip() for line in seen.traceback.splitlines()]
    assert "KeyError: 'x'" in lines
    assert 'File "/var/task/handler.py", line 1, in <module>' in lines
    assert 'File "/var/task/inner.py", line 4, in <module>' in lines
    assert lines[-1] == "ModuleNotFoundError: No module named 'nothing_here'"
    assert "probe.py" not in seen.traceback
    assert seen.facts["cause"] == "ModuleNotFoundError"
    assert seen.facts["missing_module"] == "nothing_here"


def test_traceback_shows_the_standard_library_at_its_place_on_lambda(attempt: Try, newest_minor: int) -> None:
    seen = attempt({"handler.py": "import json\njson.loads('')\n"})
    assert seen.error_type == "JSONDecodeError"
    assert f'"/var/lang/lib/python3.{newest_minor}/json/decoder.py"' in (seen.traceback or "")


def test_crash_tells_where_in_the_code(attempt: Try) -> None:
    seen = attempt(CASES["crash"].files)
    assert 'File "/var/task/handler.py", line 2 in <module>' in (seen.traceback or "")


def test_time_is_that_of_the_import(attempt: Try) -> None:
    seen = attempt({"handler.py": "import time\ntime.sleep(0.3)\n" + GOOD})
    assert seen.seconds is not None
    assert 0.3 <= seen.seconds < 5
