"""Runs inside the target's file system: starts the Runtime Interface Emulator, sends it one event, tells the answer.

Started as `python -I -S -B -u emulation.py FD` with the request as JSON in the open file FD, which takes the answer
between two copies of the request's nonce. Python 3.8 to 3.15, standard library only. What function and emulator print
goes to this process's own standard output and error.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/2015-03-31/functions/function/invocations"
START_SECONDS = 10.0
LAST_WORDS_SECONDS = 0.3


def free_port() -> int:
    """A port of the loopback device that nobody listens on."""
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        number: int = any_socket.getsockname()[1]
        return number


def wait_for(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Waits until somebody listens; False when the process has ended instead."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.01)
    return False


def invoke(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the emulator's answer: its HTTP status and body, or why there is none."""
    outer, inner = free_port(), free_port()
    command = [request["emulator"], "--runtime-interface-emulator-address", f"127.0.0.1:{outer}"]
    command += ["--runtime-api-address", f"127.0.0.1:{inner}", *request["bootstrap"]]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        return {"trouble": f"{request['emulator']}: {error.strerror}"}
    if not wait_for(outer, process):
        return {"trouble": f"the emulator does not listen (exit status {process.poll()})"}
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", outer, timeout=request["seconds"])
    try:
        connection.request("POST", PATH, request["event"].encode("utf-8"), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return {"silent": f"{type(error).__name__}: {error}", "seconds": time.monotonic() - started}
    seconds = time.monotonic() - started
    time.sleep(LAST_WORDS_SECONDS)  # the end of the log comes after the answer
    # Whoever started this ends the emulator and the runtime in one go: the runtime would complain of its absence.
    return {"http_status": response.status, "body": body, "seconds": seconds}


def main(descriptor: int) -> None:
    """Answers the request in the open file."""
    content = b""
    while True:
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        content += piece
    os.ftruncate(descriptor, 0)
    request: dict[str, Any] = json.loads(content.decode("ascii"))
    marker = "\0" + request["nonce"] + "\0"
    data = (marker + json.dumps({"event": "invoked", **invoke(request)}) + marker).encode("ascii")
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main(int(sys.argv[1]))
