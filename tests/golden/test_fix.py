"""`lambdapack fix` on artifacts that are broken in one known way each, made of wheels served from a folder."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.render.diff_format import diff_schema
from lambdapack.render.fix_format import fix_schema
from lambdapack.render.json_format import schema
from tests.golden.conftest import Lambdapack
from tests.recipes import Native, compile_native
from tests.unit.builder.makers import make_wheel

HANDLER = "import thing\n\n\ndef lambda_handler(event, context): pass\n"
NATIVE = "thing/_native.cpython-313-{}-linux-gnu.so"


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place uv looks for distributions."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name, value in (("UV_OFFLINE", "1"), ("UV_CACHE_DIR", tmp_path / "uv"), ("UV_FIND_LINKS", folder)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("LAMBDAPACK_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def native_wheel(folder: Path, machine: str) -> Path:
    path = NATIVE.format(machine)
    compiled = compile_native(Native(path, f"{machine}-linux-gnu.2.17"))
    files: dict[str, str | bytes] = {"thing/__init__.py": "from thing import _native\n", path: compiled}
    wheel = make_wheel(folder, "thing", files, tag=f"cp313-cp313-manylinux_2_17_{machine}")
    return Path(wheel.location)


def contents(*wheels: Path) -> dict[str, bytes]:
    found = {"handler.py": HANDLER.encode()}
    for path in wheels:
        with zipfile.ZipFile(path) as archive:
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


def pack(path: Path, files: Mapping[str, bytes], modes: Mapping[str, int] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


Fix = Callable[..., dict[str, Any]]


@pytest.fixture
def fix(lambdapack: Lambdapack, tmp_path: Path) -> Fix:
    def run(artifact: Path, *options: str, status: int = 0, output: Path | None = None) -> dict[str, Any]:
        given = ("--runtime=python3.13", "--handler=handler.lambda_handler", "--no-python-downloads", "--format=json")
        run = lambdapack("fix", artifact, "-o", output or tmp_path / "fixed.zip", *given, *options)
        assert run.status == status, run.out + run.err
        data: dict[str, Any] = json.loads(run.out)
        jsonschema.validate(data, fix_schema())
        jsonschema.validate(data["before"], schema())
        if data["after"] is not None:
            jsonschema.validate(data["after"], schema())
            jsonschema.validate(data["diff"], diff_schema())
        return data

    return run


def kinds(data: dict[str, Any]) -> list[str]:
    return [item["kind"] for item in data["repairs"]]


def test_a_wheel_for_another_processor(fix: Fix, links: Path, tmp_path: Path) -> None:
    arm = native_wheel(tmp_path / "elsewhere", "aarch64")
    right = native_wheel(links, "x86_64")
    artifact = pack(tmp_path / "broken.zip", contents(arm))
    before = artifact.read_bytes()
    data = fix(artifact)
    assert data["before"]["verdict"] == "fail"
    assert (data["written"], data["after"]["verdict"], kinds(data)) == (True, "pass", ["replaced"])
    assert [(item["name"], item["change"]) for item in data["diff"]["distributions"]] == [("thing", "rebuilt")]
    with zipfile.ZipFile(tmp_path / "fixed.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents(right)
    assert artifact.read_bytes() == before, "never in place"


def test_in_place_when_told_so(fix: Fix, links: Path, tmp_path: Path) -> None:
    native_wheel(links, "x86_64")
    artifact = pack(tmp_path / "broken.zip", contents(native_wheel(tmp_path / "elsewhere", "aarch64")))
    assert fix(artifact, output=artifact)["written"]
    assert fix(artifact)["repairs"] == []


def test_the_right_wheel_cannot_be_had(fix: Fix, links: Path, tmp_path: Path) -> None:
    artifact = pack(tmp_path / "broken.zip", contents(native_wheel(links, "aarch64")))
    data = fix(artifact, status=1)
    assert (data["written"], data["after"], kinds(data)) == (False, None, [])
    assert [item["what"] for item in data["not_repaired"]] == ["thing 1.0"]
    assert not (tmp_path / "fixed.zip").exists()


def test_lost_modules_come_back(fix: Fix, links: Path, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"thing/__init__.py": "from thing import part\n", "thing/part.py": "A = 1\n"}
    wheel = Path(make_wheel(links, "thing", {**files, "thing/tests/test_part.py": "pass\n"}).location)
    whole = contents(wheel)
    slim = {name: content for name, content in whole.items() if not name.startswith(("thing/part", "thing/tests"))}
    data = fix(pack(tmp_path / "broken.zip", slim))
    assert (kinds(data), data["after"]["verdict"]) == (["restored"], "pass")
    with zipfile.ZipFile(tmp_path / "fixed.zip") as archive:
        assert archive.read("thing/part.py") == b"A = 1\n"
    assert [(item["path"], item["change"]) for item in data["diff"]["files"]] == [("thing/part.py", "added")]


def test_missing_requirements_are_added_within_constraints(fix: Fix, links: Path, tmp_path: Path) -> None:
    thing = make_wheel(links, "thing", {"thing/__init__.py": "import leaf\n"}, requires=("leaf<3",))
    other = make_wheel(links, "other", {"other.py": ""}, requires=("leaf<2",))
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(links, "leaf", {"leaf.py": f"version = {version!r}\n"}, version=version)
    artifact = pack(tmp_path / "broken.zip", contents(Path(thing.location), Path(other.location)))
    data = fix(artifact)
    assert (kinds(data), data["after"]["verdict"]) == (["added"], "pass")
    [added] = data["diff"]["distributions"]
    assert (added["name"], added["change"], added["after"]["versions"]) == ("leaf", "added", ["1.0"])


def test_a_version_that_another_does_not_take(fix: Fix, links: Path, tmp_path: Path) -> None:
    thing = make_wheel(links, "thing", {"thing/__init__.py": "from leaf import B\n"}, requires=("leaf==2.0",))
    old = make_wheel(links, "leaf", {"leaf.py": "A = 1\n", "leaf_old.py": ""}, version="1.0")
    make_wheel(links, "leaf", {"leaf.py": "B = 1\n"}, version="2.0")
    data = fix(pack(tmp_path / "broken.zip", contents(Path(thing.location), Path(old.location))))
    assert (kinds(data), data["after"]["verdict"]) == (["replaced"], "pass")
    with zipfile.ZipFile(tmp_path / "fixed.zip") as archive:
        assert "leaf_old.py" not in archive.namelist()


def test_modes_junk_and_a_folder_too_many(fix: Fix, links: Path, tmp_path: Path) -> None:
    files = {
        "repo-main/handler.py": b"import shared\n\n\ndef lambda_handler(event, context): pass\n",
        "repo-main/shared.py": b"",
        "repo-main/.DS_Store": b"x",
        "__MACOSX/repo-main/._handler.py": b"x",
    }
    data = fix(pack(tmp_path / "broken.zip", files, {"repo-main/shared.py": 0o600}))
    assert sorted(kinds(data)) == ["left out", "left out", "mode", "moved"]
    assert data["after"]["verdict"] == "pass"
    with zipfile.ZipFile(tmp_path / "fixed.zip") as archive:
        assert archive.namelist() == ["handler.py", "shared.py"]
        assert {info.external_attr >> 16 & 0o777 for info in archive.infolist()} == {0o644}


def test_code_is_never_changed(fix: Fix, links: Path, tmp_path: Path) -> None:
    artifact = pack(tmp_path / "broken.zip", {"handler.py": b"import nowhere\n\n\ndef lambda_handler(e, c): pass\n"})
    data = fix(artifact, status=1)
    assert (data["repairs"], data["written"], data["after"]) == ([], False, None)


def test_a_layer(lambdapack: Lambdapack, links: Path, tmp_path: Path) -> None:
    native_wheel(links, "x86_64")
    files = contents(native_wheel(tmp_path / "elsewhere", "aarch64"))
    files.pop("handler.py")
    artifact = pack(tmp_path / "layer.zip", {f"python/{name}": content for name, content in files.items()})
    run = lambdapack("fix", artifact, "-o", tmp_path / "out.zip", "--runtime=python3.13")
    assert run.status == 0, run.out + run.err
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert f"python/{NATIVE.format('x86_64')}" in archive.namelist()
        assert f"python/{NATIVE.format('aarch64')}" not in archive.namelist()


def test_an_output_is_asked_for(lambdapack: Lambdapack, tmp_path: Path) -> None:
    run = lambdapack("fix", pack(tmp_path / "a.zip", {"handler.py": b""}))
    assert run.status == 2
    assert "--output" in run.err
