"""What an attempt finds in a runtime's image, whoever runs it: interpreter, search path, variables; what it proves.

Knows Lambda's places, and for an image artifact its own. Starts nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest
from lambdapack.importtest.interpreters import Interpreter
from lambdapack.importtest.layout import STANDARD_LIBRARY, Layout

_STANDARD_LIBRARY = re.compile(r"/lib(?:64)?/python(?:3\d+\.zip|3\.\d+(?:/lib-dynload)?)$")


def interpreter(request: AttemptRequest) -> str:
    """Returns the path of the Python that loads the handler."""
    return request.image.python if request.image else f"/var/lang/bin/{request.profile.runtime}"


def search_path(request: AttemptRequest) -> tuple[list[str], list[str]]:
    """Returns `sys.path` with `*` for the standard library, and of it the folders of the runtime's own packages."""
    path = [STANDARD_LIBRARY if _STANDARD_LIBRARY.search(entry) else entry for entry in _layout(request).python_path]
    own = [entry for entry in path if not entry.startswith((TASK_ROOT, LAYER_ROOT, STANDARD_LIBRARY))]
    return list(dict.fromkeys(path)), list(dict.fromkeys(own))


def environment(request: AttemptRequest) -> dict[str, str]:
    """Returns the handler's variables: the runtime's, an image's own over them, and the function's own over both."""
    variables = _layout(request).environment
    if request.image is None:
        return variables
    del variables["LD_LIBRARY_PATH"]
    return variables | dict(request.image.environment) | {"PWD": request.image.folder} | dict(request.extra_env)


def proof_of(
    name: str, digest: str | None, request: AttemptRequest, *, files: str = "read-only", network: str = "no network"
) -> str:
    """Returns one line on what was real and what was not. `digest`: the image's, where it is known."""
    exactly = f" (sha256:{digest.removeprefix('sha256:')[:12]})" if digest else ""
    own = f"an unprivileged user, {files} files, {network}, placeholder credentials"
    if request.image is not None:
        return f"the image itself{exactly}; {own}"
    return f"{name}{exactly}; a base image, which has more system libraries than the managed runtime; {own}"


def _layout(request: AttemptRequest) -> Layout:
    """Everything stands at Lambda's own places."""
    return Layout(Path("/"), request, Interpreter(Path("/var/lang/bin/python3"), "", request.profile.machine, "image"))
