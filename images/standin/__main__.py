"""`python -m images.standin 3.13 --output standin.tar`."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

from images.standin.build import SUITES, build_image, image_name, profile_of
from images.standin.debian import CannotBuild
from images.standin.loading import is_loaded, load
from lambdapack.errors import LambdapackError


def main() -> int:
    """Builds the stand-ins asked for; returns the exit status."""
    known = [runtime.removeprefix("python") for runtime in SUITES]
    parser = argparse.ArgumentParser(prog="python -m images.standin", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"Python versions (default: {' '.join(known)})")
    parser.add_argument("--arch", choices=["x86_64", "arm64"], default="x86_64")
    parser.add_argument("--output", type=Path, help="the archive for `docker load` (one version only)")
    parser.add_argument(
        "--load", action="store_true", help="load it into the container engine, unless what it has is of this recipe"
    )
    parser.add_argument("--rootfs", type=Path, help="leave the root file system in this folder, too (one version only)")
    parser.add_argument("--mirror", help="a Debian archive; default: the one that apt on this machine uses")
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("lambdapack-standin"), help="keeps what was fetched"
    )
    given = parser.parse_args()
    versions = given.versions or known
    if len(versions) > 1 and (given.output or given.rootfs):
        parser.error("--output and --rootfs take one version")
    status = 0
    for version in versions:
        try:
            _build(version, given)
        except (CannotBuild, LambdapackError, OSError) as error:
            print(f"error: {version}: {error}", file=sys.stderr)
            status = 1
    return status


def _build(version: str, given: argparse.Namespace) -> None:
    started = time.monotonic()
    profile = profile_of(version, given.arch)
    name = image_name(profile)
    if given.load and is_loaded(profile):
        print(f"{name} is up to date")
        return
    with ExitStack() as stack:
        if given.output:
            output = given.output
        elif given.load:
            output = Path(stack.enter_context(TemporaryDirectory(prefix="lambdapack-standin-"))) / "image.tar"
        else:
            output = Path("dist") / f"standin-{profile.identifier}.tar"
        output.parent.mkdir(parents=True, exist_ok=True)
        identifier = build_image(
            profile, output, cache=given.cache, root=given.rootfs, archive=given.mirror, progress=_tell
        )
        if given.load:
            load(output)
        size = output.stat().st_size >> 20
    print(f"{name} {identifier} {size} MB in {time.monotonic() - started:.1f} s")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
