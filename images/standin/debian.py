"""Debian packages without installing any: apt finds and fetches what is needed, and the archives are unpacked.

Uses a state of its own, so that nothing of the host's packages counts or changes, and no root is needed. Mirror, proxy
and keys are those the host's apt is configured with. Knows nothing of Lambda or Python.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MERGED_FOLDERS = ("bin", "sbin", "lib", "lib64")


class CannotBuild(Exception):
    """Something on this machine is missing; the text says what."""


def mirror() -> str:
    """Returns the URL of the Debian archive that this machine's apt uses."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise CannotBuild(f"{tool} is not here: the stand-in is built on Debian")
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listing.stdout.splitlines():
        uri, release, component = line.split(" ")
        if (release, component) == (codename, "main"):
            return uri
    raise CannotBuild("apt on this machine has no source for Debian main; name the archive with --mirror")


def fetch(suite: str, architecture: str, names: Sequence[str], state: Path, archive: str) -> list[Path]:
    """Downloads packages with all they depend on; returns the `.deb` files. `state` may be kept for the next time.

    `architecture` is Debian's spelling, `archive` a mirror's URL.
    """
    for folder in ("etc/preferences.d", "lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    # An empty dpkg status: everything is missing, so everything is fetched.
    (state / "status").write_text("", encoding="ascii")
    (state / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {archive} {suite} main\n", encoding="ascii")
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "root",  # else root's downloads run as a user who may not write here
        "Acquire::Languages": "none",
        "Debug::NoLocking": "1",
        "Dir::Cache": str(state / "cache"),
        "Dir::Etc::preferencesparts": str(state / "etc/preferences.d"),
        "Dir::Etc::sourcelist": str(state / "etc/sources.list"),
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": str(state),
        "Dir::State::status": str(state / "status"),
        # Packages marked essential would come along although nothing here needs them.
        "pkgCacheGen::Essential": "none",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    _run(["apt-get", *options, "-qq", "update"])
    # apt names what it would fetch into an empty cache, so that what an earlier build left there does not get in.
    (state / "nothing/partial").mkdir(parents=True, exist_ok=True)
    empty = ["-o", f"Dir::Cache::archives={state / 'nothing'}"]
    listing = _run(["apt-get", *options, *empty, "-qq", "--print-uris", "install", *names])
    _run(["apt-get", *options, "-qq", "-y", "--download-only", "install", *names])
    return [state / "cache/archives" / line.split(" ")[1] for line in listing.splitlines() if line.startswith("'")]


def unpack(packages: Sequence[Path], root: Path) -> None:
    """Unpacks the files of packages below `root`, with `/bin`, `/lib` … merged into `/usr`; runs no script."""
    for folder in MERGED_FOLDERS:
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).symlink_to(f"usr/{folder}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda package: _unpack(package, root), packages))


def _unpack(package: Path, root: Path) -> None:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as source:
        subprocess.run(
            ["tar", "-C", root, "--keep-directory-symlink", "--no-same-owner", "-xf", "-"],
            stdin=source.stdout,
            check=True,
        )
    if source.returncode != 0:
        raise CannotBuild(f"{package.name} cannot be unpacked")


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr.strip()]
        raise CannotBuild(f"apt: {' '.join(lines)}")
    return done.stdout
