"""A member of the archive cannot be read: encrypted, damaged, or not what the directory says.

What it finds
    Encrypted members, damaged data, members whose local name or size differs from the archive's directory, members that
    share their bytes with others (a ZIP bomb), a name that is a file and a folder at once. In a container image: layers
    that are not what their digests promise, hard links to nothing.

Why it fails on Lambda
    Lambda unpacks the whole archive when the function is created: "Could not unzip uploaded file. Please check your
    file, then try to upload again." A registry refuses an image with such a layer, or whoever pulls it does.

How to fix it
    Create the archive again, without a password; write the image again with `docker save`.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("PKG003", "cannot be unpacked")
def unreadable_member(subject: Subject) -> Iterator[Hit]:
    said = set()
    for mount in subject.stack.mounts:
        for problem in mount.tree.problems:
            if problem.kind in ("encrypted", "unreadable", "overlap", "file-and-folder"):
                path = mount.absolute(problem.path)
                said.add(path)
                yield _hit(path, problem.detail)
            elif problem.kind == "wrong-digest":
                yield Hit(
                    path=None,
                    message=f"layer {problem.path} is damaged: {problem.detail}",
                    fix="write the image again: docker save",
                    evidence={"layer": problem.path, "reason": problem.detail},
                )
    for path, reason in subject.damaged:
        if path not in said:
            yield _hit(path, reason)


def _hit(path: str, reason: str) -> Hit:
    return Hit(
        path=path,
        message=f"cannot be unpacked: {reason}; Lambda refuses the whole archive",
        fix="create the archive again" + (", without a password" if "encrypt" in reason else ""),
        evidence={"file": path, "reason": reason},
    )
