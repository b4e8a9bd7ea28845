"""A build image for machines that cannot pull the official base image: the stand-in with zig's compiler in it.

zig brings headers and stubs of every glibc, so what it compiles for the target's glibc asks for no newer one. The C
library that is in the stand-in is newer than the target's and is not what is linked against.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import uv

from images.standin import debian, layout
from images.standin.archive import write_archive
from images.standin.build import DEBIAN_ARCHITECTURES, SUITES, Progress, build_root, recipe_digest
from images.standin.debian import CannotBuild
from lambdapack.builder import BUILD_TOOLS, TOOLS_FOLDER
from lambdapack.containers.engine import connect_engine
from lambdapack.containers.images import find_image
from lambdapack.profiles import RuntimeProfile

RECIPE_LABEL = "lambdapack.build.recipe"

_ZIG = "opt/zig"
_ZIG_COMMANDS = {"cc": "cc", "gcc": "cc", "c++": "c++", "g++": "c++", "ar": "ar", "ranlib": "ranlib"}


def image_name(profile: RuntimeProfile) -> str:
    """Returns the tag that it is loaded under."""
    return f"lambdapack-standin/build:{profile.runtime.removeprefix('python')}-{profile.architecture}"


def digest_of(profile: RuntimeProfile) -> str:
    """Returns what the image's label says: another value means that it is to be built again."""
    return hashlib.sha256(f"{recipe_digest(profile)}{Path(__file__).read_text()}".encode()).hexdigest()


def is_loaded(profile: RuntimeProfile) -> bool:
    """True when the engine has the image as it would be built now. Raises `MissingRequirement`."""
    with connect_engine() as engine:
        found = find_image(engine, image_name(profile), profile.architecture)
        return found is not None and found.labels.get(RECIPE_LABEL) == digest_of(profile)


def build_image(profile: RuntimeProfile, output: Path, *, cache: Path, archive: str | None, progress: Progress) -> str:
    """Writes the image as a `docker save` archive; returns its identifier. `archive`: a Debian mirror's URL."""
    with tempfile.TemporaryDirectory(prefix="lambdapack-build-", ignore_cleanup_errors=True) as scratch:
        root = Path(scratch) / "root"
        build_root(profile, root, cache, archive, progress)
        _add_development_files(profile, root, cache, archive)
        progress(f"{profile.runtime}: zig and the tools that build wheels")
        _install(BUILD_TOOLS, profile, root / TOOLS_FOLDER.lstrip("/"))
        _install(("ziglang",), profile, root / _ZIG)
        _add_compilers(profile, root)
        _take_out_what_zig_refuses(profile, root)
        environment = {
            **layout.ENVIRONMENT,
            "PATH": f"{TOOLS_FOLDER}/bin:{layout.ENVIRONMENT['PATH']}",
            "LD_LIBRARY_PATH": ":".join(profile.library_path),
            "CC": "gcc",
            "CXX": "g++",
            "ZIG_GLOBAL_CACHE_DIR": "/tmp/zig",
        }
        return write_archive(
            root,
            output,
            tag=image_name(profile),
            architecture=DEBIAN_ARCHITECTURES[profile.architecture],
            config={
                "Env": [f"{name}={value}" for name, value in environment.items()],
                "WorkingDir": "/tmp",
                "Labels": {RECIPE_LABEL: digest_of(profile)},
            },
        )


def _add_development_files(profile: RuntimeProfile, root: Path, cache: Path, archive: str | None) -> None:
    """Python's own (and what Debian packs apart), as the official image has them below /var/lang."""
    suite, architecture = SUITES[profile.runtime], DEBIAN_ARCHITECTURES[profile.architecture]
    # Debian has distutils in a package of its own, as long as there was one; older headers of Python ask for crypt.h.
    older = ["python3-distutils", "libcrypt-dev"] if profile.python < (3, 12) else []
    names = [f"lib{profile.runtime}-dev", *older]
    packages = debian.fetch(suite, architecture, names, cache / f"{suite}-{architecture}", archive or debian.mirror())
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        own = [path for path in packages if path.name.startswith(tuple(names))]
        debian.unpack(own, Path(folder) / "root")
        includes = Path(folder) / "root/usr/include"
        target = root / "var/lang/include"
        target.mkdir(parents=True, exist_ok=True)
        for source in (includes / profile.runtime, includes / f"{profile.machine}-linux-gnu" / profile.runtime):
            # The second has one file, pyconfig.h, which the one of the same name in the first only sends on to.
            shutil.copytree(source, target / profile.runtime, dirs_exist_ok=True)
        if (includes / "crypt.h").is_file():
            shutil.copyfile(includes / "crypt.h", target / profile.runtime / "crypt.h")
        distutils = Path(folder) / "root/usr/lib" / profile.runtime / "distutils"
        if distutils.is_dir():
            shutil.copytree(distutils, root / "var/lang/lib" / profile.runtime / "distutils", dirs_exist_ok=True)


def _install(distributions: tuple[str, ...], profile: RuntimeProfile, folder: Path) -> None:
    """Installs wheels for the target with uv, programs in `bin` below the folder."""
    command = [
        os.fsdecode(uv.find_uv_bin()),
        *("pip", "install", "--quiet", "--no-python-downloads", "--only-binary=:all:", "--link-mode=copy"),
        f"--python={sys.executable}",
        f"--python-version={profile.runtime.removeprefix('python')}",
        f"--python-platform={profile.machine}-manylinux2014",
        f"--target={folder}",
        *distributions,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuild(f"{' '.join(distributions)}: {done.stderr.strip()}")


def _add_compilers(profile: RuntimeProfile, root: Path) -> None:
    glibc = ".".join(map(str, profile.glibc[:2]))
    target = f"-target {profile.machine}-linux-gnu.{glibc} -fno-sanitize=undefined"
    for name, command in _ZIG_COMMANDS.items():
        options = f" {target}" if command in ("cc", "c++") else ""
        text = f'#!/bin/sh\nexec /{_ZIG}/ziglang/zig {command}{options} "$@"\n'
        # Debian's Python calls its compiler by the full name.
        for place in (name, f"{profile.machine}-linux-gnu-{name}"):
            path = root / "usr/bin" / place
            path.unlink(missing_ok=True)
            path.write_text(text, encoding="ascii")
            path.chmod(0o755)


def _take_out_what_zig_refuses(profile: RuntimeProfile, root: Path) -> None:
    """Debian's Python hands its linker an option that zig's has not."""
    library = root / "var/lang/lib" / profile.runtime
    for path in library.glob("_sysconfigdata_*.py"):
        text = path.read_text(encoding="utf-8")
        path.unlink()  # the file may be shared with a cache
        path.write_text(text.replace("-Wl,-Bsymbolic-functions", ""), encoding="utf-8")
        for compiled in (library / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()
