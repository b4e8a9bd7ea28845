"""Recompressed artifacts: the same content, smaller, the same bytes each time, copied from what was kept."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

from lambdapack.builder import LEVELS, WheelStore, build
from lambdapack.builder.archive import PLAIN, Piece, write_archive
from lambdapack.settings import PackageKind
from tests.unit.builder.makers import make_plan, make_wheel

WORDS = random.Random(5)
TEXT = " ".join(WORDS.choice(("import", "return", "lambda", "self", "value", "name")) for _ in range(20_000))


def content(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("package", ["zip", "layer"])
@pytest.mark.parametrize("name", ["best", "smallest"])
def test_smaller_and_the_same(tmp_path: Path, store: WheelStore, package: PackageKind, name: str) -> None:
    own = tmp_path / "own.py"
    own.write_text(TEXT)
    wheel = make_wheel(tmp_path, files={"a.py": TEXT, "b/data.bin": WORDS.randbytes(3000)})
    plan = replace(make_plan(tmp_path / "o.zip", wheel, files={"own.py": own}), package=package)
    usual = build(plan, store=store)
    before = content(plan.output)
    first = build(plan, store=store, level=LEVELS[name])
    assert content(plan.output) == before
    assert first.zipped_size < usual.zipped_size
    assert build(plan, store=store, level=LEVELS[name]).sha256 == first.sha256
    elsewhere = WheelStore(tmp_path / "another")
    assert build(plan, store=elsewhere, level=LEVELS[name]).sha256 == first.sha256
    assert build(plan, store=store).sha256 == usual.sha256


def test_what_is_deflated_ahead_comes_in_order(tmp_path: Path) -> None:
    files = {f"{number:03}.txt": WORDS.randbytes(WORDS.choice((0, 10, 100_000))) for number in range(60)}
    pieces = [Piece(name, PLAIN, len(files[name]), "x", partial(io.BytesIO, files[name])) for name in files]
    outputs = []
    for number, order in enumerate((pieces, pieces[::-1])):
        target = tmp_path / f"{number}.zip"
        with target.open("xb") as stream:
            write_archive(order, stream)
        outputs.append(target.read_bytes())
        assert content(target) == files
    assert outputs[0] == outputs[1]
