"""A file that a distribution installed is not in the artifact, and the import needs it.

What it finds
    A module that cannot be imported although its distribution's `RECORD` lists the file: something removed it after it
    was installed, mostly an exclude pattern (`*.so`, `*.pyd`, `tests`).

Why it fails on Lambda
    "No module named 'pydantic_core._pydantic_core'" or "cannot import name 'etree' from 'lxml'".

How to fix it
    Find what removed it, after the installation: an exclude pattern (`exclude` here, `package.patterns` of the
    Serverless Framework, `slim`/`strip` options of its plugins), a `find -name '*.so' -delete`, `-name tests` or
    `-name '*.dist-info'` in a Dockerfile or Makefile, a `.gitignore` or `.dockerignore` that a copy obeys. Take the
    pattern out, or bind it to the place you meant (`myfunction/tests`, not `tests`); then install again.

When to ignore it
    When it is only a warning: the import is guarded or happens in a function.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("DST001", "was installed and then removed", needs=("handler",), severities=("error", "warning"))
def recorded_file_missing(subject: Subject) -> Iterator[Hit]:
    said = set()
    for item in subject.explained("removed"):
        path = item.absence.path
        if path is None or path in said or item.caught:
            continue
        said.add(path)
        yield Hit(
            path=path,
            message=f"RECORD of {item.absence.detail} lists this file, the artifact does not have it; "
            f"{item.failure.importer} imports {item.absence.module} from it",
            fix=_fix(path, subject),
            evidence={
                "distribution": item.absence.detail,
                "module": item.absence.module,
                "importer": item.failure.path,
            },
            severity=Severity.ERROR if item.fatal else Severity.WARNING,
            chain=(*item.failure.chain, item.absence.module),
        )


def _fix(path: str, subject: Subject) -> str:
    pattern = subject.hints.removed_by(path.removeprefix(f"{subject.profile.python_path[0]}/"))
    if pattern is not None:
        return f"take the pattern {pattern!r} out of exclude, or make it narrower"
    return f"find the exclude pattern or clean-up that removes {path.rpartition('/')[2]}, and keep the file"
