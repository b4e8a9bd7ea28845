"""Builds one stand-in: Debian's Python and libraries, the runtime client and SDK from PyPI, the emulator from AWS SAM.

What the target must not have is hidden (`masking.py`); the ceilings are those of lambdapack's own profiles.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import uv

from images.standin import debian, layout
from images.standin.archive import write_archive
from images.standin.debian import CannotBuild
from images.standin.masking import mask
from lambdapack.profiles import RuntimeProfile, load_profile

SUITES = {"python3.9": "bullseye", "python3.11": "bookworm", "python3.13": "trixie", "python3.14": "sid"}
"""The Debian release that each Python comes from."""

DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
RECIPE_LABEL = "lambdapack.standin.recipe"

# `bash` runs /var/runtime/bootstrap; the tools are those that the official image has for its Dockerfiles.
_PACKAGES = (
    *("base-files", "bash", "coreutils", "dash", "findutils", "grep", "gzip", "libc-bin", "libc6", "libgcc-s1"),
    *("libstdc++6", "sed", "tar", "tzdata"),
)
_DISTRIBUTIONS = ("awslambdaric", "boto3")
_EMULATOR = "samcli/local/rapid/aws-lambda-rie-{}"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

Progress = Callable[[str], None]


def image_name(profile: RuntimeProfile) -> str:
    """Returns the tag that the stand-in is loaded under."""
    return f"lambdapack-standin/python:{profile.runtime.removeprefix('python')}-{profile.architecture}"


def recipe_digest(profile: RuntimeProfile) -> str:
    """Returns what a stand-in's label says: another value means that it is to be built again."""
    known = sorted(name for name, library in profile.libraries.items() if library.in_image)
    parts = [profile.identifier, profile.glibc, sorted(profile.symbol_ceilings.items()), known]
    digest = hashlib.sha256(repr([*parts, profile.python_path, profile.library_path]).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def build_root(profile: RuntimeProfile, root: Path, cache: Path, archive: str | None, progress: Progress) -> None:
    """Makes the root file system in the folder `root`, which must not exist. `archive`: a Debian mirror's URL."""
    suite = SUITES.get(profile.runtime)
    if suite is None:
        raise CannotBuild(f"no Debian release has {profile.runtime}; there are stand-ins for {', '.join(SUITES)}")
    progress(f"{profile.runtime}: packages of Debian {suite}")
    architecture = DEBIAN_ARCHITECTURES[profile.architecture]
    state = cache / f"{suite}-{architecture}"
    packages = debian.fetch(suite, architecture, [*_PACKAGES, profile.runtime], state, archive or debian.mirror())
    root.mkdir(parents=True)
    debian.unpack(packages, root)
    progress(f"{profile.runtime}: the runtime's layout")
    layout.arrange(root, profile)
    _install(_DISTRIBUTIONS, profile, root / layout.packages_folder(profile).lstrip("/"))
    _install(("pip",), profile, root / f"var/lang/lib/{profile.runtime}/site-packages")
    _add_emulator(profile, root, cache)
    _add_certificates(root)
    ceilings = {"GLIBC": profile.glibc, **profile.symbol_ceilings}
    # What /var/lang/lib has of its own (libpython) is not in the system's folders and stays.
    names, hidden = mask(root, ceilings, {name for name, known in profile.libraries.items() if known.in_image})
    progress(f"{profile.runtime}: {names} names hidden; libraries that Lambda has not: {' '.join(hidden) or 'none'}")
    if not _compile(profile, root):
        progress(f"{profile.runtime}: not compiled, it is for another machine: imports take longer")


def build_image(
    profile: RuntimeProfile,
    output: Path,
    *,
    cache: Path,
    root: Path | None = None,
    archive: str | None = None,
    progress: Progress = print,
) -> str:
    """Writes the stand-in as a `docker save` archive; returns the image's identifier. Keeps the files in `root`."""
    with tempfile.TemporaryDirectory(prefix="lambdapack-standin-", ignore_cleanup_errors=True) as scratch:
        folder = root or Path(scratch) / "root"
        build_root(profile, folder, cache, archive, progress)
        environment = {**layout.ENVIRONMENT, "LD_LIBRARY_PATH": ":".join(profile.library_path)}
        return write_archive(
            folder,
            output,
            tag=image_name(profile),
            architecture=DEBIAN_ARCHITECTURES[profile.architecture],
            config={
                "Env": [f"{name}={value}" for name, value in environment.items()],
                "Entrypoint": [layout.ENTRYPOINT],
                "WorkingDir": "/var/task",
                "Labels": {RECIPE_LABEL: recipe_digest(profile)},
            },
        )


def profile_of(version: str, architecture: str) -> RuntimeProfile:
    """Returns the profile of a Python version (`3.13`)."""
    return load_profile(f"python{version.removeprefix('python')}", architecture)


def _install(distributions: tuple[str, ...], profile: RuntimeProfile, folder: Path, *options: str) -> None:
    """Installs wheels for the target with uv, which reads the host's own settings for indexes and certificates."""
    command = [
        os.fsdecode(uv.find_uv_bin()),
        *("pip", "install", "--quiet", "--no-python-downloads", "--only-binary=:all:", "--link-mode=copy"),
        f"--python={sys.executable}",
        f"--python-version={profile.runtime.removeprefix('python')}",
        f"--python-platform={profile.machine}-manylinux2014",
        f"--target={folder}",
        *options,
        *distributions,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuild(f"{' '.join(distributions)}: {done.stderr.strip()}")
    for name in ("bin", ".lock", "CACHEDIR.TAG"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _add_emulator(profile: RuntimeProfile, root: Path, cache: Path) -> None:
    """AWS SAM's wheel holds the Runtime Interface Emulator, a static program for each architecture."""
    kept = cache / "aws-sam-cli"
    source = kept / _EMULATOR.format(profile.architecture)
    if not source.is_file():
        _install(("aws-sam-cli",), profile, kept, "--no-deps")
    shutil.copyfile(source, root / layout.EMULATOR)
    (root / layout.EMULATOR).chmod(0o755)


def _add_certificates(root: Path) -> None:
    """The host's authorities, so that pip works inside where TLS goes through one of the host's own."""
    for place in ("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        if _CERTIFICATES.is_file():
            shutil.copyfile(_CERTIFICATES, root / place)


def _compile(profile: RuntimeProfile, root: Path) -> bool:
    """Compiles the standard library and the client, as the image has them: without, each start costs 60 ms.

    The interpreter is started by its own loader with its own libraries, so neither root nor a container is needed.
    False for another machine's: where an emulator would run it, that would take minutes.
    """
    if platform.machine() != profile.machine:
        return False
    libraries = root / f"usr/lib/{profile.machine}-linux-gnu"
    loader = next(libraries.glob("ld-linux-*.so.*"))
    command = [
        *(str(loader), "--library-path", str(libraries), str(root / "var/lang/bin" / profile.runtime), "-S", "-B"),
        *("-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", "-s", str(root), "-p", "/"),
        *("-x", "/(pip|test|idlelib|lib2to3|botocore/data)/"),
        *(str(root / folder) for folder in (f"var/lang/lib/{profile.runtime}", "var/runtime")),
    ]
    environment = {"PYTHONHOME": str(root / "var/lang"), "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
