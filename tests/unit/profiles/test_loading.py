"""The loader: every file that lambdapack brings is well formed, a malformed one refused, a misspelt name understood."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import lambdapack.profiles
from lambdapack.errors import UsageError
from lambdapack.profiles import (
    ARCHITECTURES,
    MalformedProfile,
    RuntimeProfile,
    known_runtimes,
    load_profile,
    parse_profile,
    profile_to_json,
)

DATA = Path(lambdapack.profiles.__file__).parent / "data"
FILES = sorted(DATA.glob("python3.*.json"))
WITHOUT_PROVENANCE = {"runtime", "architecture", "machine", "python", "symbol_ceilings_newest", "provenance"}


def data_of(identifier: str = "python3.13-x86_64") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((DATA / f"{identifier}.json").read_text(encoding="utf-8"))
    return data


def test_every_runtime_has_a_profile_for_both_architectures() -> None:
    assert known_runtimes() == tuple(f"python3.{minor}" for minor in range(9, 16))
    assert {path.stem for path in FILES} == {
        f"{runtime}-{arch}" for runtime in known_runtimes() for arch in ARCHITECTURES
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_is_read_and_written_back_unchanged(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    profile = parse_profile(text, path.name)
    assert profile.identifier == path.stem
    assert profile_to_json(profile) == text
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_group_has_its_provenance(path: Path) -> None:
    profile = parse_profile(path.read_text(encoding="utf-8"), path.name)
    groups = {field.name for field in fields(profile)} - WITHOUT_PROVENANCE
    assert set(profile.provenance) == groups | {"libraries.in_managed", "libraries.in_lang"}
    for known in profile.provenance.values():
        assert known.source
        assert known.date
        assert not any(word in known.source + known.note for word in ("/work", "/tmp", "/root", "/home"))


def test_profile_is_loaded_once() -> None:
    assert load_profile("python3.13", "x86_64") is load_profile("python3.13", "x86_64")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("3.13", "python3.13"),
        ("3.9", "python3.9"),
        ("py312", "python3.12"),
        ("cp311", "python3.11"),
        ("python313", "python3.13"),
        ("Python3.13", "python3.13"),
        ("Python 3.14", "python3.14"),
        ("python:3.13", "python3.13"),
        ("python3.13.1", "python3.13"),
        ("python-3.10", "python3.10"),
        ("pyhton3.13", "python3.13"),
        ("AWS_Lambda_python3.13", "python3.13"),
        ("public.ecr.aws/lambda/python:3.12-arm64", "python3.12"),
    ],
)
def test_misspelt_runtime_is_understood(given: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_profile(given, "x86_64")
    assert f"'{given}'" in str(caught.value)
    assert caught.value.hint is not None
    assert f"did you mean '{meant}'?" in caught.value.hint


@pytest.mark.parametrize("given", ["nodejs22.x", "provided.al2023", "", "../data/python3.13"])
def test_other_runtime_is_refused_with_the_known_ones(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_profile(given, "x86_64")
    assert caught.value.hint is not None
    assert all(runtime in caught.value.hint for runtime in known_runtimes())


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("aarch64", "arm64"),
        ("ARM64", "arm64"),
        ("amd64", "x86_64"),
        ("x86-64", "x86_64"),
        ("x64", "x86_64"),
        ("arm46", "arm64"),
    ],
)
def test_other_spelling_of_an_architecture_is_understood(given: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_profile("python3.13", given)
    assert caught.value.hint is not None
    assert f"did you mean '{meant}'?" in caught.value.hint


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(MalformedProfile, match=r"mine\.json: not a JSON file"):
        parse_profile("{", "mine.json")
    with pytest.raises(MalformedProfile, match="the file is not an object"):
        parse_profile("[]", "mine.json")


@pytest.mark.parametrize("name", [field.name for field in fields(RuntimeProfile)])
def test_missing_field_is_named(name: str) -> None:
    data = data_of()
    del data[name]
    with pytest.raises(MalformedProfile, match=f"{name} is missing"):
        parse_profile(json.dumps(data), "mine.json")


@pytest.mark.parametrize("name", [field.name for field in fields(RuntimeProfile)])
def test_field_of_another_kind_is_named(name: str) -> None:
    data = data_of()
    data[name] = 7
    with pytest.raises(MalformedProfile, match=name):
        parse_profile(json.dumps(data), "mine.json")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("architecture",), "aarch64"),
        (("python",), [3]),
        (("glibc",), "2.34"),
        (("glibc",), [2, True]),
        (("symbol_ceilings", "GLIBCXX"), []),
        (("libraries", "libc.so.6", "in_image"), None),
        (("libraries", "libc.so.6", "in_managed"), "yes"),
        (("stdlib_modules",), []),
        (("wheel_tags", "platforms"), [1]),
        (("preinstalled", "boto3", "modules"), "boto3"),
        (("quotas", "layers"), True),
        (("lifecycle", "status"), "retired"),
        (("lifecycle", "as_of"), None),
        (("provenance", "glibc", "knowledge"), "certain"),
    ],
)
def test_wrong_value_is_named(path: tuple[str, ...], value: object) -> None:
    data = data_of()
    place: Any = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(MalformedProfile, match=".".join(path)):
        parse_profile(json.dumps(data), "mine.json")


@pytest.mark.parametrize("path", [("surplus",), ("quotas", "surplus"), ("libraries", "libc.so.6", "surplus")])
def test_field_that_nothing_reads_is_refused(path: tuple[str, ...]) -> None:
    data = data_of()
    place: Any = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = "x"
    with pytest.raises(MalformedProfile, match="surplus is not a field"):
        parse_profile(json.dumps(data), "mine.json")


def test_profile_is_plain_data() -> None:
    profile = load_profile("python3.13", "x86_64")
    assert is_dataclass(profile)
    assert isinstance(profile.stdlib_modules, frozenset)
    assert isinstance(profile.wheel_tags, tuple)
