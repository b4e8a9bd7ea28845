"""Native code carries debug symbols, which nothing on Lambda reads.

What it finds
    Shared objects and programs with sections that are never loaded (`.debug_*`, `.symtab`), 1 MB of them or more in
    all: what a compiler leaves with `-g`, and a wheel that was built without `strip`. It says how many bytes.

Why it fails on Lambda
    It does not. The bytes count towards the 250 MB of a function, towards the upload and towards its download at a cold
    start.

How to fix it
    Strip what you compile: `strip --strip-debug FILE.so`, `-Wl,--strip-debug`, `strip = true` in Cargo's profile. Leave
    files in `*.libs` of a wheel alone: auditwheel has changed them with patchelf, and stripping such a file can break
    it ("ELF load command address/offset not properly aligned"). Import the result before you ship it:
    `lambdapack test`.

When to ignore it
    When size and cold starts do not matter, or when you read core dumps and native stack traces of the function.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_WORTH_A_WORD = 1 << 20  # bytes in all files


@check("PKG015", "carries debug symbols", severities=("info",))
def debug_symbols(subject: Subject) -> Iterator[Hit]:
    found = subject.native.debug_symbols()
    total = sum(found.values())
    if total < _WORTH_A_WORD:
        return
    largest = max(found, key=lambda path: (found[path], path))
    files = "one native file has" if len(found) == 1 else f"{len(found)} native files have"
    share = 100 * total / subject.size_limit
    yield Hit(
        path=largest,
        message=f"{files} {total / 1048576:.1f} MB of debug symbols ({share:.1f} % of the limit), this one most of all",
        fix="strip --strip-debug FILE, for what you compile yourself; not for what auditwheel put into *.libs",
        evidence={"bytes": total, "files": dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))},
        severity=Severity.INFO,
    )
