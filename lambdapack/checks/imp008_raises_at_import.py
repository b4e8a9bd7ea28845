"""A module that the handler's import reaches raises an error of its own, or ends the process.

What it finds
    `raise`, `assert`, `sys.exit()` and names that are bound nowhere, where nothing decides whether they run: at module
    level or in a function that is called there, under no condition or one that is known to hold on the target, like a
    refusal of the runtime's Python version, or of another distribution's version. `int | None` in annotations that are
    evaluated, before Python 3.10. Code that tries one name of a native library after the other and gives up ("OSError:
    no library called "cairo-2" was found") does so, too.

Why it fails on Lambda
    The init phase ends in the error ("TypeError: unsupported operand type(s) for |: 'type' and 'NoneType'",
    "SystemError: The installed pydantic-core version (2.33.2) is incompatible with the current pydantic version"), or
    in "Runtime exited with error: exit status 1".

How to fix it
    Remove it, put it under `if __name__ == "__main__":`, or install a version that supports the runtime. Distributions
    that refuse each other's version: install them in one go, from one lock. A native library that the
    code looks for belongs into `lib/` of the artifact or of a layer.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import DistFacts, Failure, Hit, Subject, check


@check("IMP008", "raises an error when it is imported", needs=("handler",))
def raises_at_import(subject: Subject) -> Iterator[Hit]:
    for failure in subject.imports.failures if subject.imports else ():
        if failure.kind != "raises" or failure.path is None:
            continue
        dist = subject.distribution_of(failure.path or "")
        if failure.detail:
            yield _union(subject, failure, dist)
            continue
        libraries = _not_loaded(subject, failure)
        what = "ends the process (SystemExit)" if failure.name == "SystemExit" else f"raises {failure.name}"
        yield Hit(
            path=failure.path,
            message=f"line {failure.line}: {what} whenever it is imported on {subject.target}"
            + (f": the loader finds none of {', '.join(libraries)}" if libraries else ""),
            fix=_fix(subject, dist, libraries),
            evidence={"module": failure.module, "line": failure.line, "error": failure.name}
            | ({"libraries": libraries} if libraries else {}),
            chain=failure.chain,
        )


def _not_loaded(subject: Subject, failure: Failure) -> list[str]:
    """Returns the libraries that the module has tried to load, in vain, before it raised an error of its own."""
    caught = subject.imports.caught if subject.imports else ()
    names = (item.name for item in caught if item.kind == "library" and item.path == failure.path)
    return list(dict.fromkeys(name for name in names if name))


def _union(subject: Subject, failure: Failure, dist: DistFacts | None) -> Hit:
    return Hit(
        path=failure.path,
        message=f"line {failure.line}: evaluates {failure.detail}, which Python has since 3.10: raises TypeError "
        f"whenever it is imported on {subject.target}",
        fix=f"install a version of {dist.name} that supports {subject.profile.runtime}"
        if dist
        else f"write Optional[...] or Union[...] instead of {failure.detail}; in annotations "
        "`from __future__ import annotations` at the top of the file is enough",
        evidence={"module": failure.module, "line": failure.line, "error": failure.name},
        chain=failure.chain,
    )


def _fix(subject: Subject, dist: DistFacts | None, libraries: list[str]) -> str:
    if libraries:
        name = libraries[0].rpartition("/")[2]
        return f"pack {name} into lib/ of the artifact or of a layer, built for {subject.target}"
    if dist is None:
        return "remove it, or put it into a function or under if __name__ == '__main__':"
    for conflict in subject.requirements.conflicts():
        if conflict.dist.name == dist.name:
            found = f"{conflict.found.name} {conflict.found.version}"
            wanted = f"{dist.name} {dist.version} requires {conflict.requirement}"
            return f"{wanted}, and {found} is there: install both in one go"
    return f"install a version of {dist.name} that supports {subject.profile.runtime}, or do not import it"
