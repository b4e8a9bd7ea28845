"""Whole builds: the bytes of the ZIP, what stays when one fails, and the runtime client."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from lambdapack.builder import CLIENT, WheelStore, build, fetch_runtime_packages, plan_build
from lambdapack.errors import BuildFailed, UsageError
from tests.unit.builder.makers import make_function, make_plan, make_profile, make_wheel


def names_beside(output: Path) -> list[str]:
    return sorted(path.name for path in output.parent.iterdir()) if output.parent.is_dir() else []


@contextmanager
def umask(value: int) -> Iterator[None]:
    old = os.umask(value)
    try:
        yield
    finally:
        os.umask(old)


class TestBytes:
    def test_the_same_twice_whatever_umask_times_and_order(
        self, tmp_path: Path, store: WheelStore, links: Path
    ) -> None:
        for name in ("one", "two"):
            make_wheel(links, name, files={f"{name}/b.py": "b" * 5000, f"{name}/a.py": "a"})
        digests = []
        for folder, mask, mtime, names in (("first", 0o022, 1, "abc"), ("second", 0o077, 2_000_000_000, "cba")):
            base = tmp_path / folder
            base.mkdir()
            with umask(mask):
                function = make_function(base, requirement_list=("two", "one") if mtime == 1 else ("one", "two"))
                for name in names:
                    path = base / "source" / f"{name}.py"
                    path.write_text(name * 100)
                    os.utime(path, (mtime, mtime))
                result = build(plan_build(function, make_profile(), store), store=store)
            digests.append(result.sha256)
            assert result.sha256 == hashlib.sha256(function.output.read_bytes()).hexdigest()
        assert digests[0] == digests[1]

    def test_entries_are_sorted_regular_files_of_1980(self, tmp_path: Path, store: WheelStore) -> None:
        source = tmp_path / "run.sh"
        source.write_text("#!/bin/sh\n")
        plan = make_plan(tmp_path / "o.zip", make_wheel(tmp_path), files={"z/run.sh": source, "é.py": source})
        result = build(plan, store=store)
        with ZipFile(result.output) as archive:
            entries = archive.infolist()
            assert archive.testzip() is None
        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.create_system for entry in entries} == {3}
        assert {entry.extra for entry in entries} == {b""}
        assert {entry.filename: entry.external_attr >> 16 for entry in entries}["z/run.sh"] == 0o100755
        assert {entry.external_attr >> 16 for entry in entries if entry.filename.endswith("ETADATA")} == {0o100644}
        assert (result.files, result.unzipped_size) == (len(entries), sum(entry.file_size for entry in entries))
        assert result.zipped_size == result.output.stat().st_size

    def test_source_date_epoch(self, tmp_path: Path, store: WheelStore, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = make_plan(tmp_path / "o.zip", make_wheel(tmp_path))
        for value, date in (("1700000000", (2023, 11, 14, 22, 13, 20)), ("5", (1980, 1, 1, 0, 0, 0))):
            monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
            with ZipFile(build(plan, store=store).output) as archive:
                assert {entry.date_time for entry in archive.infolist()} == {date}
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
        with pytest.raises(UsageError):
            build(plan, store=store)


class TestContent:
    def test_shared_code_beside_the_function_and_wheels(self, tmp_path: Path, store: WheelStore, links: Path) -> None:
        make_wheel(links, "dep", files={"dep/__init__.py": "", "dep/native.so": b"\x7fELF"})
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared" / "__init__.py").write_text("")
        function = make_function(
            tmp_path, shared=(tmp_path / "shared",), requirement_list=("dep",), exclude=("*.so", "*.md")
        )
        (function.source[0] / "handler.py").write_text("import shared\n")
        (function.source[0] / "notes.md").write_text("")
        plan = plan_build(function, make_profile(), store)
        assert not function.output.parent.exists()  # a plan touches nothing
        result = build(plan, store=store)
        with ZipFile(result.output) as archive:
            assert set(archive.namelist()) == {
                "handler.py",
                "shared/__init__.py",
                "dep/__init__.py",
                "dep-1.0.dist-info/METADATA",
                "dep-1.0.dist-info/RECORD",
                "dep-1.0.dist-info/WHEEL",
            }
            # What the project took out stays listed, so that an inspection can tell.
            assert b"dep/native.so" in archive.read("dep-1.0.dist-info/RECORD")
        assert [(item.path, item.pattern, item.owner) for item in result.left_out if item.by_user] == [
            ("notes.md", "*.md", str(function.source[0])),
            ("dep/native.so", "*.so", "dep 1.0"),
        ]

    def test_two_wheels_with_one_path(self, tmp_path: Path, store: WheelStore) -> None:
        one = make_wheel(tmp_path, "one", files={"tests/__init__.py": ""})
        two = make_wheel(tmp_path, "two", files={"tests/__init__.py": ""})
        three = make_wheel(tmp_path, "three", files={"tests/__init__.py": "other"})
        assert build(make_plan(tmp_path / "o.zip", one, two), store=store).files == 7
        with pytest.raises(BuildFailed) as caught:
            build(make_plan(tmp_path / "o.zip", one, three), store=store)
        assert all(part in str(caught.value) for part in ("tests/__init__.py", "one 1.0", "three 1.0"))


class TestFailure:
    def test_the_old_artifact_stays_and_nothing_lies_beside_it(self, tmp_path: Path, store: WheelStore) -> None:
        output = tmp_path / "dist" / "o.zip"
        output.parent.mkdir()
        output.write_bytes(b"old")
        good = make_wheel(tmp_path)
        wrong_hash = replace(good, sha256="0" * 64)
        gone = make_plan(output, good, files={"gone.py": tmp_path / "gone.py"})
        for plan in (make_plan(output, wrong_hash), gone):
            with pytest.raises(BuildFailed):
                build(plan, store=store)
            assert names_beside(output) == ["o.zip"]
            assert output.read_bytes() == b"old"

    def test_damage_found_while_writing(self, tmp_path: Path, store: WheelStore) -> None:
        output = tmp_path / "dist" / "o.zip"
        wheel = make_wheel(tmp_path, files={"big.bin": os.urandom(3000)})
        content = bytearray(Path(wheel.location).read_bytes())
        content[200] ^= 0xFF  # within the deflated bytes of the first member
        Path(wheel.location).write_bytes(content)
        broken = replace(wheel, sha256=hashlib.sha256(content).hexdigest())
        with pytest.raises(BuildFailed, match=r"tiny 1\.0"):
            build(make_plan(output, broken), store=store)
        assert names_beside(output) == []

    def test_a_rejected_one_leaves_the_old(self, tmp_path: Path, store: WheelStore) -> None:
        plan = make_plan(tmp_path / "dist" / "o.zip", make_wheel(tmp_path))
        seen: list[bytes] = []

        def reject(path: Path) -> bool:
            assert path != plan.output
            assert path.suffix == ".zip"
            seen.append(path.read_bytes())
            return False

        assert build(plan, store=store, verify=reject).rejected
        assert names_beside(plan.output) == []
        accepted = build(plan, store=store, verify=lambda path: True)
        assert not accepted.rejected
        assert seen == [plan.output.read_bytes()]
        assert build(plan, store=store, verify=reject).rejected
        assert names_beside(plan.output) == ["o.lambdapack.json", "o.zip"]

    def test_a_verification_that_crashes_leaves_the_old(self, tmp_path: Path, store: WheelStore) -> None:
        plan = make_plan(tmp_path / "dist" / "o.zip", make_wheel(tmp_path))

        def crash(_path: Path) -> bool:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build(plan, store=store, verify=crash)
        assert names_beside(plan.output) == []

    def test_an_output_that_cannot_be_written(self, tmp_path: Path, store: WheelStore) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(BuildFailed):
            build(make_plan(tmp_path / "file" / "o.zip", make_wheel(tmp_path)), store=store)
        (tmp_path / "o.zip").mkdir()
        with pytest.raises(BuildFailed):
            build(make_plan(tmp_path / "o.zip", make_wheel(tmp_path)), store=store)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
    def test_the_artifact_is_as_readable_as_any_file(self, tmp_path: Path, store: WheelStore) -> None:
        with umask(0o022):
            result = build(make_plan(tmp_path / "o.zip", make_wheel(tmp_path)), store=store)
        assert result.output.stat().st_mode & 0o777 == 0o644


class TestRuntimeClient:
    @pytest.mark.usefixtures("index")
    def test_once_there_it_needs_no_network(self, store: WheelStore, monkeypatch: pytest.MonkeyPatch) -> None:
        first = fetch_runtime_packages((CLIENT,), make_profile(), store)
        assert first is not None
        assert any(path.name.startswith("awslambdaric-") for path in first)
        monkeypatch.setattr("lambdapack.builder.runtime_packages.find_fitting", None)
        assert fetch_runtime_packages((CLIENT,), make_profile(), store) == first

    def test_without_an_index_there_is_none(self, store: WheelStore, links: Path) -> None:
        assert fetch_runtime_packages((CLIENT,), make_profile(), store) is None


@pytest.mark.usefixtures("index")
def test_a_real_function_for_both_architectures(tmp_path: Path, store: WheelStore) -> None:
    for architecture, machine in (("x86_64", "x86_64"), ("arm64", "aarch64")):
        function = make_function(tmp_path, architecture=architecture, requirement_list=("pydantic==2.12.4",))
        plan = plan_build(function, make_profile(architecture=architecture), store)
        first, second = build(plan, store=store), build(plan, store=store)
        assert first.sha256 == second.sha256
        with ZipFile(first.output) as archive:
            native = [name for name in archive.namelist() if name.endswith(".so")]
        assert native == [f"pydantic_core/_pydantic_core.cpython-313-{machine}-linux-gnu.so"]
