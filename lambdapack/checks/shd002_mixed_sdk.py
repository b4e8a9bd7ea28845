"""One half of the AWS SDK is the function's own, the other half is the runtime's.

What it finds
    `boto3` in the artifact without `botocore`, or the other way round, so that the missing half comes from the runtime.
    A `botocore` of one's own is only told when the handler's import needs the runtime's `boto3`. Of an image, whose SDK
    does not change, only versions that do not fit are told (DST002).

Why it fails on Lambda
    `boto3` wants a `botocore` of its own version. AWS updates the runtime's SDK without notice, so a mixture that works
    today can fail tomorrow: "cannot import name ... from 'botocore...'", "DataNotFoundError", "Unknown service: ...".

How to fix it
    Pack both (`boto3` brings the right `botocore` when it is installed with its dependencies), or neither.

When to ignore it
    When nothing but the half in the artifact is used.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("SHD002", "mixes its own AWS SDK with the runtime's", severities=("warning",))
def mixed_sdk(subject: Subject) -> Iterator[Hit]:
    if not subject.managed:
        return  # an image keeps the SDK that it has, and DST002 knows its version
    for own, other in (("boto3", "botocore"), ("botocore", "boto3")):
        brought = subject.brought_module(own)
        if brought is None or not subject.is_of_runtime(other):
            continue
        if own == "botocore" and not (subject.imports and other in subject.imports.executions):
            continue
        dist = subject.distribution_of(brought)
        there = next((item.version for item in subject.profile.preinstalled if item.name == other), None)
        last = f" (last seen: {there})" if there else ""
        version = f" {dist.version}" if dist else ""
        yield Hit(
            path=brought,
            message=f"{own}{version} is in the artifact, {other} comes from {subject.profile.runtime}{last}, "
            "where AWS updates it without notice",
            fix=f"pack {other} as well, or leave {own} out",
            evidence={"distribution": own, "version": dist.version if dist else None, "runtime": other, "found": there},
            severity=Severity.WARNING,
        )
