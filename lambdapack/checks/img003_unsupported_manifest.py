"""A container image is an index of several manifests; Lambda takes a single manifest only.

What it finds
    An image behind an image index (manifest list): one for several platforms, or one with attestations (provenance,
    SBOM), which `docker buildx build` adds by default.

Why it fails on Lambda
    "The image manifest, config or layer media type for the source image ... is not supported." when the function is
    created or updated.

How to fix it
    Build for one platform and without attestations: `docker buildx build --platform linux/amd64 --provenance=false
    --sbom=false`.

When to ignore it
    When the tool that pushes the image picks one manifest out of the index, as `skopeo copy` does without `--all`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check

_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}


@check("IMG003", "is an index, not a single image", needs=("image",))
def unsupported_manifest(subject: Subject) -> Iterator[Hit]:
    image = subject.image
    if image is None or image.index is None:
        return
    parts = [", ".join(image.platforms)] if image.platforms else []
    if image.attestations:
        parts.append(f"{image.attestations} attestation{'' if image.attestations == 1 else 's'}")
    yield Hit(
        path=None,
        message=f"the image is an index ({image.index}) of {' and '.join(parts)}; Lambda takes a single manifest",
        fix=f"build it with docker buildx build --platform {_PLATFORMS[subject.profile.architecture]} "
        "--provenance=false --sbom=false",
        evidence={
            "media_type": image.index,
            "platforms": list(image.platforms),
            "attestations": image.attestations,
        },
    )
