"""Wheel tags held against a runtime."""

from __future__ import annotations

import pytest

from lambdapack.facts.wheel_tags import accepted, made_for
from lambdapack.profiles import load_profile


@pytest.mark.parametrize(
    ("tag", "runtime", "architecture", "expected"),
    [
        ("py3-none-any", "python3.12", "x86_64", None),
        ("py2.py3-none-any", "python3.12", "x86_64", None),
        ("cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", "python3.12", "x86_64", None),
        ("cp312-cp312-linux_aarch64", "python3.12", "arm64", None),
        ("cp312-cp312-manylinux_2_28_x86_64", "python3.12", "x86_64", None),
        ("cp311-cp311-manylinux_2_28_x86_64", "python3.11", "x86_64", "glibc 2.28 and newer"),
        ("cp312-cp312-musllinux_1_2_x86_64", "python3.12", "x86_64", "musl Linux (Alpine)"),
        ("cp312-cp312-manylinux_2_17_x86_64", "python3.12", "arm64", "Linux x86_64"),
        ("cp312-cp312-linux_armv7l", "python3.12", "arm64", "Linux armv7l"),
        ("cp312-cp312-macosx_11_0_arm64", "python3.12", "arm64", "macOS"),
        ("cp312-cp312-win_amd64", "python3.12", "x86_64", "Windows"),
        ("cp311-cp311-manylinux_2_17_x86_64", "python3.12", "x86_64", "CPython 3.11"),
        ("cp313-cp313t-manylinux_2_17_x86_64", "python3.13", "x86_64", "CPython 3.13 (free-threaded)"),
        ("cp313-abi3-manylinux_2_17_x86_64", "python3.12", "x86_64", "CPython 3.13 and newer"),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", "python3.10", "x86_64", "PyPy 3.10"),
        ("py2-none-any", "python3.12", "x86_64", "Python 2"),
        ("no tag", "python3.12", "x86_64", None),
        ("-".join(".".join("abcdefghijkl") for _ in range(3)), "python3.12", "x86_64", None),
    ],
)
def test_what_a_runtime_accepts(tag: str, runtime: str, architecture: str, expected: str | None) -> None:
    profile = load_profile(runtime, architecture)
    assert accepted([tag], profile) is (expected is None)
    if expected is not None:
        assert made_for([tag], profile) == expected


def test_one_accepted_tag_is_enough() -> None:
    profile = load_profile("python3.12", "x86_64")
    assert accepted(["cp312-cp312-macosx_11_0_arm64", "py3-none-any"], profile)
    assert accepted([], profile)
