"""An extension module is made for another Python, or for another operating system.

What it finds
    A module that the import needs exists only as a file whose name this Python never looks for: `cpython-311` on
    python3.13, `cp313t` (free-threaded), `musl`, macOS or Windows builds.

Why it fails on Lambda
    Python looks for fixed suffixes only (`.cpython-313-x86_64-linux-gnu.so`, `.abi3.so`, `.so`), so the file might as
    well not be there: "No module named 'pydantic_core._pydantic_core'", or the misleading "cannot import name ...
    (most likely due to a circular import)".

How to fix it
    Install for the function's runtime, not for the Python that runs the installer: `uv pip install --target package
    --python-version 3.13 --python-platform x86_64-manylinux_2_28 --only-binary :all: -r requirements.txt`, or
    `pip install --target package --python-version 3.13 --implementation cp --platform manylinux2014_x86_64
    --platform manylinux_2_28_x86_64 --only-binary :all: -r requirements.txt` (pip needs each level by name). SAM
    compares its own Python with `Runtime`; `sam build --use-container` takes the right one. After a change of the
    runtime, delete the old build folder: a second `--target` into it leaves the old files in place.

When to ignore it
    When it is only a warning: the import is guarded, and the package works without its fast part; or nothing that the
    handler imports needs the module.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check, describe_native


@check("ELF003", "is made for another Python or system", severities=("error", "warning"))
def wrong_python_abi(subject: Subject) -> Iterator[Hit]:
    said = {item.absence.path for item in subject.explained("wrong-machine")}
    for item in subject.explained("wrong-abi"):
        path = item.absence.path
        if path is None or path in said:
            continue
        said.add(path)
        severity = Severity.ERROR if item.fatal else Severity.WARNING
        yield _hit(subject, path, item.absence.module, severity, (*item.failure.chain, item.absence.module))
    for path in subject.foreign_extensions:
        if path not in said and not subject.is_for_another_machine(path):
            yield _hit(subject, path, None, Severity.WARNING, ())


def _hit(subject: Subject, path: str, module: str | None, severity: Severity, chain: tuple[str, ...]) -> Hit:
    found, wanted = describe_native(path, subject.native.elf.get(path)), subject.profile.extension_suffixes[0]
    return Hit(
        path=path,
        message=f"is made for {found}; {subject.target} looks for *{wanted}",
        fix=subject.reinstall(path),
        evidence={"module": module, "found": found, "wanted": wanted},
        severity=severity,
        chain=chain,
    )
