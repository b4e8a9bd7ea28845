"""How a container image starts: which program its entry point and command name, and whether that is Lambda's client.

Sources: DOC images-create ("The container image must implement the Lambda runtime API"), /lambda-entrypoint.sh and
/var/runtime/bootstrap of the base images, aws/aws-lambda-web-adapter.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from errno import ENOENT
from typing import TYPE_CHECKING, Literal

from lambdapack.artifact import Stack
from lambdapack.errors import UnreadableMember
from lambdapack.facts.executables import StartRefusal, find_program, start_refusal
from lambdapack.profiles.profile import RuntimeProfile

if TYPE_CHECKING:
    from lambdapack.artifact import ImageConfig

# What runs in the end: Lambda's own entry point, the client as a module, a Python script, a web server, anything else.
StartKind = Literal["entrypoint", "client", "script", "web-server", "other"]

_ENTRYPOINT = "lambda-entrypoint.sh"
_CLIENT = "awslambdaric"
_EXTENSIONS = "/opt/extensions"
_SHELL = "/bin/sh"
_WEB_SERVERS = frozenset(
    ("uvicorn", "gunicorn", "hypercorn", "daphne", "waitress-serve", "flask", "fastapi", "streamlit", "granian")
)
_PYTHON = re.compile(r"(?:^|/)python[0-9.]*$")
# What any implementation of the runtime API has to name: the client, or the variable that says where the API is.
_SIGNS_OF_A_CLIENT = (b"awslambdaric", b"AWS_LAMBDA_RUNTIME_API")
_CLIENTS_OWN = f"/{_CLIENT}/"


@dataclass(frozen=True, slots=True)
class ImageStart:
    """`arguments` are entry point and command in one, `program` the file that the first word means. `refusal` says why
    it cannot be started, `has_client` whether the client can be imported. `adapted`: an extension in the image may
    talk to Lambda in the function's stead. `whole`: the image has an operating system; without one it is a part of an
    image, and what is not in it may be in its base."""

    arguments: tuple[str, ...]
    kind: StartKind
    program: str | None
    script: str | None
    refusal: StartRefusal | None
    has_client: bool
    adapted: bool
    whole: bool


def read_start(stack: Stack, config: ImageConfig, profile: RuntimeProfile) -> ImageStart:
    """Returns what happens when the image is started."""
    arguments = (*config.entrypoint, *config.command)
    whole = _is_whole(stack, profile)
    search = tuple(folder for folder in config.environment.get("PATH", "").split(":") if folder.startswith("/"))
    program = refusal = None
    if arguments and whole:
        program = find_program(stack, arguments[0], search=search, working_dir=config.working_dir)
        wanted = program or posixpath.normpath(posixpath.join(config.working_dir, arguments[0]))
        # An image for another architecture altogether is told of as such.
        machine = profile.machine if config.architecture in (None, profile.architecture) else None
        refusal = start_refusal(stack, wanted, machine, whole=whole)
        if program is None:
            refusal = StartRefusal("missing", arguments[0], "is not in the image", "no such file or directory", ENOENT)
    kind, script = _kind(arguments, config.working_dir)
    return ImageStart(
        arguments,
        kind,
        program,
        script,
        refusal,
        has_client=any(stack.is_folder(f"{folder}/{_CLIENT}") for folder in profile.python_path),
        adapted=bool(stack.names(_EXTENSIONS)),
        whole=whole,
    )


def names_a_client(stack: Stack, folders: tuple[str, ...]) -> bool:
    """True when a Python file below the folders names the runtime API or its client; the client's own do not count."""
    places = tuple(f"{folder}/" for folder in folders)
    for located in stack.files():
        path = located.path
        if not path.endswith(".py") or not path.startswith(places) or _CLIENTS_OWN in path:
            continue
        try:
            data = stack.read_bytes(located)
        except UnreadableMember:
            return True  # who knows
        if any(sign in data for sign in _SIGNS_OF_A_CLIENT):
            return True
    return False


def _kind(arguments: tuple[str, ...], working_dir: str) -> tuple[StartKind, str | None]:
    if not arguments:
        return "other", None
    if posixpath.basename(arguments[0]) == _ENTRYPOINT:
        return "entrypoint", None
    names = [posixpath.basename(argument) for argument in arguments]
    if any(_CLIENT in argument.split() for argument in arguments):
        return "client", None
    if names[0] in _WEB_SERVERS:
        return "web-server", None
    if _PYTHON.search(arguments[0]):
        rest = [argument for argument in arguments[1:] if argument not in ("-u", "-B", "-I", "-O", "-s", "-E")]
        if rest[:1] == ["-m"] and rest[1:2] and rest[1] in _WEB_SERVERS:
            return "web-server", None
        if rest and rest[0].endswith(".py"):
            return "script", posixpath.normpath(posixpath.join(working_dir, rest[0]))
    return "other", None


def _is_whole(stack: Stack, profile: RuntimeProfile) -> bool:
    if stack.file(_SHELL) is not None:
        return True
    folders = (*profile.library_path, *profile.system_library_dirs)
    return any(stack.file(f"{folder}/libc.so.6") for folder in folders)
