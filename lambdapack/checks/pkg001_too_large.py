"""The unzipped size reaches Lambda's quota, or the ZIP is too large for a direct upload.

What it finds
    A function whose files, together with all layers, reach 262,144,000 bytes (250 MB) unzipped; a ZIP of more than
    52,428,800 bytes (50 MB); a container image whose layers have more than 10,737,418,240 bytes (10 GB) uncompressed.

Why it fails on Lambda
    Lambda refuses the first with "Unzipped size must be smaller than 262144000 bytes". The second can only be uploaded
    through S3, which is why it is a warning. An image counts with all its layers, also what a later layer takes away.

How to fix it
    Leave out what the function does not need (tests, `boto3` that the runtime brings, unused data), move to a container
    image (10 GB), or upload through S3.

When to ignore it
    The warning, when the deployment goes through S3 anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("PKG001", "is too large for Lambda", severities=("error", "warning"))
def too_large(subject: Subject) -> Iterator[Hit]:
    quotas = subject.profile.quotas
    if subject.managed and subject.unzipped_size >= quotas.unzipped_bytes:
        largest = sorted(subject.stack.files(), key=lambda located: -located.entry.size)[:3]
        yield Hit(
            path=largest[0].path,
            message=f"unzipped size is {subject.unzipped_size:,} bytes; Lambda's limit for function and layers is "
            f"{quotas.unzipped_bytes:,} bytes, and it must be smaller. Largest: "
            + ", ".join(f"{located.path} ({located.entry.size:,})" for located in largest),
            fix="leave out what the function does not need, or deploy it as a container image (limit 10 GB)",
            evidence={"size": subject.unzipped_size, "limit": quotas.unzipped_bytes, "quota": "unzipped"},
        )
    if subject.image is not None and subject.unzipped_size > quotas.image_bytes:
        yield Hit(
            path=None,
            message=f"the image's layers have {subject.unzipped_size:,} bytes uncompressed; Lambda's limit for all "
            f"layers of an image is {quotas.image_bytes:,}",
            fix="leave out what the function does not need, in the layer that brings it: a later one cannot",
            evidence={"size": subject.unzipped_size, "limit": quotas.image_bytes, "quota": "image"},
        )
    if subject.zipped_size is not None and subject.zipped_size > quotas.zipped_bytes:
        yield Hit(
            path=None,
            message=f"the ZIP has {subject.zipped_size:,} bytes; a direct upload may have {quotas.zipped_bytes:,}",
            fix="upload it through S3, or make it smaller",
            evidence={"size": subject.zipped_size, "limit": quotas.zipped_bytes, "quota": "zipped"},
            severity=Severity.WARNING,
        )
