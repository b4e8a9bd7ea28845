"""What of a wheel goes where, and which wheels are refused."""

from __future__ import annotations

import base64
import csv
import hashlib
from contextlib import ExitStack
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from lambdapack.builder.archive import EXECUTABLE, PLAIN
from lambdapack.builder.installed import InstalledWheel
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.wheels import HEADERS_RULE, open_wheel
from lambdapack.errors import BuildFailed
from lambdapack.profiles.profile import RuntimeProfile
from tests.unit.builder.makers import as_resolved, make_plan, make_profile, make_wheel

DATA = "tiny-1.0.data"
INFO = "tiny-1.0.dist-info"


def read_all(wheel: ResolvedWheel, profile: RuntimeProfile | None = None) -> tuple[InstalledWheel, dict[str, bytes]]:
    with ExitStack() as stack:
        plan = make_plan(Path("out.zip"), wheel, profile=profile)
        installed = open_wheel(wheel, Path(wheel.location), plan, stack)
        contents = {}
        for piece in installed.pieces:
            with piece.open() as stream:
                contents[piece.path] = stream.read()
            assert len(contents[piece.path]) == piece.size
        return installed, contents


def digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def record_of(contents: dict[str, bytes]) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in csv.reader(contents[f"{INFO}/RECORD"].decode().splitlines())}


class TestLayout:
    def test_data_goes_where_an_installer_puts_it_and_record_says_so(self, tmp_path: Path) -> None:
        wheel = make_wheel(
            tmp_path,
            files={
                "tiny/__init__.py": "",
                f"{DATA}/purelib/pure.py": "pure",
                f"{DATA}/platlib/tiny/native.so": b"\x7fELF",
                f"{DATA}/scripts/run": "#!python -s\nprint(1)\n",
                f"{DATA}/scripts/shell": "#!/bin/sh\n",
                f"{DATA}/data/share/a,b.txt": "data",
                f"{DATA}/headers/tiny.h": "int x;",
            },
        )
        installed, contents = read_all(wheel)
        assert set(contents) == {
            "tiny/__init__.py",
            "pure.py",
            "tiny/native.so",
            "bin/run",
            "bin/shell",
            "share/a,b.txt",
            f"{INFO}/METADATA",
            f"{INFO}/WHEEL",
            f"{INFO}/RECORD",
        }
        assert contents["bin/run"] == b"#!/var/lang/bin/python3.13\nprint(1)\n"
        assert contents["bin/shell"] == b"#!/bin/sh\n"
        modes = {piece.path: piece.mode for piece in installed.pieces}
        assert modes.pop("bin/run") == modes.pop("bin/shell") == EXECUTABLE
        assert set(modes.values()) == {PLAIN}
        assert [(item.path, item.pattern) for item in installed.left_out] == [(f"{DATA}/headers/tiny.h", HEADERS_RULE)]
        record = record_of(contents)
        assert record.pop(f"{INFO}/RECORD") == ["", ""]
        assert record == {
            path: [digest(content), str(len(content))] for path, content in contents.items() if path != f"{INFO}/RECORD"
        }

    def test_without_data_record_is_kept_byte_for_byte(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path)
        _, contents = read_all(wheel)
        with ZipFile(wheel.location) as archive:
            assert contents[f"{INFO}/RECORD"] == archive.read(f"{INFO}/RECORD")

    def test_executable_in_the_wheel_is_executable(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path, files={"tool": "x", "plain": "y"}, executable=frozenset({"tool"}))
        installed, _ = read_all(wheel)
        modes = {piece.path: piece.mode for piece in installed.pieces}
        assert (modes["tool"], modes["plain"]) == (EXECUTABLE, PLAIN)


class TestTags:
    @pytest.mark.parametrize(
        "tag",
        [
            "cp311-cp311-manylinux_2_17_x86_64",
            "cp313-cp313-manylinux_2_17_aarch64",
            "cp313-cp313-manylinux_2_35_x86_64",
            "cp313-cp313-musllinux_1_2_x86_64",
            "cp313-cp313-linux_x86_64",
            "cp314-abi3-manylinux_2_17_x86_64",
            "py2-none-any",
        ],
    )
    def test_a_wheel_that_does_not_fit_is_refused(self, tmp_path: Path, tag: str) -> None:
        with pytest.raises(BuildFailed) as caught:
            read_all(make_wheel(tmp_path, tag=tag))
        assert tag in str(caught.value)

    @pytest.mark.parametrize(
        "tag",
        [
            "cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "cp37-abi3-manylinux_2_28_x86_64",
            "cp313-none-manylinux_2_34_x86_64",
            "py2.py3-none-any",
        ],
    )
    def test_a_wheel_that_fits_is_taken(self, tmp_path: Path, tag: str) -> None:
        assert "tiny.py" in read_all(make_wheel(tmp_path, tag=tag))[1]

    def test_a_renamed_wheel_is_refused_by_what_it_says_itself(self, tmp_path: Path) -> None:
        name = "cp313-cp313-manylinux_2_17_x86_64"
        inside = "cp311-cp311-manylinux_2_17_x86_64"
        with pytest.raises(BuildFailed, match=inside):
            read_all(make_wheel(tmp_path, tag=name, tag_inside=inside))
        assert read_all(make_wheel(tmp_path / "unrepaired", tag=name, tag_inside="cp313-cp313-linux_x86_64"))

    def test_the_architecture_decides(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path, tag="cp313-cp313-manylinux_2_17_aarch64")
        assert "tiny.py" in read_all(wheel, make_profile(architecture="arm64"))[1]


class TestDamage:
    @pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "C:/evil.py", "a\\evil.py", "a//b"])
    def test_unsafe_names_are_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(BuildFailed) as caught:
            read_all(make_wheel(tmp_path, files={name: "x"}))
        assert repr(name) in str(caught.value)

    def test_a_data_folder_does_not_lead_outside(self, tmp_path: Path) -> None:
        with pytest.raises(BuildFailed, match="unsafe"):
            read_all(make_wheel(tmp_path, files={f"{DATA}/data/../../evil": "x"}))

    def test_an_unknown_kind_of_data_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BuildFailed, match=f"{DATA}/stdlib/x"):
            read_all(make_wheel(tmp_path, files={f"{DATA}/stdlib/x": "x"}))

    def test_a_member_that_record_does_not_list_is_refused(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path)
        with ZipFile(wheel.location, "a") as archive:
            archive.writestr("smuggled.py", "x")
        with pytest.raises(BuildFailed, match=r"smuggled\.py"):
            read_all(wheel)

    def test_a_member_that_differs_from_record_is_refused(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path)
        changed = tmp_path / "changed" / wheel.filename
        changed.parent.mkdir()
        with ZipFile(wheel.location) as old, ZipFile(changed, "w") as new:
            for entry in old.infolist():
                content = old.read(entry)
                new.writestr(entry, content.replace(b"tiny", b"evil") if entry.filename == "tiny.py" else content)
        with pytest.raises(BuildFailed, match=r"tiny\.py"):
            read_all(as_resolved(changed))

    def test_a_symbolic_link_is_refused(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path)
        link = ZipInfo("link")
        link.external_attr = 0o120777 << 16
        with ZipFile(wheel.location, "a") as archive:
            archive.writestr(link, "/etc/passwd")
        with pytest.raises(BuildFailed, match="link"):
            read_all(wheel)

    def test_what_is_no_zip_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "tiny-1.0-py3-none-any.whl"
        path.write_bytes(b"not a wheel")
        with pytest.raises(BuildFailed, match=r"tiny 1\.0"):
            read_all(as_resolved(path))
