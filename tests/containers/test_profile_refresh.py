"""`make profiles`: what a scan of a registry's image changes in a shipped profile, and what it may not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.containers.engine import Engine
from lambdapack.profiles import RuntimeProfile, load_profile
from lambdapack.profiles.loading import read_profile

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = "python3.13"

if not (ROOT / "tools" / "scan_images.py").is_file():
    pytest.skip("the tools of the project are not here", allow_module_level=True)


@pytest.fixture
def place(engine: Engine, image_of: Callable[[str], str], registry: str) -> str:
    """Where a registry on loopback has the runtime's image under its official name."""
    api = engine.client.api
    name = f"{registry}/official/python"
    api.tag(image_of(RUNTIME), name, "3.13")
    try:
        pushed = list(api.push(f"{name}:3.13", stream=True, decode=True))
    finally:
        api.remove_image(f"{name}:3.13")
    assert not any("error" in step for step in pushed), pushed
    return f"{registry}/official"


def refresh(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.scan_images", "--only", RUNTIME, "--arch", "x86_64", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def profile_in(folder: Path) -> RuntimeProfile:
    return read_profile(folder / "data" / f"{RUNTIME}-x86_64.json")


def test_a_scan_replaces_what_was_derived_and_tells_what_it_may_not(place: str, tmp_path: Path) -> None:
    shipped = load_profile(RUNTIME, "x86_64")
    done = refresh("--registry", place, "--into", tmp_path)
    assert done.returncode == 0, done.stderr
    made = profile_in(tmp_path)
    for group in ("symbol_ceilings", "stdlib_modules", "preinstalled"):
        assert shipped.provenance[group].knowledge != "confirmed"
        assert made.provenance[group].source == f"scan of {place}/python:3.13"
        assert made.provenance[group].note.startswith("sha256:")
    for group in ("lifecycle", "quotas", "libraries.in_managed", "isa_level"):
        assert made.provenance[group] == shipped.provenance[group]
    # What a person has read in an official source is not overwritten by a scan in silence.
    kept = {line.split(": ")[2] for line in done.stdout.splitlines() if line.startswith("kept: ")}
    for group in ("operating_system", "libraries"):
        if made.provenance[group] == shipped.provenance[group]:
            assert group in kept or getattr(made, group) == getattr(shipped, group)
    assert all(made.libraries[name].in_managed == known.in_managed for name, known in shipped.libraries.items())
    untouched = "python3.12-arm64.json"
    shipped_text = (ROOT / "lambdapack/profiles/data" / untouched).read_text("utf-8")
    assert (tmp_path / "data" / untouched).read_text("utf-8") == shipped_text


def test_what_was_sourced_by_hand_goes_when_it_is_named(place: str, tmp_path: Path) -> None:
    done = refresh("--registry", place, "--into", tmp_path, "--replace", "libraries", "--replace", "operating_system")
    assert done.returncode == 0, done.stderr
    made, shipped = profile_in(tmp_path), load_profile(RUNTIME, "x86_64")
    for group in ("libraries", "operating_system"):
        if made.provenance[group] == shipped.provenance[group]:
            assert getattr(made, group) == getattr(shipped, group)  # both say the same
        else:
            assert made.provenance[group].source == f"scan of {place}/python:3.13"
    for name, known in shipped.libraries.items():
        if known.in_managed:
            assert made.libraries[name].in_managed  # of the managed runtime an image says nothing


def test_without_a_registry_there_is_one_line_and_nothing_changes(tmp_path: Path) -> None:
    done = refresh("--registry", "127.0.0.1:1/official", "--into", tmp_path)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "127.0.0.1:1" in line
    assert "cannot be reached" in line
    assert profile_in(tmp_path) == load_profile(RUNTIME, "x86_64")


def test_another_registry_is_no_source_for_the_project() -> None:
    assert refresh("--registry", "127.0.0.1:1/official").returncode == 2
