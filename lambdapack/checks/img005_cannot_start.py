"""The program that a container image starts is not there, or cannot be started.

What it finds
    The first word of entry point and command, looked up in the image as the kernel and `PATH` do it: it is missing, it
    lacks the execute permission, it is for another processor, the interpreter in its `#!` line is missing, or that line
    ends with a carriage return (a script that was checked out or edited on Windows). A working directory that is not
    there. Also a handler where a program should be: `CMD ["app.handler"]` without an entry point, as on Debian's or
    Python's own image, or after `ENTRYPOINT []`.

Why it fails on Lambda
    "IMAGE Launch error: fork/exec /lambda-entrypoint.sh: no such file or directory" (or: "permission denied", "exec
    format error"), Runtime.InvalidEntrypoint.

How to fix it
    `RUN chmod 755 FILE` or `COPY --chmod=755`; Unix line ends (`sed -i 's/\\r$//' FILE`, `*.sh text eol=lf` in
    `.gitattributes`); on an image that is not AWS's, `ENTRYPOINT ["python", "-m", "awslambdaric"]`.

When to ignore it
    When the function's own image configuration (`ImageConfig.EntryPoint`, `WorkingDirectory`) starts something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_LAMBDAS_OWN = "/lambda-entrypoint.sh"
_FIXES = {
    "not-executable": "RUN chmod 755 {path} in the Dockerfile, or COPY --chmod=755",
    "no-interpreter": "give the script Unix line ends and an interpreter that the image has",
    "wrong-machine": "build every layer for the same platform: docker buildx build --platform",
    "not-a-program": "name a program, or begin the script with #! and its interpreter",
}


@check("IMG005", "cannot be started", needs=("image",))
def cannot_start(subject: Subject) -> Iterator[Hit]:
    start, image = subject.start, subject.image
    if start is None or image is None or not start.whole:
        return
    refusal = start.refusal
    if refusal is not None:
        handler = refusal.kind == "missing" and "/" not in refusal.path and "." in refusal.path
        meant = "; it looks like a handler, and no entry point takes it" if handler else ""
        missing = 'write ENTRYPOINT ["python", "-m", "awslambdaric"], or name a program that the image has'
        if subject.stack.file(_LAMBDAS_OWN) is not None:
            missing = f"leave the base image's own entry point alone, {_LAMBDAS_OWN}"
        yield Hit(
            path=None if refusal.kind == "missing" else refusal.path,
            message=f"the image starts with {' '.join(start.arguments)!r}: {refusal.path} {refusal.detail}{meant}",
            fix=_FIXES.get(refusal.kind, missing).format(path=refusal.path),
            evidence={
                "program": refusal.path,
                "kind": refusal.kind,
                "says": refusal.says,
                "mode": None if refusal.mode is None else f"{refusal.mode:04o}",
            },
        )
    if not subject.stack.is_folder(image.working_dir):
        yield Hit(
            path=None,
            message=f"the image's working directory {image.working_dir} is not in it (Runtime.InvalidWorkingDir)",
            fix="write WORKDIR with a folder that the image has; Docker makes it when it is not there",
            evidence={"program": image.working_dir, "kind": "no-working-dir", "says": None, "mode": None},
        )
