"""Code reads a data file that is not in the artifact.

What it finds
    `open()`, `Path.read_text()`, `pkgutil.get_data()`, `importlib.resources` and the like at import, with a path that
    can be worked out: from `__file__`, from a package, or relative to /var/task, where Lambda starts. Nothing stands
    there, in other letters at most. Mostly a build that copies `*.py` only, or a clean-up that removes `*.txt`,
    `*.json` or `*.pem`.

Why it fails on Lambda
    "FileNotFoundError: [Errno 2] No such file or directory: '/var/task/certifi/cacert.pem'". The folders of a function
    and its layers are read-only, so nothing can have made the file before.

How to fix it
    Pack the file: add its folder to `source = [...]`, or take the pattern that removes it out of the clean-up. Build
    paths from `__file__` and not from the folder that a test happens to be started in.

When to ignore it
    As a warning: the call stands in a function or under a condition.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMP016", "reads a data file that is missing", needs=("handler",), severities=("error", "warning"))
def data_file_missing(subject: Subject) -> Iterator[Hit]:
    said = set()
    for lookup in subject.python.missing_files:
        call, path = lookup.call, lookup.wanted
        if path in said:
            continue
        said.add(path)
        where = "in a function, " if call.when == "later" else ""
        dist = subject.distribution_of(path)
        recorded = dist is not None and path in (dist.record or ())
        why = f"; RECORD of {dist.name} lists it" if dist is not None and recorded else ""
        why += f"; there is {lookup.found}" if lookup.found else ""
        pattern = subject.hints.removed_by(path.removeprefix(f"{subject.profile.python_path[0]}/"))
        if pattern is not None:
            fix = f"take the pattern {pattern!r} out of exclude, or make it narrower"
        elif recorded:
            fix = f"find the clean-up that removes {path.rpartition('/')[2]}, and keep the file"
        else:
            fix = "pack the file, or read it from where it is" if lookup.found else "pack the file"
        yield Hit(
            path=path,
            message=f"{call.path} line {call.line}: {where}reads this file, which is not in the artifact{why}",
            fix=fix,
            evidence={
                "module": call.module,
                "importer": call.path,
                "line": call.line,
                "when": call.when,
                "distribution": dist.name if dist else None,
                "found": lookup.found,
            },
            severity=Severity.ERROR if lookup.certain else Severity.WARNING,
            chain=call.chain,
        )
