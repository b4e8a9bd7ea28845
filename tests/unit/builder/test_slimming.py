"""What each step takes out of a draft, what stays, and that RECORD says so."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lambdapack.artifact import open_tree
from lambdapack.builder import STEPS, Draft, Needs, WheelStore, build
from tests.unit.builder.makers import make_plan, make_wheel

FILES = {
    "dep/__init__.py": "",
    "dep/__init__.pyi": "",
    "dep/py.typed": "",
    "dep/tests/test_it.py": "",
    "dep/tests/data/big.json": "{}" * 500,
    "dep/testing/__init__.py": "",
    "dep/docs/index.md": "",
    "dep/examples/run.py": "",
    "dep-1.0.data/data/share/man/man1/dep.1": "",
}
BOTO = {
    f"botocore/{name}": "{}"
    for name in ("__init__.py", "data/endpoints.json", "data/s3/a.json", "data/ec2/a.json", "data/sts/a.json")
}


def slim(
    tmp_path: Path, store: WheelStore, step: str, needs: Needs | None = None, files: dict[str, str] | None = None
) -> tuple[set[str], Draft]:
    """The paths that are left after a step, and the draft."""
    own = tmp_path / "own.pyi"
    own.write_text("")
    wheels = [make_wheel(tmp_path, "dep", files=dict(files or FILES)), make_wheel(tmp_path, "other")]
    plan = make_plan(tmp_path / "o.zip", *wheels, files={"tests/own.pyi": own})
    seen: list[Draft] = []

    def refine(draft: Draft) -> Draft:
        seen.append(STEPS[step](draft, needs or Needs(), store))
        return seen[0]

    build(plan, store=store, refine=refine)
    with open_tree(plan.output) as tree:
        names = {entry.path for entry in tree.entries()}
        record = tree.by_path.get("dep-1.0.dist-info/RECORD")
        rows = csv.reader(tree.read_bytes(record).decode().splitlines()) if record else ()
        assert {row[0] for row in rows} <= names
    return names, seen[0]


@pytest.mark.parametrize(
    ("step", "gone"),
    [
        ("tests", {"dep/tests/test_it.py", "dep/tests/data/big.json"}),
        ("pyi", {"dep/__init__.pyi", "dep/py.typed"}),
        ("docs", {"dep/docs/index.md", "dep/examples/run.py", "share/man/man1/dep.1"}),
        ("sdk", set()),
    ],
)
def test_what_goes(tmp_path: Path, store: WheelStore, step: str, gone: set[str]) -> None:
    (tmp_path / "whole").mkdir()
    every, _ = slim(tmp_path / "whole", store, "sdk")
    names, draft = slim(tmp_path, store, step)
    assert every - names == gone
    assert {item.path for item in draft.left_out} == gone
    if gone:
        (told,) = draft.told
        assert told.startswith(f"slim {step}: {len(gone)} file")


def test_what_the_handler_reaches_stays(tmp_path: Path, store: WheelStore) -> None:
    names, _ = slim(tmp_path, store, "tests", Needs(reached=frozenset(("dep/tests/test_it.py",))))
    assert "dep/tests/data/big.json" in names


@pytest.mark.parametrize(
    ("services", "gone"),
    [(frozenset(("s3", "word")), {"botocore/data/ec2/a.json"}), (None, set())],
)
def test_service_data(tmp_path: Path, store: WheelStore, services: frozenset[str] | None, gone: set[str]) -> None:
    names, draft = slim(tmp_path, store, "botocore-data", Needs(services=services), BOTO)
    assert BOTO.keys() - names == gone
    assert len(draft.told) == 1


def test_the_sdk_goes_as_a_whole(tmp_path: Path, store: WheelStore) -> None:
    names, draft = slim(tmp_path, store, "sdk", Needs(dropped=frozenset(("dep",))))
    assert not [name for name in names if name.startswith("dep")]
    assert [wheel.name for wheel, _ in draft.packed] == ["other"]
    assert "dep 1.0" in draft.told[0]
