"""Members are compressed with a method that hardly any tool but the one that wrote it unpacks.

What it finds
    Members that are neither stored nor deflated: Deflate64 (Windows Explorer and 7-Zip, for large files), bzip2, LZMA,
    Zstandard, XZ. One finding for each method.

Why it fails on Lambda
    Nothing says which methods Lambda unpacks; what every tool writes, and every deployment uses, is Deflate. An archive
    that Lambda cannot unpack is refused when the function is created: "Could not unzip uploaded file. Please check your
    file, then try to upload again."

How to fix it
    Create the archive again with Deflate: `zip -r`, `7z a -tzip -mm=Deflate`, Python's `zipfile.ZIP_DEFLATED`.

When to ignore it
    When Lambda took the archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("PKG007", "is compressed in an unusual way", severities=("warning",))
def unusual_compression(subject: Subject) -> Iterator[Hit]:
    for mount in subject.stack.mounts:
        for problem in mount.tree.problems:
            if problem.kind == "compression":
                yield Hit(
                    path=mount.absolute(problem.path),
                    message=f"{problem.detail}; everyone else uses Deflate, and Lambda may know no more",
                    fix="create the archive again with Deflate: zip -r, or 7z a -tzip -mm=Deflate",
                    evidence={"file": problem.path, "reason": problem.detail},
                    severity=Severity.WARNING,
                )
