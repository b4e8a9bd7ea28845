"""`python -m images.standin 3.13 --output standin.tar`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import platformdirs

from images.standin.build import SUITES, build_image, image_name, profile_of
from images.standin.debian import CannotBuild
from lambdapack.errors import LambdapackError


def main() -> int:
    """Builds the stand-ins asked for; returns the exit status."""
    known = [runtime.removeprefix("python") for runtime in SUITES]
    parser = argparse.ArgumentParser(prog="python -m images.standin", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"Python versions (default: {' '.join(known)})")
    parser.add_argument("--arch", choices=["x86_64", "arm64"], default="x86_64")
    parser.add_argument("--output", type=Path, help="the archive for `docker load` (one version only)")
    parser.add_argument("--rootfs", type=Path, help="leave the root file system in this folder, too (one version only)")
    parser.add_argument("--mirror", help="a Debian archive; default: the one that apt on this machine uses")
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("lambdapack-standin"), help="keeps what was fetched"
    )
    given = parser.parse_args()
    versions = given.versions or known
    if len(versions) > 1 and (given.output or given.rootfs):
        parser.error("--output and --rootfs take one version")
    for version in versions:
        started = time.monotonic()
        try:
            profile = profile_of(version, given.arch)
            output = given.output or Path("dist") / f"standin-{profile.identifier}.tar"
            output.parent.mkdir(parents=True, exist_ok=True)
            identifier = build_image(
                profile, output, cache=given.cache, root=given.rootfs, archive=given.mirror, progress=_tell
            )
        except (CannotBuild, LambdapackError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        seconds = time.monotonic() - started
        print(f"{output}: {image_name(profile)} {identifier} {output.stat().st_size >> 20} MB in {seconds:.1f} s")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
