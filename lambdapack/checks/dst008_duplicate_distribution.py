"""A distribution is installed twice.

What it finds
    Two `.dist-info` folders of one distribution: side by side in one folder (what an upgrade with `pip install
    --target` leaves behind), or in the function and a layer, or in two folders of a layer. The runtime's own packages
    do not count: to bring another boto3 is what AWS recommends.

Why it fails on Lambda
    In one folder only one version's files can be there, and the two sets of files may be mixed; `importlib.metadata`
    may report the other version. In two folders the one that stands first on `sys.path` wins, as a whole; the other one
    is dead weight, and whoever counts on its version gets the wrong one: "cannot import name ...".

How to fix it
    Install into an empty folder in one go. Take the distribution out of the function or out of the layer.

When to ignore it
    When both have the same version (an info) and the size does not matter; or when the function overrides the layer on
    purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Duplicate, Hit, Severity, Subject, check


@check("DST008", "is installed twice", severities=("warning", "info"))
def duplicate_distribution(subject: Subject) -> Iterator[Hit]:
    for item in subject.installation.duplicates:
        same = item.first.version == item.other.version
        yield Hit(
            path=item.other.folder,
            message=_message(item),
            fix="install into an empty folder, everything in one go"
            if item.in_one_folder
            else "take it out of one of the two",
            evidence={
                "distribution": item.first.name,
                "version": item.first.version,
                "other": item.other.version,
                "wins": None if item.in_one_folder else item.first.root,
                "files": item.files_of.version if item.files_of else None,
            },
            severity=Severity.INFO if same else Severity.WARNING,
        )


def _message(item: Duplicate) -> str:
    name, first, other = item.first.name, item.first, item.other
    if item.in_one_folder:
        whose = f"most files are those of {item.files_of.version}" if item.files_of else "the files may be of both"
        return f"{first.root} has the metadata of {name} {first.version} and of {other.version}; {whose}"
    if first.version == other.version:
        return f"the same version is in {first.root}, too, which stands before {other.root} on sys.path"
    return (
        f"{name} {other.version} is hidden by {name} {first.version} in {first.root}, "
        f"which stands before {other.root} on sys.path"
    )
