"""Native code is built for another processor than the function runs on.

What it finds
    Shared objects and extension modules whose ELF header names another machine (`aarch64` in an x86_64 function) or
    that are 32-bit.

Why it fails on Lambda
    The loader passes such a file over and says "cannot open shared object file: No such file or directory", although
    the file is there; where the machine is part of the file's name, Python does not even look at it and says
    "No module named 'pydantic_core._pydantic_core'".

How to fix it
    Install the wheels of the function's architecture, whatever machine you install on:
    `uv pip install --target package --python-version 3.13 --python-platform x86_64-manylinux_2_28 --only-binary :all:
    -r requirements.txt` (`aarch64-manylinux_2_28` for arm64; `manylinux2014` instead of `manylinux_2_28` up to
    python3.11). pip on an Apple or other ARM machine takes wheels of that machine unless it is told `--platform`;
    `docker build` needs `--platform linux/amd64` or `linux/arm64`. Or give the function the other architecture:
    `Architectures: [arm64]` in SAM, `architecture = "arm64"` here. `lambdapack build` takes the right ones by itself.

When to ignore it
    When it is only a warning: nothing that the handler imports needs the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_LAMBDA = {"x86_64": "x86_64", "aarch64": "arm64"}  # as the Lambda API spells them


@check("ELF001", "is built for another machine", severities=("error", "warning"))
def wrong_machine(subject: Subject) -> Iterator[Hit]:
    said = set()
    for item in subject.explained("wrong-machine"):
        path = item.absence.path
        if path is None or path in said:
            continue
        said.add(path)
        severity = Severity.ERROR if item.fatal else Severity.WARNING
        yield _hit(
            subject,
            path,
            item.absence.detail,
            item.absence.module,
            severity,
            (*item.failure.chain, item.absence.module),
        )
    for native in subject.native_findings:
        problem = native.problem
        if problem.kind in ("wrong-machine", "wrong-class") and problem.path not in said:
            said.add(problem.path)
            module = native.required.module if native.required else None
            yield _hit(subject, problem.path, problem.available, module, native.severity, native.chain)


def _hit(
    subject: Subject, path: str, found: str, module: str | None, severity: Severity, chain: tuple[str, ...]
) -> Hit:
    wanted = subject.profile.machine
    return Hit(
        path=path,
        message=f"is built for {found}; the function runs on {subject.profile.architecture}"
        + (f" ({wanted})" if wanted != subject.profile.architecture else ""),
        fix=subject.reinstall(path)
        + (f", or set the function's architecture to {_LAMBDA[found]}" if found in _LAMBDA else ""),
        evidence={"machine": found, "wanted": wanted, "module": module},
        severity=severity,
        chain=chain,
    )
