"""`lambdapack diff` on artifacts that differ in one known way each."""

from __future__ import annotations

import json
import stat
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.render.diff_format import diff_schema
from tests.golden.conftest import Lambdapack
from tests.recipes import Native, Need, compile_native

FILES: dict[str, str | bytes] = {
    "handler.py": "def lambda_handler(event, context): pass\n",
    "data/a.txt": "a" * 100,
    "run.sh": "#!/bin/sh\n",
}


def write(
    path: Path,
    files: Mapping[str, str | bytes],
    *,
    modes: Mapping[str, int] | None = None,
    order: Sequence[str] | None = None,
    date: tuple[int, int, int, int, int, int] = (1980, 1, 1, 0, 0, 0),
    method: int = zipfile.ZIP_DEFLATED,
) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in order or sorted(files):
            info = zipfile.ZipInfo(name, date)
            info.external_attr = (stat.S_IFREG | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(info, files[name], method)
    return path


def distribution(name: str, version: str, tag: str = "py3-none-any", content: str = "") -> dict[str, str | bytes]:
    info = f"{name}-{version}.dist-info"
    files: dict[str, str | bytes] = {
        f"{name}.py": f"version = {version!r}\n{content}",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n",
    }
    return {**files, f"{info}/RECORD": "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return write(tmp_path / "before.zip", FILES)


@pytest.fixture
def difference(lambdapack: Lambdapack) -> Any:
    """Runs it as a program would; the status has to fit."""

    def run(before: Path, after: Path) -> Any:
        run = lambdapack("diff", before, after, "--format=json")
        data = json.loads(run.out)
        jsonschema.validate(data, diff_schema())
        assert run.status == (0 if data["same"] else 1)
        return data

    return run


def test_the_same_bytes(difference: Any, before: Path, tmp_path: Path) -> None:
    data = difference(before, write(tmp_path / "after.zip", FILES))
    assert data["same"]
    assert not any(data[key] for key in ("distributions", "files", "native", "form", "unread"))


def test_a_folder_with_the_same_files(difference: Any, before: Path, tmp_path: Path) -> None:
    for name, content in FILES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
        path.chmod(0o644)
    data = difference(before, tmp_path / "folder")
    assert (data["same"], data["after"]["sha256"]) == (True, None)
    (tmp_path / "folder" / "run.sh").chmod(0o755)
    data = difference(before, tmp_path / "folder")
    assert [(item["path"], item["aspects"], item["after"]["mode"]) for item in data["files"]] == [
        ("run.sh", ["mode"], "0755")
    ]


@pytest.mark.parametrize(
    ("how", "aspect"),
    [
        ({"order": sorted(FILES, reverse=True)}, "order"),
        ({"date": (2024, 1, 1, 0, 0, 0)}, "dates"),
        ({"method": zipfile.ZIP_STORED}, "compression"),
    ],
)
def test_the_same_files_written_differently(
    difference: Any, before: Path, tmp_path: Path, how: dict[str, Any], aspect: str
) -> None:
    data = difference(before, write(tmp_path / "after.zip", FILES, **how))
    assert not data["same"]
    assert not data["files"]
    assert [item["aspect"] for item in data["form"]] == [aspect]


def test_files(difference: Any, before: Path, tmp_path: Path, lambdapack: Lambdapack) -> None:
    files = {name: content for name, content in FILES.items() if name != "run.sh"}
    after = write(tmp_path / "after.zip", {**files, "data/a.txt": "b" * 100, "new.py": ""}, modes={"handler.py": 0o600})
    data = difference(before, after)
    found = {item["path"]: (item["change"], item["aspects"]) for item in data["files"]}
    assert found == {
        "data/a.txt": ("changed", ["content"]),
        "handler.py": ("changed", ["mode"]),
        "new.py": ("added", []),
        "run.sh": ("removed", []),
    }
    text = lambdapack("diff", before, after).out
    assert "mode 0644 → 0600" in text
    assert "1 added, 1 removed, 2 changed" in text


@pytest.mark.parametrize(
    ("other", "change"),
    [
        (distribution("thing", "1.10"), "upgraded"),
        (distribution("thing", "1.1"), "downgraded"),
        (distribution("thing", "1.9", tag="cp313-cp313-manylinux_2_17_aarch64"), "rebuilt"),
        (distribution("thing", "1.9", content="# patched\n"), "changed"),
        ({}, "removed"),
    ],
)
def test_distributions(difference: Any, tmp_path: Path, other: dict[str, str | bytes], change: str) -> None:
    one = write(tmp_path / "one.zip", {**FILES, **distribution("thing", "1.9"), **distribution("same", "1")})
    two = write(tmp_path / "two.zip", {**FILES, **other, **distribution("same", "1")})
    data = difference(one, two)
    assert [(item["name"], item["change"]) for item in data["distributions"]] == [("thing", change)]
    assert {item["distribution"] for item in data["files"]} == {"thing"}
    back = difference(two, one)["distributions"][0]["change"]
    assert back == {"upgraded": "downgraded", "downgraded": "upgraded", "removed": "added"}.get(change, change)


def test_what_native_code_needs(difference: Any, tmp_path: Path) -> None:
    path = "native.cpython-313-x86_64-linux-gnu.so"
    old = Native(path, "x86_64-linux-gnu.2.17", calls=("malloc",))
    new = Native(path, "x86_64-linux-gnu.2.38", calls=("strlcpy",), needs=(Need("libpq.so.5", {"": ("PQexec",)}),))
    arm = Native(path, "aarch64-linux-gnu.2.17", calls=("malloc",))
    zips = [write(tmp_path / f"{n}.zip", {path: compile_native(item)}) for n, item in enumerate((old, new, arm))]
    [native] = difference(zips[0], zips[1])["native"]
    assert native["machine"] == {"before": "x86_64", "after": "x86_64"}
    assert native["needed"] == {"added": ["libpq.so.5"], "removed": []}
    assert "libc.so.6 GLIBC_2.38" in native["versions"]["added"]
    [native] = difference(zips[0], zips[2])["native"]
    assert native["machine"] == {"before": "x86_64", "after": "aarch64"}


def test_an_image(difference: Any, before: Path, tmp_path: Path) -> None:
    images = []
    for number, content in enumerate(("one", "two")):
        layer = BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            info = tarfile.TarInfo("var/task/handler.py")
            info.size = len(content)
            tar.addfile(info, BytesIO(content.encode()))
        parts = {
            "manifest.json": json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": ["layer.tar"]}]),
            "config.json": json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:0"]}}),
        }
        images.append(tmp_path / f"{number}.tar")
        with tarfile.open(images[-1], "w") as tar:
            for name, data in (
                {name: text.encode() for name, text in parts.items()} | {"layer.tar": layer.getvalue()}
            ).items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, BytesIO(data))
    data = difference(images[0], images[1])
    assert [(item["path"], item["aspects"]) for item in data["files"]] == [("var/task/handler.py", ["content"])]


def test_unreadable(lambdapack: Lambdapack, before: Path, tmp_path: Path) -> None:
    run = lambdapack("diff", before, tmp_path / "nowhere.zip")
    assert (run.status, run.out) == (3, "")
    assert run.err.count("\n") == 1
