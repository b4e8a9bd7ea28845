"""The command of a container image does not name exactly one handler.

What it finds
    An image whose entry point is Lambda's (`/lambda-entrypoint.sh`, or `python -m awslambdaric`) without a `CMD`, or
    with one of several words, like the shell form `CMD app.handler`, which Docker stores as `/bin/sh -c app.handler`.
    Also an image with neither entry point nor command.

Why it fails on Lambda
    The entry point takes the handler as its only argument: "entrypoint requires the handler name to be the first
    argument", exit status 142, or "ValueError: Handler not set".

How to fix it
    Write `CMD ["app.handler"]` in the Dockerfile, with brackets.

When to ignore it
    When the function's own image configuration sets the command (`ImageConfig.Command`). Give that handler with
    `--handler`, and this is only a warning.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_SHELLS = ("sh", "bash")


@check("IMG002", "names no handler as its command", needs=("image",), severities=("error", "warning"))
def no_command(subject: Subject) -> Iterator[Hit]:
    image = subject.image
    if image is None:
        return
    is_lambdas = any(posixpath.basename(argument) == "lambda-entrypoint.sh" for argument in image.entrypoint)
    arguments = (*image.entrypoint, *image.command)
    if is_lambdas and len(image.command) > 1:
        shell = posixpath.basename(image.command[0]) in _SHELLS
        what = f"the command has {len(image.command)} words, {' '.join(image.command)!r}" + (
            ": it is written in the shell form" if shell else ""
        )
    elif (is_lambdas and not image.command) or not arguments or arguments[-1] == "awslambdaric":
        what = "the image has no command"
    else:
        return
    yield Hit(
        path=None,
        message=f"{what}; its entry point wants exactly one argument, the handler",
        fix=f'write CMD ["{subject.handler.text if subject.handler else "module.function"}"] in the Dockerfile',
        evidence={"command": list(image.command), "entrypoint": list(image.entrypoint)},
        severity=Severity.WARNING if subject.handler_given else Severity.ERROR,
    )
