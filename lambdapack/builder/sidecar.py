"""What stands beside an artifact: what it is and what went in, for programs (`sidecar.schema.json`).

The same build writes the same bytes: no times, no paths of this machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lambdapack import __version__
from lambdapack.builder.plan import SIDECAR_SUFFIX, BuildPlan, FirstPartyFile, ResolvedWheel, WrittenImage
from lambdapack.errors import BuildFailed

SCHEMA_VERSION = 1


def sidecar_of(output: Path) -> Path:
    """Returns where the sidecar of an artifact stands: `dist/api.zip` has `dist/api.lambdapack.json`."""
    return output.with_name(output.stem + SIDECAR_SUFFIX)


def sidecar_schema() -> Any:
    """Returns the JSON Schema that every sidecar fulfils."""
    return json.loads(Path(__file__).with_name("sidecar.schema.json").read_text(encoding="utf-8"))


def sidecar_text(
    plan: BuildPlan,
    packed: Sequence[ResolvedWheel],
    reasons: Mapping[str, str],
    image: WrittenImage | None = None,
    *,
    sha256: str,
    size: int,
    unzipped_size: int,
    files: int,
) -> str:
    """Returns the sidecar of an artifact. `sha256` is that of its file, in hex; `packed` are the wheels in it.
    `reasons` says of files that were chosen one by one (`include = "auto"`) why they are in, `image` what a container
    image is known by and built on.

    `code_sha256` is how Lambda shows the same digest (`CodeSha256`); of an image it shows another.
    """
    code = base64.b64encode(bytes.fromhex(sha256)).decode() if plan.package != "image" else None
    data = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "lambdapack", "version": __version__},
        "function": plan.function,
        "artifact": {
            "file": plan.output.name,
            "package": plan.package,
            "size": size,
            "unzipped_size": unzipped_size,
            "files": files,
            "sha256": sha256,
            "code_sha256": code,
        },
        "runtime": plan.runtime,
        "architecture": plan.architecture,
        "handler": plan.handler or None,
        "source_sha256": source_digest(plan.first_party),
        "distributions": [
            {"name": wheel.name, "version": wheel.version, "wheel": wheel.filename, "sha256": wheel.sha256}
            for wheel in packed
        ],
        "layers": sorted(plan.layers),
        **({"image": asdict(image)} if image is not None else {}),
        **({"included": dict(sorted(reasons.items()))} if reasons else {}),
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def source_digest(files: Sequence[FirstPartyFile]) -> str:
    """Returns a SHA-256, in hex, over the project's own files: over the lines that `sha256sum` would print for their
    paths in the artifact, sorted by path."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        try:
            with file.source.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise BuildFailed(f"{file.source}: cannot be read: {error.strerror or error}") from error
        total.update(f"{digest}  {file.path}\n".encode())
    return total.hexdigest()
