"""A module that the handler's import reaches raises an error of its own, or ends the process.

What it finds
    `raise`, `sys.exit()` and names that are bound nowhere, where nothing decides whether they run: at module level,
    under no condition or one that is known to hold on the target, like a refusal of the runtime's Python version.

Why it fails on Lambda
    The init phase ends in the error, or in "Runtime exited with error: exit status 1".

How to fix it
    Remove it, put it under `if __name__ == "__main__":`, or install a version that supports the runtime.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP008", "raises an error when it is imported", needs=("handler",))
def raises_at_import(subject: Subject) -> Iterator[Hit]:
    for failure in subject.imports.failures if subject.imports else ():
        if failure.kind != "raises":
            continue
        dist = subject.distribution_of(failure.path or "")
        what = "ends the process (SystemExit)" if failure.name == "SystemExit" else f"raises {failure.name}"
        yield Hit(
            path=failure.path,
            message=f"line {failure.line}: {what} whenever it is imported on {subject.target}",
            fix=f"install a version of {dist.name} that supports {subject.profile.runtime}, or do not import it"
            if dist
            else "remove it, or put it into a function or under if __name__ == '__main__':",
            evidence={"module": failure.module, "line": failure.line, "error": failure.name},
            chain=failure.chain,
        )
