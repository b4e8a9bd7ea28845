"""A distribution refuses to work with a library as old as the runtime's.

What it finds
    Distributions that check a library's version when they are imported, on runtimes whose standard modules were seen to
    use an older one: `urllib3` 2 wants OpenSSL 1.1.1 (python3.9 had 1.0.2), `chromadb` wants SQLite 3.35 (Amazon Linux
    2, so python3.9 to python3.11, has 3.7.17). With a handler only where its import reaches the distribution.

Why it fails on Lambda
    "urllib3 v2.0 only supports OpenSSL 1.1.1+, currently the 'ssl' module is compiled with 'OpenSSL 1.0.2k-fips 26 Jan
    2017'", "Your system has an unsupported version of sqlite3. Chroma requires sqlite3 >= 3.35.0". It is a warning,
    because what Lambda has is known from reports, and AWS updates its runtimes without notice.

How to fix it
    Move to a newer runtime (python3.12 and later stand on Amazon Linux 2023), or require `urllib3<2`. For SQLite, pack
    `pysqlite3-binary` and put it in the place of `sqlite3` before `chromadb` is imported.

When to ignore it
    When the function was seen to work, or replaces the library itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

# urllib3/__init__.py of 2.0 to 2.8; chromadb/__init__.py of 1.5.
_NEEDS = (("urllib3", (2,), "OpenSSL", (1, 1, 1)), ("chromadb", (0, 4), "SQLite", (3, 35)))


@check("DST012", "needs a newer library than the runtime has", severities=("warning",))
def runtime_library_too_old(subject: Subject) -> Iterator[Hit]:
    seen = subject.linked_libraries
    for name, since, library, wanted in _NEEDS:
        brought = subject.brought_module(name)
        dist = subject.distribution_of(brought) if brought else None
        if brought is None or dist is None or dist.name != name or _numbers(dist.version) < since:
            continue
        if library not in seen or _numbers(seen[library]) >= wanted:
            continue
        if subject.imports is None or name in subject.imports.executions:
            needs = ".".join(map(str, wanted))
            yield Hit(
                path=brought,
                message=f"{name} {dist.version} needs {library} {needs} when it is imported; {subject.profile.runtime} "
                f"was last seen with {library} {seen[library]}",
                fix=f"move to python3.12 or newer, or take an older {name}",
                evidence={"distribution": name, "version": dist.version, "library": library, "found": seen[library]},
                severity=Severity.WARNING,
            )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
