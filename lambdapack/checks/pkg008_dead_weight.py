"""Files that a function which runs has no use for.

What it finds
    Tests, documentation, C and Cython sources and headers, type stubs, the metadata of distributions, programs and
    libraries of Windows and macOS, and leftovers of the development machine (`.git`, `.venv`, `node_modules`, caches,
    `__MACOSX`), by kind, from 64 KB on. Files that the handler's import reads are not counted.

Why it fails on Lambda
    It does not: this is an info. Everything counts towards the 250 MB that function and layers may have unzipped, and
    makes the download and the start longer.

How to fix it
    Exclude the folders when building, for instance `exclude = ["**/tests/**", "**/*.pyi"]` for `lambdapack build`, or
    `zip -r function.zip . -x '*/tests/*'`. Of metadata only `RECORD`, `INSTALLER` and licence texts are without use:
    `importlib.metadata` reads the rest.

When to ignore it
    When the size does not matter, or a package reads its `tests` or `docs` while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_LEAST = 64 * 1024
_WORDS = {
    "tests": "tests",
    "documentation": "documentation and examples",
    "metadata": "metadata of distributions",
    "sources": "C and Cython sources and headers",
    "stubs": "type stubs",
    "foreign": "files of Windows and macOS",
    "leftovers": "leftovers of the machine that built it",
}


@check("PKG008", "is dead weight", severities=("info",))
def dead_weight(subject: Subject) -> Iterator[Hit]:
    reached = {item.module.path or "" for item in subject.imports.executions.values()} if subject.imports else set()
    for weight in subject.layout.weights(reached):
        if weight.size < _LEAST:
            continue
        share = 100 * weight.size / subject.unzipped_size
        places = ", ".join(f"{path} ({size:,})" for path, size in weight.largest)
        yield Hit(
            path=weight.largest[0][0],
            message=f"{_WORDS[weight.kind]}: {weight.size:,} bytes ({share:.0f} %) in {weight.files:,} files; "
            f"most in {places}",
            fix="exclude RECORD and licence texts; importlib.metadata reads METADATA and entry_points.txt"
            if weight.kind == "metadata"
            else "exclude them from the artifact, if nothing reads them while the function runs",
            evidence={
                "kind": weight.kind,
                "bytes": weight.size,
                "files": weight.files,
                "largest": dict(weight.largest),
            },
            severity=Severity.INFO,
        )
