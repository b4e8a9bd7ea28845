"""Asks ruff's parser about many modules in one process: its language server, which needs no files.

Starting ruff takes longer than parsing a module with it, so one process for each would cost seconds. Knows what the
protocol wants (Language Server Protocol 3.17) and how ruff is set up; what is asked, and what the answer means, is
`grammar`'s.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import IO, Any

from ruff import find_ruff_bin

from lambdapack.errors import MissingRequirement

_SECONDS = 60
_INITIALIZE = 0  # the number of the first request; those that follow count the modules from 1
# Comments that would silence ruff, which has no setting against them here. Other words of this length change nothing.
_SILENCING = re.compile(r"noqa|ruff:", re.IGNORECASE)


def first_problems(
    texts: Sequence[str], *, python: tuple[int, int], rules: Sequence[str]
) -> list[tuple[int, str] | None]:
    """Returns for each module's text the line (from 1) and the message of the first thing that ruff has against it.

    Only syntax errors of this Python and the given rules count. What is not answered in time has no problems.
    Raises `MissingRequirement` when ruff is not installed or does not work.
    """
    found: list[tuple[int, str] | None] = [None] * len(texts)
    if not texts:
        return found
    process = subprocess.Popen(
        [find_parser(), "server", "--isolated"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    alarm = threading.Timer(_SECONDS, process.kill)
    # Both pipes have limits: whoever only wrote, and read afterwards, would wait forever.
    writer = threading.Thread(target=_write, args=(process.stdin, list(_requests(texts, python, rules))), daemon=True)
    answered = 0
    with process:
        try:
            alarm.start()
            writer.start()
            for number, result in _answers(process.stdout):
                if number != _INITIALIZE:
                    found[number - 1] = _first(result.get("items", ()))
                    answered += 1
                    if answered == len(texts):
                        break
        finally:
            in_time = alarm.is_alive()
            alarm.cancel()
            process.kill()
            writer.join()
    if answered < len(texts) and in_time:
        raise MissingRequirement("ruff cannot parse", hint="pip install --upgrade ruff")
    return found


@cache
def find_parser() -> str:
    """Returns the path of ruff. Raises `MissingRequirement` when it is not installed."""
    try:
        return str(find_ruff_bin())
    except FileNotFoundError as error:
        raise MissingRequirement(
            "ruff is not installed, so no syntax can be judged", hint="pip install ruff"
        ) from error


def _requests(texts: Sequence[str], python: tuple[int, int], rules: Sequence[str]) -> Iterator[bytes]:
    lint = {"select": list(rules), "ignore": [], "extend-select": [], "preview": False}
    configuration = {"target-version": f"py{python[0]}{python[1]}", "lint": lint}
    # editorOnly: no configuration file of wherever lambdapack is run may change a verdict.
    settings = {"configuration": configuration, "configurationPreference": "editorOnly", "showSyntaxErrors": True}
    capabilities: dict[str, Any] = {"textDocument": {"diagnostic": {}}}
    yield _message(
        "initialize",
        {
            "processId": None,
            "rootUri": None,
            "capabilities": capabilities,
            "initializationOptions": {"settings": settings},
        },
        _INITIALIZE,
    )
    yield _message("initialized", {})
    for number, text in enumerate(texts, 1):
        document = {"uri": f"untitled:{number}.py"}
        content = _SILENCING.sub(lambda match: "_" * len(match[0]), text).encode("utf-8", "replace").decode()
        yield _message(
            "textDocument/didOpen",
            {"textDocument": {**document, "languageId": "python", "version": 1, "text": content}},
        )
        yield _message("textDocument/diagnostic", {"textDocument": document}, number)


def _message(method: str, parameters: Mapping[str, Any], number: int | None = None) -> bytes:
    content: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": parameters}
    if number is not None:
        content["id"] = number
    body = json.dumps(content).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _write(stream: IO[bytes], messages: Sequence[bytes]) -> None:
    try:
        for message in messages:
            stream.write(message)
        stream.flush()
    except (OSError, ValueError):  # the process has ended: what it did not answer will be noticed
        with contextlib.suppress(OSError, ValueError):
            stream.close()  # here, where what could not be written is nobody's error


def _answers(stream: IO[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yields the results by the numbers of their requests; leaves out what the server says unasked."""
    while True:
        size = 0
        while header := stream.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        body = stream.read(size) if size else b""
        if not body:
            return
        message = json.loads(body)
        if "method" not in message and isinstance(message.get("result"), dict):
            yield message["id"], message["result"]


def _first(diagnostics: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    places = [(item["range"]["start"], item["message"]) for item in diagnostics]
    if not places:
        return None
    start, message = min(places, key=lambda pair: (pair[0]["line"], pair[0]["character"]))
    return start["line"] + 1, str(message)
