"""Every form that a real tool gives a ZIP: the same files come out of each of them."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipapp
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.artifact import open_tree

FILES = {
    "handler.py": b"def handler(event, context): ...\n" * 50,
    "data/blob.bin": bytes(range(256)) * 4000,
    "data/empty.txt": b"",
}


class _Pipe(io.RawIOBase):
    """A stream that cannot seek, as standard output is when it leads into a pipe."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._file.write(data)  # type: ignore[arg-type]  # any buffer

    def close(self) -> None:
        self._file.close()
        super().close()


def plain(path: Path, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)


def stored(path: Path) -> None:
    plain(path, zipfile.ZIP_STORED)


def zip64(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)


def zip64_directory(path: Path) -> None:
    """More members than 16 bits can count."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
        for number in range(66_000):
            archive.writestr(f"many/{number}", b"")


def data_descriptors(path: Path, method: int = zipfile.ZIP_DEFLATED) -> None:
    with _Pipe(path) as pipe, zipfile.ZipFile(pipe, "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)


def stored_with_data_descriptors(path: Path) -> None:
    data_descriptors(path, zipfile.ZIP_STORED)


def zip64_with_data_descriptors(path: Path) -> None:
    with _Pipe(path) as pipe, zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)


def with_stub(path: Path) -> None:
    """Another program's bytes before the archive, whose offsets know nothing of them."""
    plain(path)
    path.write_bytes(b"\x7fELF" + b"stub" * 5000 + path.read_bytes())


def zip64_with_stub(path: Path) -> None:
    zip64_directory(path)
    path.write_bytes(b"MZ" + b"stub" * 5000 + path.read_bytes())


def appended_to_a_stub(path: Path) -> None:
    """The offsets count from the stub's beginning, as self-extracting archives are written."""
    path.write_bytes(b"#!/bin/sh\nexit 0\n" * 100)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)


def python_application(path: Path) -> None:
    folder = path.with_suffix(".source")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    zipapp.create_archive(folder, path, interpreter="/usr/bin/env python3", main="handler:handler", compressed=True)


def info_zip(path: Path) -> None:
    """Info-ZIP, into a pipe."""
    if shutil.which("zip") is None:
        pytest.skip("needs Info-ZIP: apt-get install zip")
    folder = path.with_suffix(".source")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    made = subprocess.run(["zip", "-q", "-r", "-", "."], cwd=folder, stdout=subprocess.PIPE, check=True)
    path.write_bytes(made.stdout)


FORMS: list[Callable[[Path], None]] = [
    plain,
    stored,
    zip64,
    data_descriptors,
    stored_with_data_descriptors,
    zip64_with_data_descriptors,
    with_stub,
    zip64_with_stub,
    appended_to_a_stub,
    python_application,
    info_zip,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_same_files_come_out(tmp_path: Path, form: Callable[[Path], None]) -> None:
    path = tmp_path / "function.zip"
    form(path)
    with open_tree(path) as tree:
        assert {name: tree.read_bytes(tree.by_path[name]) for name in FILES} == FILES
        assert {name: tree.by_path[name].size for name in FILES} == {name: len(data) for name, data in FILES.items()}
        assert not tree.problems
    with open_tree(path) as unread:
        assert list(unread.damaged()) == []
