"""Inspection and import held against each other, and the bundle for a report of where they differ."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCAL = ("--backend", "local", "--runtime", "python3.13", "--handler", "handler.handle", "--format", "json")


def write(folder: Path, source: str) -> Path:
    folder.mkdir()
    (folder / "handler.py").write_text(source, encoding="ascii")
    return folder


def test_an_import_that_fails_unseen_is_told(lambdapack: Callable[..., Any], tmp_path: Path) -> None:
    artifact = write(tmp_path / "function", "def handle(event, context): pass\nglobals()['un' + 'seen']\n")
    run = lambdapack("test", artifact, *LOCAL)
    [note] = run.report["notes"]
    assert "inspect saw nothing, the import failed (KeyError: 'unseen')" in note
    assert f"lambdapack bundle {artifact}" in note


def test_agreement_is_not_told(lambdapack: Callable[..., Any], tmp_path: Path) -> None:
    for name, source in (("good", "def handle(event, context): pass\n"), ("bad", "import not_there\n")):
        run = lambdapack("test", write(tmp_path / name, source), *LOCAL)
        assert run.report["notes"] == []
        assert run.status == (0 if name == "good" else 1)


def test_a_bundle_has_names_and_no_content(lambdapack: Callable[..., Any], tmp_path: Path) -> None:
    artifact = write(tmp_path / "function", "SECRET = 'do not show'\ndef handle(event, context): pass\n")
    output = tmp_path / "bundle.zip"
    run = lambdapack("bundle", artifact, *LOCAL[:-2], "--output", output)
    assert run.status == 0
    with zipfile.ZipFile(output) as bundle:
        content = {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}
    assert json.loads(content["files.json"])[0]["path"] == "/var/task/handler.py"
    assert json.loads(content["report.json"])["import_test"]["status"] == "ok"
    assert not any("do not show" in text for text in content.values())
