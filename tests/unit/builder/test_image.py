"""Container images: layers, configuration, one manifest, the same bytes; read back by this program's own reader."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.artifact import ImageTree, open_tree
from lambdapack.builder import BuildResult, WheelStore, build, plan_build
from lambdapack.builder.sidecar import sidecar_schema
from lambdapack.errors import MissingRequirement, UsageError
from lambdapack.settings import Packing
from tests.recipes.archive import Member
from tests.recipes.image import Image, tar, write_image
from tests.unit.builder.makers import make_function, make_profile, make_wheel

PLATFORMS = ("linux/arm64",)


@pytest.fixture
def base(tmp_path: Path) -> str:
    layer = tar([Member("var/lang/bin/python3.13", b"", 0o755), Member("var/task/", b"")])
    write_image(tmp_path / "base", Image([layer], index=True, platforms=PLATFORMS, attestations=1), "oci")
    return f"oci:{tmp_path / 'base'}"


def build_image(folder: Path, store: WheelStore, base: str, *, image: str | None = None) -> BuildResult:
    folder.mkdir(exist_ok=True)
    function = make_function(
        folder,
        package="image",
        output=folder / "dist" / "thing.tar",
        requirement_list=("dep",),
        packing=Packing(image=image, base=base),
    )
    (function.source[0] / "handler.py").write_text("import dep\n")
    (function.source[0] / "run.sh").write_text("#!/bin/sh\n")
    return build(plan_build(function, make_profile(), store), store=store)


def read_json(path: Path, name: str) -> Any:
    with tarfile.open(path) as archive:
        content = archive.extractfile(name)
        assert content is not None
        return json.load(content)


def blob(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def test_the_image_is_what_was_built(tmp_path: Path, store: WheelStore, links: Path, base: str) -> None:
    make_wheel(links, "dep", files={"dep/__init__.py": "x = 1\n" * 900_000, "dep/é.txt": "é"})
    result = build_image(tmp_path / "one", store, base)
    assert result.image is not None
    with open_tree(result.output) as tree:
        assert isinstance(tree, ImageTree)
        assert tree.config.command == ("handler.lambda_handler",)
        assert tree.config.entrypoint == ("/lambda-entrypoint.sh",)
        assert (tree.config.index, tree.config.attestations) == (None, 0)
        assert f"sha256:{tree.config.digest}" == result.image.identifier
        assert not tree.problems
        assert tree.read_bytes(tree.by_path["var/task/dep/__init__.py"]) == b"x = 1\n" * 900_000
        origins = {path: tree.by_path[path].origin[-1] for path in ("var/task/handler.py", "var/task/dep/é.txt")}
        assert origins == {"var/task/dep/é.txt": "2", "var/task/handler.py": "3"}
        assert tree.by_path["var/task/run.sh"].permissions == 0o755
        assert tree.by_path["var/task/handler.py"].permissions == 0o644
        assert tree.by_path["var/task/dep"].permissions == 0o755


def test_the_sidecar_says_what_it_is_and_stands_on(tmp_path: Path, store: WheelStore, links: Path, base: str) -> None:
    make_wheel(links, "dep")
    result = build_image(tmp_path / "one", store, base)
    assert result.image is not None
    sidecar = json.loads((tmp_path / "one" / "dist" / "thing.lambdapack.json").read_text())
    jsonschema.validate(sidecar, sidecar_schema())
    assert sidecar["image"] == asdict(result.image)
    assert sidecar["artifact"]["code_sha256"] is None
    assert sidecar["image"]["base"] == base


def test_the_same_bytes_twice_and_code_in_a_layer_of_its_own(
    tmp_path: Path, store: WheelStore, links: Path, base: str
) -> None:
    make_wheel(links, "dep")
    first, second = (build_image(tmp_path / name, store, base) for name in ("one", "two"))
    assert first.output.read_bytes() == second.output.read_bytes()
    (tmp_path / "two" / "source" / "more.py").write_text("")
    third = build_image(tmp_path / "two", store, base)
    layers = []
    for result in (first, third):
        assert result.image is not None
        (entry,) = read_json(result.output, "index.json")["manifests"]
        assert entry["digest"] == result.image.digest
        manifest = read_json(result.output, blob(entry["digest"]))
        config = read_json(result.output, blob(manifest["config"]["digest"]))
        assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 3
        layers.append([layer["digest"] for layer in manifest["layers"]])
        (listed,) = read_json(result.output, "manifest.json")
        assert listed["RepoTags"] == ["thing:latest"]
        assert listed["Layers"] == [blob(digest) for digest in layers[-1]]
    assert layers[0][:2] == layers[1][:2]
    assert layers[0][2] != layers[1][2]


def test_every_blob_has_its_digest(tmp_path: Path, store: WheelStore, links: Path, base: str) -> None:
    make_wheel(links, "dep")
    result = build_image(tmp_path / "one", store, base, image="localhost:5000/team/thing")
    with tarfile.open(result.output) as archive:
        members = archive.getmembers()
        for member in members:
            if member.name.startswith("blobs/"):
                content = archive.extractfile(member)
                assert content is not None
                assert hashlib.sha256(content.read()).hexdigest() == member.name.rpartition("/")[2]
        assert {(member.mtime, member.uid, member.uname) for member in members} == {(315532800, 0, "")}
    assert read_json(result.output, "manifest.json")[0]["RepoTags"] == ["localhost:5000/team/thing:latest"]


def test_what_cannot_be_built_on(tmp_path: Path, store: WheelStore, links: Path, base: str) -> None:
    make_wheel(links, "dep")
    with pytest.raises(UsageError, match="OCI layout"):
        build_image(tmp_path / "one", store, f"oci:{tmp_path / 'nothing'}")
    write_image(tmp_path / "arm", Image([tar([])], architecture="arm64"), "oci")
    with pytest.raises(MissingRequirement, match="arm64"):
        build_image(tmp_path / "one", store, f"oci:{tmp_path / 'arm'}")
    with pytest.raises(UsageError, match="digest"):
        build_image(tmp_path / "one", store, base, image=f"team/thing@sha256:{'0' * 64}")


def test_what_no_build_has_made_stays(tmp_path: Path, store: WheelStore, links: Path, base: str) -> None:
    make_wheel(links, "dep")
    (tmp_path / "one" / "dist").mkdir(parents=True)
    (tmp_path / "one" / "dist" / "thing.tar").write_bytes(tar([Member("diary.txt", b"")]))
    with pytest.raises(UsageError, match="not replaced"):
        build_image(tmp_path / "one", store, base)
