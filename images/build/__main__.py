"""`python -m images.build 3.13`: makes the image that native code is built in, in the container engine.

From the official base image, as `lambdapack build` does by itself, or with `--standin` from Debian.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

from images.build.standin import build_image, image_name, is_loaded
from images.standin.build import SUITES, profile_of
from images.standin.debian import CannotBuild
from images.standin.loading import load
from lambdapack.builder import ensure_build_image
from lambdapack.containers.engine import connect_engine
from lambdapack.errors import LambdapackError
from lambdapack.profiles import RuntimeProfile


def main() -> int:
    """Makes the images asked for; returns the exit status."""
    known = [runtime.removeprefix("python") for runtime in SUITES]
    parser = argparse.ArgumentParser(prog="python -m images.build", description=__doc__)
    parser.add_argument("versions", nargs="+", metavar="VERSION", help=f"Python versions; stand-ins: {' '.join(known)}")
    parser.add_argument("--arch", choices=["x86_64", "arm64"], default="x86_64")
    parser.add_argument("--standin", action="store_true", help="from Debian and zig, without the official base image")
    parser.add_argument("--mirror", help="a Debian archive; default: the one that apt on this machine uses")
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("lambdapack-standin"), help="keeps what was fetched"
    )
    given = parser.parse_args()
    status = 0
    for version in given.versions:
        started = time.monotonic()
        try:
            name = _make(profile_of(version, given.arch), given)
        except (CannotBuild, LambdapackError, OSError) as error:
            print(f"error: {version}: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{name} in {time.monotonic() - started:.1f} s")
    return status


def _make(profile: RuntimeProfile, given: argparse.Namespace) -> str:
    if not given.standin:
        with connect_engine() as engine:
            return ensure_build_image(engine, profile, _tell).name
    if not is_loaded(profile):
        with TemporaryDirectory(prefix="lambdapack-build-") as folder:
            archive = Path(folder) / "image.tar"
            build_image(profile, archive, cache=given.cache, archive=given.mirror, progress=_tell)
            load(archive)
    return image_name(profile)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
