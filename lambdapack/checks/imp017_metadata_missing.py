"""Code asks for the metadata of a distribution while it is imported, and the artifact has none.

What it finds
    `importlib.metadata.version("x")`, `metadata("x")`, `distribution("x")` and `pkg_resources.get_distribution("x")`,
    `require("x")` at import, not behind a `try` that expects the error, where no `x-….dist-info` or `.egg-info` folder
    is in the artifact, its layers or the runtime. Mostly a clean-up that deletes `*.dist-info` to save space.

Why it fails on Lambda
    "Unable to import module 'handler': No package metadata was found for x"; with pkg_resources
    "DistributionNotFound: The 'x' distribution was not found and is required by the application".

How to fix it
    Keep the folder: of `*.dist-info` only RECORD, INSTALLER and licence texts can go. For first-party code that asks
    for its own version: install it as a distribution, or catch PackageNotFoundError.

When to ignore it
    As a warning: the call stands in a function or under a condition, or a `try` around it catches an error that may be
    this one.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMP017", "asks for metadata that is missing", needs=("handler",), severities=("error", "warning"))
def metadata_missing(subject: Subject) -> Iterator[Hit]:
    said = set()
    for lookup in subject.python.missing_metadata:
        call = lookup.call
        if (lookup.wanted, lookup.certain) in said:
            continue
        said.add((lookup.wanted, lookup.certain))
        where = "in a function, " if call.when == "later" else ""
        line = f"line {call.line}: " if call.line else ""  # native code has no lines
        yield Hit(
            path=call.path,
            message=f"{line}{where}asks {call.name} for {lookup.wanted!r}, and no {lookup.wanted} metadata "
            "(.dist-info) is in the artifact or the runtime",
            fix=f"keep the folder {lookup.wanted.replace('-', '_')}-….dist-info in the artifact, or install "
            f"{lookup.wanted} with its metadata",
            evidence={
                "distribution": lookup.wanted,
                "module": call.module,
                "line": call.line,
                "when": call.when,
                "function": call.name,
            },
            severity=Severity.ERROR if lookup.certain else Severity.WARNING,
            chain=call.chain,
        )
