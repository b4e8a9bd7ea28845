"""A distribution was packed before it was built or unpacked.

What it finds
    Imports of an extension module of which only the source is there (`_speed.pyx`, `_speed.c`): an error where the
    handler's import needs it. Wheels and sdists that lie in the artifact as archives, and unpacked sdists (`PKG-INFO`
    beside `setup.py`), outside of packages: a warning.

Why it fails on Lambda
    Nothing is built or installed when a function is deployed: "No module named 'unlzw._unlzw'". A `.whl` is a ZIP that
    Python does not look into, unless a `.pth` file puts it on `sys.path`.

How to fix it
    Install what is wanted and pack the result: `pip install --target FOLDER NAME`. Where there is no wheel for Lambda,
    build one in the official image: `docker run -v "$PWD:/out" public.ecr.aws/sam/build-python3.13 pip wheel -w /out
    NAME`.

When to ignore it
    When the function itself installs or reads the archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_WORDS = {
    "wheel": "is a wheel that nobody unpacked; Python does not look into it",
    "sdist": "is an sdist, the source of a distribution; nothing on Lambda builds or unpacks it",
    "source": "is an unpacked sdist; it was never built or installed",
}


@check("DST010", "was never built or unpacked", severities=("error", "warning"))
def unbuilt_distribution(subject: Subject) -> Iterator[Hit]:
    said = set()
    for item in subject.explained("unbuilt"):
        path = item.absence.path
        if path is None or path in said or item.caught:
            continue
        said.add(path)
        yield Hit(
            path=path,
            message=f"{item.failure.importer} imports {item.absence.module}, of which only this source is there: "
            "it was never compiled",
            fix=f"install a wheel for {subject.target}, or build one in the official image",
            evidence={"module": item.absence.module, "importer": item.failure.path},
            severity=Severity.ERROR if item.fatal else Severity.WARNING,
            chain=(*item.failure.chain, item.absence.module),
        )
    told = {item.failure.module.partition(".")[0].lower() for item in subject.explained("absent") if item.fatal}
    for unfinished in subject.layout.unfinished():
        if unfinished.name.replace("-", "_") in told:
            continue  # by IMP001
        label = f"{unfinished.name} {unfinished.version}".strip()
        yield Hit(
            path=unfinished.path,
            message=f"{_WORDS[unfinished.kind]}" + ("; it has code to be compiled" if unfinished.native else ""),
            fix=f"install {label} into the artifact (pip install --target) instead of copying it",
            evidence={"distribution": unfinished.name, "version": unfinished.version, "kind": unfinished.kind},
            severity=Severity.WARNING,
        )
