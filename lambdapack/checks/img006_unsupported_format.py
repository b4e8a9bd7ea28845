"""A container image has a form that Lambda does not take.

What it finds
    Images for another operating system than Linux. Layers in zstd, which came with version 1.1 of the OCI
    specification, and layers that are not stored with the image ("nondistributable", "foreign").

Why it fails on Lambda
    "The image manifest, config or layer media type for the source image ... is not supported.", or "InvalidImage:
    ImageLayerFailure: UnsupportedImageLayerDetected". Lambda's documentation promises images for Linux, Docker's
    manifest version 2, schema 2, and the OCI specification from 1.0.0 on. What it does with zstd is not said anywhere,
    which is why that is a warning.

How to fix it
    `docker buildx build --platform linux/amd64 --provenance=false --output type=image,compression=gzip,
    force-compression=true`; `skopeo copy --dest-compress-format gzip` for an image that is there already.

When to ignore it
    When Lambda has taken an image with such layers: then tell us.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check


@check("IMG006", "has a form that Lambda does not take", needs=("image",), severities=("error", "warning"))
def unsupported_format(subject: Subject) -> Iterator[Hit]:
    image = subject.image
    if image is None:
        return
    if image.operating_system not in (None, "linux"):
        yield Hit(
            path=None,
            message=f"the image is for {image.operating_system}; Lambda runs Linux only",
            fix="build it with docker buildx build --platform linux/amd64",
            evidence={"operating_system": image.operating_system, "media_type": None, "layers": []},
        )
    for word, what in (("zstd", "compressed with zstd"), ("nondistributable", "not stored"), ("foreign", "not stored")):
        layers = [number for number, kind in enumerate(image.layer_types, 1) if word in kind]
        if layers:
            plural = "s" if len(layers) > 1 else ""
            yield Hit(
                path=None,
                message=f"layer{plural} {', '.join(map(str, layers))} of the image: {what}, which Lambda does not say "
                "that it takes",
                fix="write it again with gzip layers: --output type=image,compression=gzip,force-compression=true",
                evidence={
                    "operating_system": image.operating_system,
                    "media_type": image.layer_types[layers[0] - 1],
                    "layers": layers,
                },
                severity=Severity.WARNING,
            )
