"""The whole program on container images: everything is told by the image itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.golden.conftest import Lambdapack
from tests.recipes.archive import Member
from tests.recipes.image import Image, ImageLayout, tar, write_image
from tests.recipes.native import Native, compile_native

EXTENSION = "fast.cpython-{}-x86_64-linux-gnu.so"
ENVIRONMENT = {
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
}
BASE = tar(
    [
        Member("var/lang/bin/python3.12", b"", 0o755),
        Member("var/lang/bin/python3", b"", 0o777, link="python3.12"),
        Member("var/lang/lib/python3.12/json/__init__.py", b"import nothing_that_is_here"),
        Member("lambda-entrypoint.sh", b"#!/bin/sh\n", 0o755),
        Member("usr/lib64/python3.9/lib-dynload/_bz2.cpython-39-x86_64-linux-gnu.so", b"", 0o755),
        Member("etc/shadow", b"root:*", 0),
    ]
)


def task(python: str) -> bytes:
    native = compile_native(Native(path=EXTENSION.format(python), target="x86_64-linux-gnu", mode=0o755))
    return tar(
        [
            Member("var/task/app.py", b"import boto3, fast, json\n\ndef handler(event, context):\n    return {}\n"),
            Member(f"var/task/{EXTENSION.format(python)}", native, 0o755),
        ]
    )


@pytest.fixture(scope="module")
def image() -> Image:
    return Image([BASE, task("312")], command=("app.handler",), environment=ENVIRONMENT)


@pytest.mark.parametrize("layout", ["docker-archive", "oci-archive", "oci"])
def test_an_image_that_works(lambdapack: Lambdapack, tmp_path: Path, image: Image, layout: ImageLayout) -> None:
    write_image(tmp_path / "image", replace(image, compressed=layout != "docker-archive"), layout)
    run = lambdapack("inspect", tmp_path / "image", "--format", "json")
    assert run.status == 0
    report = run.report
    assert (report["findings"], report["skipped"]) == ([], [])
    assert (report["runtime"], report["architecture"], report["handler"]) == ("python3.12", "x86_64", "app.handler")
    assert [text.partition(" ")[0] for text in report["assumed"]] == ["runtime", "architecture", "handler"]
    assert report["artifact"]["kind"] == "image"
    assert report["artifact"]["zipped_size"] is None
    assert report["summary"]["size_limit"] == 10 * 1024**3


def test_another_runtime_than_the_image_has_is_told(lambdapack: Lambdapack, tmp_path: Path, image: Image) -> None:
    write_image(tmp_path / "image", image, "docker-archive")
    assert lambdapack("inspect", tmp_path / "image", "--format", "json").report["notes"] == []
    (note,) = lambdapack("inspect", tmp_path / "image", "--runtime", "python3.13", "--format", "json").report["notes"]
    assert "python3.12" in note
    assert "python3.13" in note


def test_what_a_later_layer_breaks(lambdapack: Lambdapack, tmp_path: Path, image: Image) -> None:
    layers = [*image.layers, tar([Member(f"var/task/.wh.{EXTENSION.format('312')}", b"")])]
    write_image(tmp_path / "image", replace(image, layers=layers), "docker-archive")
    run = lambdapack("inspect", tmp_path / "image", "--format", "json")
    assert run.status == 1
    assert [(f["code"], f["path"], f["evidence"]["module"]) for f in run.errors()] == [
        ("IMP001", "/var/task/app.py", "fast")
    ]


def test_an_extension_for_another_python(lambdapack: Lambdapack, tmp_path: Path, image: Image) -> None:
    write_image(tmp_path / "image", replace(image, layers=[BASE, task("311")]), "oci-archive")
    run = lambdapack("inspect", tmp_path / "image", "--format", "json")
    assert [(f["code"], f["path"]) for f in run.errors()] == [("ELF003", f"/var/task/{EXTENSION.format('311')}")]


def test_the_import_path_of_another_base(lambdapack: Lambdapack, tmp_path: Path) -> None:
    layer = tar(
        [
            Member("usr/local/bin/python3.13", b"", 0o755),
            Member("usr/local/bin/python", b"", 0o777, link="python3.13"),
            Member("usr/local/lib/python3.13/json/__init__.py", b"import nothing_that_is_here"),
            Member("usr/local/lib/python3.13/site-packages/requests.py", b"import json"),
            Member("usr/local/lib/python3.13/site-packages/typing.py", b"import nothing_that_is_here"),
            Member("srv/common/shared.py", b""),
            Member("function/app.py", b"import requests, shared, typing\ndef handler(event, context): ...\n"),
        ]
    )
    image = Image(
        [layer],
        entrypoint=("/usr/local/bin/python", "-m", "awslambdaric"),
        command=("app.handler",),
        environment={"PATH": "/usr/local/bin:/usr/bin", "PYTHONPATH": "/srv/common"},
        working_dir="/function",
    )
    write_image(tmp_path / "image", image, "docker-archive")
    run = lambdapack("inspect", tmp_path / "image", "--format", "json")
    assert (run.status, run.report["findings"]) == (0, [])
    assert (run.report["runtime"], run.report["handler"]) == ("python3.13", "app.handler")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["{image}", "--layer", "{image}"], 2, ["layers"]),
        (["{image}", "--kind", "layer"], 2, ["not a layer"]),
        (["docker-archive:{image}:none"], 2, ["none", "recipe:latest"]),
        (["docker://NOT/A/NAME"], 2, ["not the name of an image"]),
        (["docker://127.0.0.1:9/team/app"], 4, ["127.0.0.1:9"]),
        (["oci:{image}"], 3, ["folder"]),
        (["{cut}"], 3, ["cut short"]),
    ],
)
def test_mistakes(
    lambdapack: Lambdapack, tmp_path: Path, image: Image, arguments: list[str], status: int, words: list[str]
) -> None:
    places = {"image": tmp_path / "image.tar", "cut": tmp_path / "cut.tar"}
    write_image(places["image"], image, "docker-archive")
    places["cut"].write_bytes(places["image"].read_bytes()[:9000])
    run = lambdapack("inspect", *(argument.format(**places) for argument in arguments))
    assert (run.status, run.out) == (status, "")
    assert all(word in run.err for word in words), run.err
    assert len(run.err.splitlines()) <= 2


def test_an_image_cannot_be_import_tested_yet(lambdapack: Lambdapack, tmp_path: Path, image: Image) -> None:
    write_image(tmp_path / "image", image, "docker-archive")
    run = lambdapack("test", tmp_path / "image", "--backend", "local")
    assert (run.status, run.out) == (4, "")
