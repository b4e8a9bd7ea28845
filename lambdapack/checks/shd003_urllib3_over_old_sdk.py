"""urllib3 2 in the artifact replaces the one that the runtime's old AWS SDK needs.

What it finds
    `urllib3` 2 or newer in function or layer, in a function whose import uses the runtime's `boto3` or `botocore`,
    where that `botocore` was last seen in a version before 1.31.62, the first that takes urllib3 2.

Why it fails on Lambda
    The function's `urllib3` stands before the runtime's on `sys.path`, so the SDK gets it: "cannot import name
    'DEFAULT_CIPHERS' from 'urllib3.util.ssl_' (/var/task/urllib3/util/ssl_.py)". It is a warning, because AWS updates
    the SDK in its runtimes without notice. What urllib3 2 itself lacks on python3.9 is DST012.

How to fix it
    Pack `boto3` too, so that SDK and `urllib3` belong together; or require `urllib3<2`. Best, move to a newer runtime.

When to ignore it
    When the function was seen to work on the current version of its runtime.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

# botocore's changelog: 1.31.62 takes urllib3 2 on Python 3.10 and newer; before, it requires urllib3 below 1.27.
_FIRST_FOR_URLLIB3_2 = (1, 31, 62)


@check("SHD003", "replaces what the runtime's AWS SDK needs", severities=("warning",))
def urllib3_over_old_sdk(subject: Subject) -> Iterator[Hit]:
    brought = subject.brought_module("urllib3")
    dist = subject.distribution_of(brought) if brought else None
    if brought is None or dist is None or dist.name != "urllib3" or _numbers(dist.version) < (2,):
        return
    there = next((item.version for item in subject.profile.preinstalled if item.name == "botocore"), None)
    if there is None or _numbers(there) >= _FIRST_FOR_URLLIB3_2:
        return
    used = [name for name in ("boto3", "botocore") if subject.imports and name in subject.imports.executions]
    if used and subject.is_of_runtime("botocore"):
        yield Hit(
            path=brought,
            message=f"urllib3 {dist.version} stands before that of {subject.profile.runtime}, whose {used[0]} "
            f"(botocore last seen: {there}) does not take urllib3 2",
            fix="pack boto3 as well, or require urllib3<2",
            evidence={"distribution": "urllib3", "version": dist.version, "found": there},
            severity=Severity.WARNING,
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
