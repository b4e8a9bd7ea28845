"""Layers: below `python/`, and functions that do not pack again what their layer brings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from lambdapack.builder import WheelStore, build
from lambdapack.errors import BuildFailed
from tests.unit.builder.makers import make_plan, make_wheel


def names(path: Path) -> list[str]:
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_everything_stands_below_python(tmp_path: Path, store: WheelStore) -> None:
    own = tmp_path / "own.py"
    own.write_text("")
    wheel = make_wheel(tmp_path, "dep", files={"dep/__init__.py": "", "dep-1.0.data/scripts/run": "#!python\n"})
    plan = replace(make_plan(tmp_path / "o.zip", wheel, files={"own.py": own}), package="layer")
    found = [build(plan, store=store) for _ in range(2)]
    assert names(plan.output) == [
        "python/bin/run",
        "python/dep-1.0.dist-info/METADATA",
        "python/dep-1.0.dist-info/RECORD",
        "python/dep-1.0.dist-info/WHEEL",
        "python/dep/__init__.py",
        "python/own.py",
    ]
    assert found[0].sha256 == found[1].sha256


def test_what_the_layer_brings_is_not_packed_again(tmp_path: Path, store: WheelStore) -> None:
    same, newer = make_wheel(tmp_path, "same"), make_wheel(tmp_path, "other", version="2.0")
    older = make_wheel(tmp_path, "other", version="1.0")
    layer = replace(make_plan(tmp_path / "deps.zip", same, older), package="layer")
    build(layer, store=store)
    plan = replace(make_plan(tmp_path / "o.zip", same, newer), layers={"deps": layer.output})
    result = build(plan, store=store)
    assert {name.partition("-")[0] for name in names(plan.output) if "-" in name} == {"other"}
    assert [(item.pattern, item.owner) for item in result.left_out] == [("brought by layer deps", "same 1.0")]


def test_another_build_of_the_same_version_is_packed(tmp_path: Path, store: WheelStore) -> None:
    layer = replace(make_plan(tmp_path / "deps.zip", make_wheel(tmp_path)), package="layer")
    build(layer, store=store)
    native = make_wheel(tmp_path, tag="cp313-cp313-manylinux2014_x86_64")
    plan = replace(make_plan(tmp_path / "o.zip", native), layers={"deps": layer.output})
    assert build(plan, store=store).left_out == ()
    assert "tiny.py" in names(plan.output)


def test_a_layer_that_was_not_built(tmp_path: Path, store: WheelStore) -> None:
    plan = replace(make_plan(tmp_path / "o.zip", make_wheel(tmp_path)), layers={"deps": tmp_path / "deps.zip"})
    with pytest.raises(BuildFailed) as caught:
        build(plan, store=store)
    assert "deps.zip" in str(caught.value)
    assert caught.value.hint == "lambdapack build --function deps"
