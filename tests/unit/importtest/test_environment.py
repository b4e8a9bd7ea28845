"""Lambda's search paths, `.pth` files, layers and variables, as a handler sees them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lambdapack.artifact import open_tree
from lambdapack.facts.attempts import ImportAttempt
from lambdapack.importtest import AttemptRequest, LocalBackend, Unavailable, unpack_wheels
from lambdapack.profiles import load_profile
from tests.unit.importtest.conftest import profile_here

Try = Callable[..., ImportAttempt]

GOOD = "def f(event, context): return event\n"


def test_path_order_is_lambda_s(attempt: Try, minor: int, tmp_path: Path) -> None:
    packages = tmp_path / "runtime-packages"
    packages.mkdir()
    seen = attempt(
        {"handler.py": "import sys\nprint('\\n'.join(sys.path))\n" + GOOD},
        minor=minor,
        layers=({"python/one.py": ""},),
        runtime_packages=packages,
    )
    order = list(dict.fromkeys(seen.output.splitlines()))
    opt = [f"/opt/python/lib/python3.{minor}/site-packages", "/opt/python"]
    own = f"/var/lang/lib/python3.{minor}/site-packages"
    assert order[:4] == ["/var/task", *opt, own if minor >= 11 else "/var/runtime"]
    assert order.index(f"/var/lang/lib/python3.{minor}/lib-dynload") > 3
    assert {entry for entry in order if "-packages" in entry} == {opt[0], own}


def test_path_order_without_a_sandbox_has_one_folder_of_packages(
    attempt: Try, minor: int, tmp_path: Path, no_sandbox: Unavailable
) -> None:
    packages = tmp_path / "runtime-packages"
    packages.mkdir()
    handler = {"handler.py": "import sys\nprint('\\n'.join(sys.path))\n" + GOOD}
    seen = attempt(handler, minor=minor, layers=({"python/one.py": ""},), runtime_packages=packages)
    order = list(dict.fromkeys(seen.output.splitlines()))
    opt = [f"/opt/python/lib/python3.{minor}/site-packages", "/opt/python"]
    own = f"/var/lang/lib/python3.{minor}/site-packages"
    assert order[:4] == ["/var/task", *opt, own]
    assert order.index(f"/var/lang/lib/python3.{minor}/lib-dynload") > 3
    assert {entry for entry in order if "-packages" in entry} == {opt[0], own}


def test_the_interpreter_s_own_packages_are_not_seen(attempt: Try) -> None:
    assert attempt({"handler.py": "import pip\n" + GOOD}).error_type == "Runtime.ImportModuleError"


def test_function_hides_the_standard_library(attempt: Try, clients: Callable[..., Path], newest_minor: int) -> None:
    files = {"handler.py": "import calendar\ncalendar.mine\n" + GOOD, "calendar.py": "mine = 1\n"}
    assert attempt(files).status == "ok"
    assert attempt(files, runtime_packages=clients(newest_minor)).status == "ok"


def test_what_the_bootstrap_has_loaded_cannot_be_hidden(
    attempt: Try, clients: Callable[..., Path], newest_minor: int
) -> None:
    files = {"handler.py": "import json, logging\njson.dumps(logging.INFO)\n" + GOOD, "json.py": "", "logging.py": ""}
    assert attempt(files).status == "ok"
    assert attempt(files, runtime_packages=clients(newest_minor)).status == "ok"


def test_nothing_is_loaded_that_the_runtime_has_not_loaded(
    attempt: Try, minor: int, clients: Callable[..., Path]
) -> None:
    """Each module more would hide one of the function that Lambda finds: a `typing.py`, a `types/`."""
    profile = load_profile(f"python3.{minor}", "x86_64")
    for packages in (None, clients(minor)):
        seen = attempt(
            {"handler.py": "import sys\nprint(*sys.modules)\n" + GOOD}, minor=minor, runtime_packages=packages
        )
        loaded = {name for name in seen.output.split() if name.partition(".")[0] in profile.stdlib_modules}
        # A module built into the interpreter cannot be hidden by a file.
        assert loaded - profile.preloaded_modules - profile.builtin_modules == set()


def test_function_comes_before_layers_and_later_layers_before_earlier(attempt: Try) -> None:
    code = "import a, b, c\nprint(a.place, b.place, c.place)\n" + GOOD
    seen = attempt(
        {"handler.py": code, "a.py": "place = 'function'"},
        layers=(
            {"python/a.py": "place = 'first'", "python/b.py": "place = 'first'", "python/c.py": "place = 'first'"},
            {"python/b.py": "place = 'second'"},
        ),
    )
    assert seen.output == "function second first\n"


def test_versioned_folder_of_a_layer_comes_first(attempt: Try, newest_minor: int) -> None:
    seen = attempt(
        {"handler.py": "import a\nprint(a.place)\n" + GOOD},
        layers=(
            {
                "python/a.py": "place = 'python'",
                f"python/lib/python3.{newest_minor}/site-packages/a.py": "place = 'site-packages'",
            },
        ),
    )
    assert seen.output == "site-packages\n"


def test_pth_files_run_in_the_function_and_in_layers(attempt: Try) -> None:
    seen = attempt(
        {"handler.py": "import deep, other\n" + GOOD, "a.pth": "vendored\n", "vendored/deep.py": ""},
        layers=(
            {"python/b.pth": "import sys; sys.path.append('/opt/python/more')\nmore\n", "python/more/other.py": ""},
        ),
    )
    assert seen.status == "ok"


def test_pth_file_that_exits_ends_the_process(attempt: Try) -> None:
    seen = attempt({"handler.py": GOOD, "a.pth": "import sys; sys.exit(7)\n"})
    assert (seen.error_type, seen.error_message) == ("Runtime.ExitError", "Runtime exited with error: exit status 7")


def test_pythonpath_of_the_function_replaces_the_layers_before_the_standard_library(attempt: Try) -> None:
    layer = {"python/calendar.py": "mine = 1"}
    code = {"handler.py": "import calendar\ncalendar.mine\n" + GOOD, "lib/only_here.py": ""}
    assert attempt(code, layers=(layer,)).status == "ok"
    assert attempt(code, layers=(layer,), extra_env={"PYTHONPATH": "/var/runtime"}).error_type == "AttributeError"
    code = {"handler.py": "import only_here\n" + GOOD, "lib/only_here.py": ""}
    assert attempt(code, extra_env={"PYTHONPATH": "/var/task/lib"}).status == "ok"


def test_variables_are_lambda_s_and_nothing_of_the_user_s(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    monkeypatch.setenv("SOME_TOKEN", "the user's own")
    monkeypatch.setenv("PYTHONPATH", "/the/user/s/own")
    code = "import json, os\nprint(json.dumps(dict(os.environ)))\nprint(os.getcwd())\n"
    seen = attempt({"handler.py": code + GOOD}, extra_env={"TABLE": "orders"})
    first, folder = seen.output.splitlines()
    variables = json.loads(first)
    assert "the user's own" not in first
    assert "HOME" not in variables
    assert variables["LAMBDA_TASK_ROOT"] == variables["PWD"] == folder == "/var/task"
    profile = load_profile("python3.13", "x86_64")
    assert variables["LD_LIBRARY_PATH"].split(":") == [*profile.library_path]
    assert variables["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert (variables["_HANDLER"], variables["TABLE"]) == ("handler.f", "orders")
    assert (variables["AWS_REGION"], variables["TZ"]) == ("us-east-1", ":UTC")


def test_file_beside_the_code_is_found_by_its_path_on_lambda_s_root(attempt: Try) -> None:
    code = "import os, pathlib\nassert pathlib.Path('data.txt').read_text() == 'x'\n"
    code += "assert pathlib.Path(os.environ['LAMBDA_TASK_ROOT'], 'data.txt').exists()\n"
    assert attempt({"handler.py": code + GOOD, "data.txt": "x"}).status == "ok"


def test_missing_module_of_the_runtime_is_not_a_failure(attempt: Try, tmp_path: Path) -> None:
    files = {"handler.py": "import boto3\n" + GOOD}
    seen = attempt(files)
    assert (seen.status, seen.error_type) == ("not-run", "Runtime.ImportModuleError")
    assert (seen.reason or "").startswith("boto3 is not here")
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "boto3.py").write_text("")
    assert attempt(files, runtime_packages=packages).status == "ok"


def test_caught_absence_of_a_module_of_the_runtime_makes_later_errors_doubtful(attempt: Try) -> None:
    optional = "try:\n    import boto3\nexcept ImportError:\n    boto3 = None\n"
    assert attempt({"handler.py": optional + "boto3.client('s3')\n"}).status == "not-run"
    # but not what has nothing to do with it
    assert attempt({"handler.py": optional + "import nothing_here\n"}).status == "failed"
    seen = attempt({"handler.py": optional + GOOD})
    assert (seen.status, seen.facts["preinstalled_not_here"]) == ("ok", "boto3")


def test_variable_of_the_configuration_is_not_a_failure(attempt: Try) -> None:
    files = {"handler.py": "import os\nTABLE = os.environ['TABLE']\n" + GOOD}
    seen = attempt(files)
    assert (seen.status, seen.facts["unset_variables"]) == ("not-run", "TABLE")
    assert attempt(files, extra_env={"TABLE": "orders"}).status == "ok"
    assert attempt({"handler.py": "{}['TABLE']\n"}).status == "failed"


def test_proof_says_what_was_emulated_and_what_not(attempt: Try) -> None:
    seen = attempt({"handler.py": GOOD})
    assert seen.backend == "local"
    assert f"{seen.interpreter} " in seen.proof
    assert "in a sandbox" in seen.proof
    assert "host libraries" in seen.proof


def test_proof_says_that_there_was_no_sandbox_and_why(attempt: Try, no_sandbox: Unavailable) -> None:
    seen = attempt({"handler.py": GOOD})
    assert seen.status == "ok"
    assert "without a sandbox" in seen.proof
    assert no_sandbox.reason in seen.proof
    assert "not Lambda's" in seen.proof


def test_no_foreign_artifact_is_run_without_a_sandbox(
    tmp_path: Path, newest_minor: int, no_sandbox: Unavailable
) -> None:
    (tmp_path / "handler.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n" + GOOD)
    request = AttemptRequest({"/var/task": [open_tree(tmp_path)]}, profile_here(newest_minor), "handler.f")
    seen = LocalBackend(require_sandbox=True).attempt(request)
    assert (seen.status, seen.reason, seen.remedy) == ("not-run", no_sandbox.reason, no_sandbox.remedy)
    assert not (tmp_path / "ran").exists()


def test_another_machine_is_not_run_and_says_how(tmp_path: Path, newest_minor: int) -> None:
    (tmp_path / "handler.py").write_text(GOOD)
    profile = replace(load_profile(f"python3.{newest_minor}", "arm64"), machine="riscv64", architecture="riscv64")
    backend = LocalBackend()
    seen = backend.attempt(AttemptRequest({"/var/task": [open_tree(tmp_path)]}, profile, "handler.f"))
    assert seen.status == "not-run"
    assert "riscv64" in (seen.reason or "")
    assert "riscv64" in (seen.remedy or "")
    assert backend.available(profile) is not None


def test_packages_unpacked_from_wheels_serve(attempt: Try, tmp_path: Path, wheel: Callable[..., Path]) -> None:
    made = wheel("boto3-1-py3-none-any.whl", {"boto3/__init__.py": "place = 'wheel'"})
    packages = unpack_wheels([made], tmp_path / "packages")
    seen = attempt(
        {"handler.py": "import boto3\nprint(boto3.place)\n" + textwrap.dedent(GOOD)}, runtime_packages=packages
    )
    assert (seen.status, seen.output) == ("ok", "wheel\n")
