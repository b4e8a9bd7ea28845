"""Gets the source of a distribution onto this machine, as a folder: an sdist unpacked, a repository at its commit.

Knows how content is identified; does not know how it is built.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lambdapack.builder.choice import Source
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.store import WheelStore
from lambdapack.errors import BuildFailed, MissingRequirement, without_secrets
from lambdapack.progress import Progress

# What is made by working in a folder and is not what it is built from.
_MADE = {"__pycache__", "build", "dist", "node_modules", "venv"}
_NATIVE_SUFFIXES = {".c", ".cc", ".cpp", ".cxx", ".f", ".f90", ".go", ".pyx", ".rs", ".s", ".zig"}
_NATIVE_NAMES = {"Cargo.toml", "CMakeLists.txt", "meson.build"}
_NOT_BUILT = {"doc", "docs", "example", "examples", "test", "tests", "testing", "benchmarks"}


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A source on this machine. The project stands in `subfolder` (or `""`) of `top`; `digest` is in hex and stays the
    same with the content. `is_whole`: nothing in it was made by working there."""

    top: Path
    subfolder: str
    digest: str
    is_whole: bool

    @property
    def folder(self) -> Path:
        """Where the project itself stands."""
        return self.top / self.subfolder

    @property
    def looks_native(self) -> bool:
        """True when there is something that a compiler would be called for."""
        return any(
            (path.suffix.lower() in _NATIVE_SUFFIXES or path.name in _NATIVE_NAMES)
            and _NOT_BUILT.isdisjoint(path.relative_to(self.folder).parts)
            for path in source_files(self.folder)
        )


def fetch_source(source: Source, store: WheelStore, scratch: Path, progress: Progress) -> SourceTree:
    """Brings a source here; what is unpacked or cloned goes into `scratch`. Raises `BuildFailed`."""
    if source.kind == "repository":
        top = _clone(source, scratch / "repository", progress)
        digest = f"{without_secrets(source.location)}@{source.commit}"
    elif source.kind == "folder":
        top = Path(source.location)
        if not top.is_dir():
            raise BuildFailed(f"{source.label}: {top} is not a folder")
        digest = tree_digest(top)
    else:
        if not source.sha256:
            raise BuildFailed(
                f"{source.label}: its sdist comes without a SHA-256, so it cannot be verified",
                hint="use an index that publishes hashes, or give the sdist as a file",
            )
        filename = unquote(urlsplit(source.location).path.replace("\\", "/").rpartition("/")[2])
        file = ResolvedWheel(source.name, source.version or "", filename, source.location, source.sha256)
        top = _unpack(store.fetch([file], progress)[0], scratch / "sdist", source)
        digest = source.sha256
    subfolder = source.subfolder or ""
    if not (top / subfolder).is_dir():
        raise BuildFailed(f"{source.label}: has no folder {subfolder}")
    digest = hashlib.sha256(f"{digest} {subfolder}".encode()).hexdigest()
    return SourceTree(top, subfolder, digest, is_whole=source.kind != "folder")


def source_files(folder: Path) -> Iterator[Path]:
    """Yields the files of a source in order, without what working in the folder leaves there."""
    for _, files in source_folders(folder):
        yield from files


def source_folders(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yields the folders of a source, each with its files."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _MADE and not name.startswith(".") and not name.endswith(".egg-info")
        )
        yield Path(place), [Path(place, name) for name in sorted(names)]


def tree_digest(folder: Path) -> str:
    """Returns a digest of the names, contents and executable bits of a source's files."""
    digest = hashlib.sha256()
    for path in source_files(folder):
        try:
            executable = path.stat().st_mode & 0o100
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            if path.is_symlink():
                executable, content = 0, str(path.readlink())
            else:
                raise BuildFailed(f"{path}: cannot be read: {error.strerror or error}") from error
        digest.update(f"{path.relative_to(folder).as_posix()}\0{executable:o}\0{content}\n".encode())
    return digest.hexdigest()


def _unpack(file: Path, target: Path, source: Source) -> Path:
    """Unpacks an sdist; returns the one folder in it."""
    import tarfile
    import zipfile

    target.mkdir()
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                archive.extractall(target)  # drops `..` and absolute paths
        else:
            with tarfile.open(file) as archive:
                archive.extractall(target, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise BuildFailed(f"{source.label}: {file.name} cannot be unpacked: {error}") from error
    folders = [path for path in target.iterdir() if path.is_dir()]
    return folders[0] if len(folders) == 1 else target


def _clone(source: Source, target: Path, progress: Progress) -> Path:
    """Checks a repository out at its commit, with tags and submodules: some projects take their version from them."""
    progress(f"cloning {source.label}")
    # No question on a terminal that nobody looks at: credentials are those that git has.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    commands = [
        ["git", "clone", "--quiet", "--no-checkout", source.location, str(target)],
        ["git", "-C", str(target), "checkout", "--quiet", "--detach", source.commit or "HEAD"],
        ["git", "-C", str(target), "submodule", "--quiet", "update", "--init", "--recursive"],
    ]
    for command in commands:
        try:
            run = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
        except FileNotFoundError as error:
            raise MissingRequirement(f"{source.label}: git is not installed", hint="install git") from error
        if run.returncode != 0:
            reason = " ".join(run.stderr.split()) or f"exit status {run.returncode}"
            raise BuildFailed(f"{source.label}: git {command[1] if len(command) == 6 else command[3]}: {reason}")
    return target
