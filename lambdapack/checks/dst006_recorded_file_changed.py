"""Files of a distribution are not what its `RECORD` says.

What it finds
    Files whose size differs from the one in `RECORD`, and with `--deep` files of the same size with another SHA-256.
    One finding for each distribution. Files that two distributions write are left to DST009.

Why it fails on Lambda
    It need not. But a file that changed after it was installed is what a patch, a wrong line ending conversion (CRLF),
    a cut-off copy or a Git LFS pointer look like; if it breaks an import, another finding says so.

How to fix it
    Install the distribution again into an empty folder. If the change is meant, keep it as a patch that the build
    applies.

When to ignore it
    When the files were changed on purpose: patched, minified. Native code that is only smaller (stripped) is no warning
    but an info.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Changed, Hit, Severity, Subject, check


@check("DST006", "was changed after it was installed", severities=("warning", "info"))
def recorded_file_changed(subject: Subject) -> Iterator[Hit]:
    groups: dict[str, list[Changed]] = {}
    for item in subject.installation.changed(deep=subject.deep):
        if subject.is_own(item.path):
            groups.setdefault(item.dist.folder, []).append(item)
    for items in groups.values():
        first, dist = items[0], items[0].dist
        stripped = all(
            item.by == "size" and ".so" in item.path.rpartition("/")[2] and int(item.found) < int(item.recorded)
            for item in items
        )
        places = [item.path for item in items]
        unit = " bytes" if first.by == "size" else ""
        more = f", and {len(items) - 1} more of its files" if len(items) > 1 else ""
        yield Hit(
            path=first.path,
            message=f"has {first.found}{unit}, RECORD of {dist.name} {dist.version} says {first.recorded}{unit}{more}"
            + ("; native code that is smaller was probably stripped" if stripped else ""),
            fix=f"install {dist.name} again into an empty folder, if nobody meant to change it",
            evidence={
                "distribution": dist.name,
                "version": dist.version,
                "by": first.by,
                "found": first.found,
                "recorded": first.recorded,
                "files": places[:20],
                "changed": len(places),
            },
            severity=Severity.INFO if stripped else Severity.WARNING,
        )
