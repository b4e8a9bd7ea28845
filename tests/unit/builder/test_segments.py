"""Splicing: what a wheel brings deflated is copied, and what is kept of it is never trusted unread."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from wheel.wheelfile import WheelFile  # type: ignore[import-untyped]  # ships no types

from lambdapack.builder import BuildResult, ResolvedWheel, WheelStore, build
from lambdapack.builder.archive import STORED, read_directory
from lambdapack.errors import BuildFailed
from tests.unit.builder.makers import as_resolved, make_plan, make_profile, make_wheel

TEXT = b"the same words again and again; " * 500


def odd_wheel(folder: Path, name: str = "odd") -> ResolvedWheel:
    """A wheel with members stored, deflated at level 9, in bzip2, with extra fields and data descriptors."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with WheelFile(path, "w") as wheel:
        for member, method in (
            (f"{name}/s.txt", ZIP_STORED),
            (f"{name}/d.txt", ZIP_DEFLATED),
            (f"{name}/b.txt", ZIP_BZIP2),
        ):
            entry = ZipInfo(member, (2024, 2, 3, 4, 5, 6))
            entry.compress_type = method
            entry.external_attr = 0o100664 << 16
            entry.extra = b"UT\x05\x00\x01\x00\x00\x00\x00"
            wheel.writestr(entry, TEXT)
        wheel.writestr(f"{name}/é.txt", "umlaut")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    return as_resolved(path)


def read(result: BuildResult) -> dict[str, bytes]:
    with ZipFile(result.output) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def segments(store: WheelStore) -> list[Path]:
    return sorted(store.root.rglob("installed-*.zip"))


def test_members_are_copied_as_they_are_compressed(tmp_path: Path, store: WheelStore) -> None:
    wheel = odd_wheel(tmp_path)
    result = build(make_plan(tmp_path / "o.zip", wheel), store=store)
    with ZipFile(wheel.location) as before, ZipFile(result.output) as after:
        for name in ("odd/s.txt", "odd/d.txt", "odd/é.txt", "odd-1.0.dist-info/RECORD"):
            one, two = before.getinfo(name), after.getinfo(name)
            assert (one.compress_type, one.compress_size) == (two.compress_type, two.compress_size)
            assert before.read(name) == after.read(name)
        # Lambda does not take bzip2.
        assert after.getinfo("odd/b.txt").compress_type == ZIP_DEFLATED
        assert after.read("odd/b.txt") == TEXT
        assert {entry.extra for entry in after.infolist()} == {b""}
        assert {entry.external_attr >> 16 for entry in after.infolist()} == {0o100644}


def test_the_second_build_needs_no_wheel_and_gives_the_same_bytes(tmp_path: Path, store: WheelStore) -> None:
    wheels = (make_wheel(tmp_path / "in", "one"), odd_wheel(tmp_path / "in"))
    own = tmp_path / "own.py"
    own.write_bytes(TEXT)
    plan = make_plan(tmp_path / "o.zip", *wheels, files={"handler.py": own, "o/own.py": own})
    first = build(plan, store=store)
    for wheel in wheels:
        Path(wheel.location).unlink()
        store.path_of(wheel).unlink()
    assert build(plan, store=store).sha256 == first.sha256
    assert read(first)["o/own.py"] == TEXT


@pytest.mark.parametrize("what", ["cut", "changed", "no description", "no json"])
def test_a_damaged_segment_is_made_anew(tmp_path: Path, store: WheelStore, what: str) -> None:
    plan = make_plan(tmp_path / "o.zip", odd_wheel(tmp_path))
    first = build(plan, store=store)
    (segment,) = segments(store)
    whole = segment.read_bytes()
    described = segment.with_suffix(".json")
    match what:
        case "cut":
            segment.write_bytes(whole[:-30])
        case "changed":
            segment.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
        case "no description":
            described.unlink()
        case "no json":
            described.write_text("{")
    assert build(plan, store=store).sha256 == first.sha256
    assert segment.read_bytes() == whole


def test_a_member_that_is_not_what_record_says_stops_the_build_and_leaves_no_segment(
    tmp_path: Path, store: WheelStore
) -> None:
    good = make_wheel(tmp_path, files={"tiny.py": "x = 1\n"})
    changed = tmp_path / "changed" / Path(good.location).name
    changed.parent.mkdir()
    with ZipFile(good.location) as source, ZipFile(changed, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, b"x = 2\n" if entry.filename == "tiny.py" else source.read(entry))
    with pytest.raises(BuildFailed, match="tiny"):
        build(make_plan(tmp_path / "o.zip", as_resolved(changed)), store=store)
    assert segments(store) == []


def test_a_segment_is_for_one_date_and_one_python(
    tmp_path: Path, store: WheelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path, files={"tiny-1.0.data/scripts/run": "#!python\n"})
    contents = []
    for python, date in (((3, 13), ""), ((3, 12), ""), ((3, 13), "1700000000"), ((3, 13), "")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
        result = build(make_plan(tmp_path / "o.zip", wheel, profile=make_profile(python)), store=store)
        with ZipFile(result.output) as archive:
            contents.append((archive.read("bin/run"), archive.getinfo("bin/run").date_time[0]))
    assert contents == [
        (b"#!/var/lang/bin/python3.13\n", 1980),
        (b"#!/var/lang/bin/python3.12\n", 1980),
        (b"#!/var/lang/bin/python3.13\n", 2023),
        (b"#!/var/lang/bin/python3.13\n", 1980),
    ]
    assert len(segments(store)) == 3


def test_headers_and_excluded_files_are_told_again_by_a_second_build(tmp_path: Path, store: WheelStore) -> None:
    wheel = make_wheel(tmp_path, files={"tiny/a.py": "", "tiny/b.pyi": "", "tiny-1.0.data/headers/t.h": ""})
    plan = make_plan(tmp_path / "o.zip", wheel, exclude=("*.pyi",))
    first, second = build(plan, store=store), build(plan, store=store)
    assert first.left_out == second.left_out
    assert {(item.path, item.by_user) for item in second.left_out} == {
        ("tiny/b.pyi", True),
        ("tiny-1.0.data/headers/t.h", False),
    }
    assert "tiny/b.pyi" not in read(second)


def test_wheels_that_share_a_file_may_when_it_is_the_same(tmp_path: Path, store: WheelStore) -> None:
    one = make_wheel(tmp_path, "one", files={"shared/a.txt": TEXT})
    two = make_wheel(tmp_path, "two", files={"shared/a.txt": TEXT})
    other = make_wheel(tmp_path, "other", files={"shared/a.txt": TEXT[:-1] + b"!"})
    for _ in range(2):
        assert read(build(make_plan(tmp_path / "o.zip", one, two), store=store))["shared/a.txt"] == TEXT
        with pytest.raises(BuildFailed, match=r"shared/a\.txt"):
            build(make_plan(tmp_path / "o.zip", one, other), store=store)


def test_without_the_kernel_copying_the_bytes_are_the_same(
    tmp_path: Path, store: WheelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(tmp_path / "o.zip", odd_wheel(tmp_path))
    expected = build(plan, store=store).sha256
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    assert build(plan, store=store).sha256 == expected


def test_the_directory_of_a_segment_tells_what_zipfile_tells(tmp_path: Path, store: WheelStore) -> None:
    build(make_plan(tmp_path / "o.zip", odd_wheel(tmp_path)), store=store)
    (segment,) = segments(store)
    with ZipFile(segment) as archive:
        expected = [
            (
                e.filename,
                e.external_attr >> 16 & 0o777,
                e.file_size,
                e.compress_size,
                e.CRC,
                e.compress_type,
                e.header_offset,
            )
            for e in archive.infolist()
        ]
    found = list(read_directory(segment))
    assert [(m.path, m.mode, m.size, m.compressed, m.crc, m.method, m.offset) for m in found] == expected
    assert STORED in {member.method for member in found}
    segment.write_bytes(b"PK")
    with pytest.raises(ValueError, match="cut short"):
        list(read_directory(segment))
