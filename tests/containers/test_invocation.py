"""`lambdapack invoke`: the real emulator, the real client, and a strict judgement."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.render.invocation_format import invocation_schema
from tests.containers.conftest import RUNTIMES, lambdapack

Invoke = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def invoke(backend: str, image_of: Callable[[str], str], request: pytest.FixtureRequest, tmp_path: Path) -> Invoke:
    """Invokes `handler.lambda_handler` from the given source in a backend, as a user does."""

    def run(source: str, *options: str | Path, runtime: str = "python3.13") -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "function"
        folder.mkdir(exist_ok=True)
        (folder / "handler.py").write_text(source, encoding="utf-8")
        where: list[str] = ["--backend", backend]
        if backend == "docker":
            where += ["--image", image_of(runtime)]
        elif backend == "rootfs":
            where += ["--image", request.getfixturevalue("served")(image_of(runtime))]
        return lambdapack(
            *("invoke", folder, "--runtime", runtime, "--handler", "handler.lambda_handler"),
            *(*where, "--format", "json", *options),
        )

    return run


def document(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, invocation_schema())
    return found


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_handler_answers_with_a_real_context(invoke: Invoke, tmp_path: Path, runtime: str) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"name": "Žofie"}', encoding="utf-8")
    done = invoke(
        "def lambda_handler(event, context):\n"
        "    print('hello')\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [event['name'], len(context.aws_request_id), 0 < left <= 5000]\n",
        *("--event", event, "--timeout", "5"),
        runtime=runtime,
    )
    found = document(done)
    assert (done.returncode, found["verdict"], found["invocation"]["status"]) == (0, "pass", "answered")
    assert json.loads(found["invocation"]["payload"]) == ["Žofie", 36, True]
    assert found["invocation"]["log"] == "hello\n"


FAILURES: dict[str, tuple[str, tuple[str, dict[str, Any]]]] = {
    "context.request_id": (
        "def lambda_handler(event, context): return context.request_id",
        ("RUN003", {"error_type": "AttributeError", "meant": "aws_request_id"}),
    ),
    "an import error": (
        "import not_there",
        ("RUN003", {"error_message": "Unable to import module 'handler': No module named 'not_there'"}),
    ),
    "what is no JSON": (
        "def lambda_handler(event, context): return {1}",
        ("RUN003", {"error_type": "Runtime.MarshalError"}),
    ),
    "the end of the process": (
        "import sys\ndef lambda_handler(event, context): sys.exit(3)",
        ("RUN003", {"status": "crashed", "error_message": "Runtime exited with error: exit status 3"}),
    ),
    "a crash": (
        "import ctypes\ndef lambda_handler(event, context): ctypes.string_at(0)",
        ("RUN003", {"error_message": "Runtime exited with error: signal: segmentation fault"}),
    ),
    "a timeout": (
        "import time\ndef lambda_handler(event, context): time.sleep(60)",
        ("RUN003", {"status": "timeout", "error_message": "Task timed out after 3.00 seconds"}),
    ),
    "NaN": ("def lambda_handler(event, context): return float('nan')", ("RUN004", {"payload": "NaN"})),
    "a status": (
        "def lambda_handler(event, context): return {'statusCode': 404}",
        ("RUN005", {"status_code": 404}),
    ),
    "a logged error": (
        "import logging\ndef lambda_handler(event, context): logging.getLogger().error('not there')",
        ("RUN006", {}),
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_is_not_right_is_found(invoke: Invoke, case: str) -> None:
    source, (code, evidence) = FAILURES[case]
    done = invoke(source + "\n", "--timeout", "3")
    found = document(done)
    assert done.returncode == 1
    [finding] = found["findings"]
    assert finding["code"] == code
    assert {key: finding["evidence"][key] for key in evidence} == evidence


def test_an_answer_that_looks_like_the_clients_error_is_an_answer(invoke: Invoke) -> None:
    done = invoke(
        "def lambda_handler(event, context):\n"
        "    return {'errorMessage': 'x', 'errorType': 'y', 'requestId': 'z', 'stackTrace': []}\n"
    )
    assert document(done)["invocation"]["status"] == "answered"


def test_an_event_that_is_no_json_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{'a': 1}", encoding="utf-8")
    done = invoke("def lambda_handler(event, context): pass\n", "--event", event)
    assert done.returncode == 2
    assert "event.json" in done.stderr
