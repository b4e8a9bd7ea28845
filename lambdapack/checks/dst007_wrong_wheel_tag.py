"""A distribution was installed from a wheel for another Python or system.

What it finds
    `.dist-info/WHEEL` files none of whose tags the runtime accepts: wheels for macOS, Windows, musl Linux (Alpine),
    another processor, a newer glibc or another Python version. Where the ELF checks already tell of a native file of
    the wheel, this is left out.

Why it fails on Lambda
    It need not: a tag is a promise, the files decide. Native code that does not load is told of as an error by the ELF
    checks, with the file and the reason; this finding names the wheel that it came from. A wheel that holds pure Python
    only, or a tag that promises less than the files can, works.

How to fix it
    Install for the target and not for this machine, for instance:

        uv pip install --target FOLDER --only-binary :all: --python-version 3.13 \
            --python-platform x86_64-manylinux2014 -r requirements.txt
        pip install --target FOLDER --only-binary=:all: --python-version 3.13 \
            --platform manylinux2014_x86_64 -r requirements.txt

When to ignore it
    When the import test shows that the function works.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST007", "was installed from a wheel for another target", severities=("warning",))
def wrong_wheel_tag(subject: Subject) -> Iterator[Hit]:
    told = {item.absence.path for item in subject.explained("wrong-machine", "wrong-abi")}
    told.update(subject.foreign_extensions)
    told.update(place for item in subject.native_findings for place in (item.problem.path, item.problem.root))
    for dist in subject.distributions:
        wanted = subject.misfit(dist)
        if wanted is None or not told.isdisjoint(dist.files):
            continue
        path = f"{dist.folder}/WHEEL"
        native = [file for file in dist.files if file in subject.native.elf or file.endswith((".pyd", ".dll"))]
        yield Hit(
            path=path,
            message=f"{dist.name} {dist.version} was installed from a wheel for {wanted} ({dist.tags[0]}); "
            f"the function runs on {subject.target}" + ("" if native else "; it has no native code, so it may work"),
            fix=subject.reinstall(path),
            evidence={
                "distribution": dist.name,
                "version": dist.version,
                "tags": list(dist.tags),
                "made_for": wanted,
                "native": len(native),
            },
            severity=Severity.WARNING,
        )
