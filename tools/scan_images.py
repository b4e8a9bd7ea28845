"""Refreshes the shipped profiles from the official images: `python -m tools.scan_images`, after a registry was asked.

Each image is pulled over the registry protocol and read as `lambdapack runtimes scan` reads it; the scans go to
`profile_sources/scans`, and the profiles are made anew. Scans of another registry are no facts about Lambda: they need
`--into FOLDER`, and leave the project as it is.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from lambdapack.errors import LambdapackError
from lambdapack.profiles import ARCHITECTURES, known_runtimes, load_profile
from lambdapack.workflows.runtime_scan import scan_runtime
from tools.make_profiles import DATA, SCANS, write_profiles
from tools.profile_scans import GROUPS, record_of


def main() -> int:
    """Returns the exit status: 1 when an image could not be read."""
    parser = argparse.ArgumentParser(prog="python -m tools.scan_images", description=__doc__)
    parser.add_argument("--only", action="append", metavar="RUNTIME", help="this runtime (python3.13); repeat")
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES, help="this architecture; repeat")
    parser.add_argument(
        "--replace", action="append", default=[], choices=GROUPS, help="take the scan over what was sourced by hand"
    )
    parser.add_argument("--registry", metavar="HOST/PATH", help="where python:3.X is, instead of the official place")
    parser.add_argument("--into", type=Path, help="write scans and profiles below this folder instead")
    given = parser.parse_args()
    if given.registry and not given.into:
        parser.error("--registry: what another registry has is no fact about Lambda; add --into FOLDER")
    scans, data = (given.into / "scans", given.into / "data") if given.into else (SCANS, DATA)
    failed = None
    for runtime in given.only or known_runtimes():
        for architecture in given.arch or ARCHITECTURES:
            profile = load_profile(runtime, architecture)
            image = profile.image
            if given.registry:
                image = f"{given.registry}/{image.rpartition('/')[2]}"
            try:
                scan = scan_runtime(f"docker://{image}", architecture=architecture)
            except LambdapackError as error:
                failed = error
                break
            if scan.profile.identifier != profile.identifier:
                print(f"{image}: is {scan.profile.identifier}, not {profile.identifier}: left out", file=sys.stderr)
                continue
            text = record_of(scan, image, date.today().isoformat(), tuple(given.replace))
            scans.mkdir(parents=True, exist_ok=True)
            (scans / f"{profile.identifier}.json").write_text(text, "utf-8", newline="\n")
            print(f"scanned: {profile.identifier} from {image} ({scan.digest})")
        if failed is not None:
            break  # the registry that does not answer will not answer for the next image
    for conflict in write_profiles(scans, data):
        print(f"kept: {conflict}")
    if failed is not None:
        print(f"error: the profiles are not refreshed from their images: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
