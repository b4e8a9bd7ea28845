"""What stands beside an artifact: the sidecar, and the bill of materials."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lambdapack.builder import WheelStore, build, plan_build
from lambdapack.builder.bill import bill_of
from lambdapack.builder.plan import BuildResult
from lambdapack.builder.sidecar import sidecar_of, sidecar_schema
from tests.unit.builder.makers import make_function, make_plan, make_profile, make_wheel


def read_sidecar(result: BuildResult) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(sidecar_of(result.output).read_text())
    jsonschema.validate(data, sidecar_schema())
    return data


def test_says_what_was_built(tmp_path: Path, store: WheelStore) -> None:
    source = tmp_path / "handler.py"
    source.write_text("a")
    wheels = make_wheel(tmp_path, "tiny"), make_wheel(tmp_path, "other", version="2.0")
    result = build(make_plan(tmp_path / "dist" / "o.zip", *wheels, files={"handler.py": source}), store=store)
    data = read_sidecar(result)
    digest = hashlib.sha256(result.output.read_bytes())
    assert data["artifact"] == {
        "file": "o.zip",
        "package": "zip",
        "size": result.output.stat().st_size,
        "unzipped_size": result.unzipped_size,
        "files": result.files,
        "sha256": digest.hexdigest(),
        "code_sha256": base64.b64encode(digest.digest()).decode(),
    }
    assert (data["runtime"], data["architecture"], data["handler"]) == (
        "python3.13",
        "x86_64",
        "handler.lambda_handler",
    )
    assert [(item["name"], item["version"], item["sha256"]) for item in data["distributions"]] == [
        (wheel.name, wheel.version, wheel.sha256) for wheel in wheels
    ]
    line = f"{hashlib.sha256(b'a').hexdigest()}  handler.py\n"
    assert data["source_sha256"] == hashlib.sha256(line.encode()).hexdigest()


def test_is_the_same_in_another_folder_and_changes_with_the_source(
    tmp_path: Path, store: WheelStore, links: Path
) -> None:
    texts = []
    for folder, content in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / folder).mkdir()
        function = make_function(tmp_path / folder)
        (tmp_path / folder / "source" / "handler.py").write_text(content)
        result = build(plan_build(function, make_profile(), store), store=store)
        read_sidecar(result)
        texts.append(sidecar_of(result.output).read_text())
    assert texts[0] == texts[1] != texts[2]


def test_neither_is_packed_by_the_next_build(tmp_path: Path, store: WheelStore, links: Path) -> None:
    function = make_function(tmp_path, output=tmp_path / "source" / "thing.zip")
    (tmp_path / "source" / "handler.py").write_text("a")
    first = build(plan_build(function, make_profile(), store), store=store, bill=True)
    second = build(plan_build(function, make_profile(), store), store=store, bill=True)
    assert (first.sha256, first.files) == (second.sha256, 1)


def test_a_rejected_build_leaves_the_old_sidecar(tmp_path: Path, store: WheelStore) -> None:
    plan = make_plan(tmp_path / "dist" / "o.zip", make_wheel(tmp_path))
    before = read_sidecar(build(plan, store=store))
    other = make_plan(tmp_path / "dist" / "o.zip", make_wheel(tmp_path, version="3.0"))
    result = build(other, store=store, verify=lambda _: False)
    assert result.rejected
    assert read_sidecar(result) == before


def test_bill_of_materials(tmp_path: Path, store: WheelStore) -> None:
    pytest.importorskip("cyclonedx", reason="needs the extra sbom: pip install 'lambdapack[sbom]'")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    wheels = (
        make_wheel(tmp_path, "leaf"),
        make_wheel(tmp_path, "middle", requires=("leaf>=1; python_version<'3'", "more; extra == 'more'")),
        make_wheel(tmp_path, "top", requires=("middle[more]", "leaf", "absent; sys_platform == 'win32'")),
        make_wheel(tmp_path, "more"),
    )
    plan = make_plan(tmp_path / "o.zip", *wheels)
    result = build(plan, store=store, bill=True)
    text = bill_of(result.output).read_text()
    data = json.loads(text)
    refs = {item["name"]: item["bom-ref"] for item in data["components"]}
    names = {ref: name for name, ref in refs.items()}
    depends = {
        names.get(item["ref"], item["ref"]): {names[ref] for ref in item.get("dependsOn", ())}
        for item in data["dependencies"]
    }
    assert depends["thing"] == {"top"}
    assert depends["top"] == {"middle", "leaf"}
    assert depends["middle"] == {"more"}
    assert {item["hashes"][0]["content"] for item in data["components"]} == {wheel.sha256 for wheel in wheels}
    assert data["metadata"]["component"]["hashes"][0]["content"] == result.sha256
    assert build(plan, store=store, bill=True).sha256 == result.sha256
    assert bill_of(result.output).read_text() == text
    try:
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except Exception as error:  # noqa: BLE001 - its own exception for a validator that is not installed
        pytest.skip(f"CycloneDX's schema cannot be asked: {error}")
    assert problem is None
