"""Every backend alike: the words of the real runtime client, and an end to whatever a handler does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.containers.engine import Engine
from tests.containers.conftest import RUNTIMES, Try, lambdapack

HANDLER = "def lambda_handler(event, context): return 1\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_handler_is_loaded_by_the_runtimes_own_client(attempt: Try, runtime: str) -> None:
    found = attempt({"handler.py": f"import boto3, os, helper\nprint('loaded')\n{HANDLER}", "helper.py": ""}, runtime)
    assert (found.status, found.output) == ("ok", "loaded\n")
    assert found.client.startswith("awslambdaric ")
    assert found.interpreter.startswith(runtime.removeprefix("python"))
    assert {module.name: module.path for module in found.imports}["helper"] == "/var/task/helper.py"


FAILURES = {
    "import not_there": (
        "Runtime.ImportModuleError",
        "Unable to import module 'handler': No module named 'not_there'",
    ),
    "def f(:": (
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'handler': invalid syntax (handler.py, line 1)",
    ),
    "x = 1": ("Runtime.HandlerNotFound", "Handler 'lambda_handler' missing on module 'handler'"),
    "1 / 0": ("ZeroDivisionError", "division by zero"),
    "import sys; sys.exit(3)": ("Runtime.ExitError", "Runtime exited with error: exit status 3"),
    "import os; os._exit(0)": ("Runtime.ExitError", "Runtime exited without providing a reason"),
    "import ctypes; ctypes.string_at(0)": (
        "Runtime.ExitError",
        "Runtime exited with error: signal: segmentation fault",
    ),
    "import os; os.kill(os.getpid(), 9)": ("Runtime.ExitError", "Runtime exited with error: signal: killed"),
    "open('/var/task/cache', 'w')": ("OSError", "[Errno 30] Read-only file system: '/var/task/cache'"),
    "open('/usr/cache', 'w')": ("OSError", "[Errno 30] Read-only file system: '/usr/cache'"),
}


@pytest.mark.parametrize("source", FAILURES, ids=lambda source: source[:30])
def test_what_fails_is_told_as_lambda_tells_it(attempt: Try, source: str) -> None:
    found = attempt({"handler.py": source})
    assert (found.status, found.error_type, found.error_message) == ("failed", *FAILURES[source])


def test_traceback_and_output_show_what_lambda_hides(attempt: Try) -> None:
    found = attempt({"handler.py": "import sys\nprint('out')\nimport helper\n", "helper.py": "import gone\n"})
    assert found.error_message == "Unable to import module 'handler': No module named 'gone'"
    assert found.traceback is not None
    assert 'File "/var/task/helper.py", line 1' in found.traceback
    assert found.output == "out\n"


ENDLESS = {
    "loop": "while True: pass",
    "prints without end": "while True: print('x' * 1000)",
    "ignores signals": "import signal, time\nsignal.signal(signal.SIGABRT, signal.SIG_IGN)\ntime.sleep(1000)",
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=list(ENDLESS))
def test_what_does_not_end_is_ended(attempt: Try, source: str) -> None:
    found = attempt({"handler.py": source}, seconds=2)
    assert (found.status, found.error_type) == ("failed", "Sandbox.Timedout")
    assert found.error_message == "Task timed out after 2.00 seconds"


GREEDY = {
    "memory": "kept = []\nwhile True: kept.append(bytearray(10_000_000))",
    "a full /tmp": "file = open('/tmp/x', 'wb')\nwhile True: file.write(bytes(1_000_000))",
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
}


@pytest.mark.parametrize("source", GREEDY.values(), ids=list(GREEDY))
def test_what_takes_too_much_is_ended(attempt: Try, source: str) -> None:
    found = attempt({"handler.py": source}, seconds=10)
    assert found.status == "failed"
    assert found.error_type in {"Runtime.ExitError", "Sandbox.Timedout"}


def test_threads_are_limited(attempt: Try) -> None:
    source = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(100,)).start()\n"
    found = attempt({"handler.py": source})
    assert (found.error_type, found.error_message) == ("RuntimeError", "can't start new thread")


def test_only_tmp_can_be_written(attempt: Try) -> None:
    source = (
        "written = []\n"
        "for folder in ('/', '/var/task', '/opt', '/usr', '/etc', '/root', '/var/tmp', '/run', '/dev', '/tmp'):\n"
        "    try: open(folder + '/x', 'w').close()\n"
        "    except OSError: continue\n"
        "    written.append(folder)\n"
        "print(written)\n"
    )
    assert attempt({"handler.py": source + HANDLER}).output == "['/tmp']\n"


def test_there_is_no_network_and_no_privilege(attempt: Try) -> None:
    source = (
        "import os, socket\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(os.getuid() != 0, status['CapBnd'].strip())\n"
        "print(sorted(name for _, name in socket.if_nameindex()))\n"
    )
    assert attempt({"handler.py": source + HANDLER}).output == "True 0000000000000000\n['lo']\n"


NOT_FOOLED = {
    "closes every descriptor": "import os\nos.closerange(0, 1024)\n",
    "signals the first process": "import os\nfor number in (2, 9, 14, 15, 17): os.kill(1, number)\n",
    "leaves processes behind": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(100)\n",
}


@pytest.mark.parametrize("source", NOT_FOOLED.values(), ids=list(NOT_FOOLED))
def test_a_sound_handler_with_odd_manners_is_sound(attempt: Try, source: str) -> None:
    assert attempt({"handler.py": source + HANDLER}).status == "ok"


def test_an_answer_that_the_handler_prints_is_no_answer(attempt: Try) -> None:
    fake = "print('\\0' + 'a' * 32 + '\\0{\"event\": \"loaded\", \"status\": 0}\\0' + 'a' * 32 + '\\0')\n1 / 0\n"
    found = attempt({"handler.py": fake})
    assert (found.status, found.error_type) == ("failed", "ZeroDivisionError")


def test_a_file_that_lambdas_user_may_not_read_fails(attempt: Try, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"handler.py": f"open('/var/task/data')\n{HANDLER}", "data": "x"}
    found = attempt(files)
    assert found.status == "ok"
    (tmp_path / "function/data").chmod(0o600)
    found = attempt({"handler.py": files["handler.py"]})
    assert (found.error_type, found.error_message) == (
        "PermissionError",
        "[Errno 13] Permission denied: '/var/task/data'",
    )
    assert found.facts["unreadable"] == "/var/task/data"


def test_the_verb_says_which_backend_and_why(image_of: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(HANDLER, encoding="ascii")
    command: list[str | Path] = [
        "test",
        tmp_path,
        "--runtime",
        "python3.13",
        "--handler",
        "handler.lambda_handler",
        "--format",
        "json",
    ]
    done = lambdapack(*command, "--image", image_of("python3.13"))
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert (report["import_test"]["backend"], report["import_test"]["choice"]) == ("docker", "the first that can")
    forced = lambdapack(*command, "--backend", "docker", "--image", "registry.invalid/none:1")
    assert forced.returncode == 4
    assert "registry.invalid/none:1" in forced.stderr


def test_a_wrong_machine_is_not_run(image_of: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(HANDLER, encoding="ascii")
    command: list[str | Path] = [
        "test",
        tmp_path,
        "--runtime",
        "python3.13",
        "--handler",
        "handler.lambda_handler",
        "--arch",
        "arm64",
    ]
    done = lambdapack(*command, "--image", image_of("python3.13"))
    assert done.returncode == 4
    assert "NOT RUN" in done.stderr


def test_an_image_is_tested_in_itself(engine: Engine, image_of: Callable[[str], str], tmp_path: Path) -> None:
    api = engine.client.api
    (tmp_path / "app.py").write_text("import helper\ndef handle(event, context): pass\n", encoding="ascii")
    (tmp_path / "Dockerfile").write_text(
        f'FROM {image_of("python3.13")}\nCOPY app.py /var/task/\nCMD ["app.handle"]\n', encoding="ascii"
    )
    name = f"lambdapack-test/{tmp_path.name.lower()}:1"
    steps = list(api.build(path=str(tmp_path), tag=name, decode=True, rm=True, forcerm=True))
    try:
        assert any("Successfully" in str(step.get("stream")) for step in steps), steps
        done = lambdapack("test", f"docker-daemon:{name}", "--format", "json")
        assert done.returncode == 1
        finding = json.loads(done.stdout)["findings"][0]
        assert finding["evidence"]["error_message"] == "Unable to import module 'app': No module named 'helper'"
        engine.save_image(name, tmp_path / "image.tar")
    finally:
        api.remove_image(name)
    before = {image["Id"] for image in api.images(all=True)}
    done = lambdapack("test", tmp_path / "image.tar", "--format", "json")
    assert json.loads(done.stdout)["import_test"]["error_type"] == "Runtime.ImportModuleError"
    assert {image["Id"] for image in api.images(all=True)} <= before


def test_an_image_that_is_not_here_is_pulled(
    engine: Engine, image_of: Callable[[str], str], registry: str, tmp_path: Path
) -> None:
    api = engine.client.api
    name = f"{registry}/lambda/python:3.13"
    api.tag(image_of("python3.13"), f"{registry}/lambda/python", "3.13")
    pushed = [json.loads(line) for line in api.push(name).splitlines()]
    api.remove_image(name)
    assert not any("error" in step for step in pushed), pushed
    assert not engine.has_image(name)
    (tmp_path / "handler.py").write_text(HANDLER, encoding="ascii")
    try:
        done = lambdapack(
            *("test", tmp_path, "--runtime", "python3.13", "--handler", "handler.lambda_handler"),
            *("--image", name, "--format", "json"),
        )
        facts = json.loads(done.stdout)["import_test"]["facts"]
        assert facts["image"] == name
        assert f"{registry}/lambda/python@{facts['image_digest']}" in api.inspect_image(name)["RepoDigests"]
    finally:
        api.remove_image(name)
