"""Whatever a member is like, it is read or refused as zipfile alone would do it."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambdapack.artifact.zip_members import ZipMembers

_CONTENT = b"".join(b"line %d of some text\n" % number for number in range(5000))


def _archive(path: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    noise = random.Random(1).randbytes(100_000)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in (("text", _CONTENT), ("noise", noise), ("empty", b""), ("näme", b"x"), ("last", b"yz")):
            archive.writestr(name, content)
    return path


def _outcome(read: object) -> bytes | str:
    assert callable(read)
    try:
        return bytes(read())
    except Exception as error:  # noqa: BLE001 - any refusal is compared
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_content_is_that_of_zipfile_from_several_threads(tmp_path: Path, compression: int) -> None:
    path = _archive(tmp_path / "a.zip", compression)
    with zipfile.ZipFile(path) as archive, ThreadPoolExecutor(4) as pool:
        members = ZipMembers(path, archive)
        infos = archive.infolist() * 20
        assert list(pool.map(members.read, infos)) == [archive.read(info) for info in infos]
        for info in archive.infolist():
            members.verify(info)
        members.close()


@pytest.mark.parametrize("at", ["content", "CRC", "local name", "local magic", "compressed size", "size", "size 0"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damage_is_refused_with_the_words_of_zipfile(tmp_path: Path, at: str, compression: int) -> None:
    path = _archive(tmp_path / "a.zip", compression)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\1\2")  # of the first member, which stands at the beginning
    changes = {
        "content": (5000, b"\xaa\xbb\xcc"),
        "CRC": (directory + 16, b"\0\0\0\0"),
        "local name": (30, b"tixt"),
        "local magic": (0, b"PK\7\7"),
        "compressed size": (directory + 20, struct.pack("<I", 500)),
        "size": (directory + 24, struct.pack("<I", len(_CONTENT) + 7)),
        "size 0": (directory + 24, struct.pack("<I", 0)),
    }
    place, new = changes[at]
    data[place : place + len(new)] = new
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        members = ZipMembers(path, archive)
        info = archive.infolist()[0]
        expected = _outcome(lambda: archive.read(info))
        assert isinstance(expected, str) or len(expected) != info.file_size
        found = _outcome(lambda: members.read(info))
        assert found == expected or (isinstance(expected, bytes) and str(found).startswith("BadZipFile"))
        with pytest.raises((zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error)):
            members.verify(info)
        members.close()
