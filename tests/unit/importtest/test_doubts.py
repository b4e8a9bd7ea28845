"""Failures that say nothing about Lambda, and failures that do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lambdapack.importtest.doubts import doubt
from lambdapack.profiles import Preinstalled, RuntimeProfile, SystemLibrary, load_profile


@pytest.fixture
def profile() -> RuntimeProfile:
    return replace(
        load_profile("python3.13", "x86_64"),
        glibc=(2, 34),
        symbol_ceilings={"GLIBCXX": (3, 4, 30)},
        libraries={
            "libexpat.so.1": SystemLibrary("libexpat.so.1", in_image=True, in_managed=None),
            "libgone.so.1": SystemLibrary("libgone.so.1", in_image=False, in_managed=False),
        },
        preinstalled=(Preinstalled("boto3", None, ("boto3",)), Preinstalled("python-dateutil", None, ("dateutil",))),
    )


def doubted(
    profile: RuntimeProfile,
    error: str = "Runtime.ImportModuleError",
    message: str = "",
    *,
    missing: Sequence[str] = (),
    vain: Sequence[str] = (),
    unset: Sequence[str] = (),
) -> bool:
    why = doubt(profile, error_type=error, message=message, missing=missing, looked_up_in_vain=vain, unset=unset)
    return why is not None


def test_modules_of_the_runtime(profile: RuntimeProfile) -> None:
    assert doubted(profile, missing=["boto3"])
    assert doubted(profile, missing=["dateutil.parser"])
    assert not doubted(profile, missing=["shared"])
    assert not doubted(profile, missing=["shared"], vain=["boto3", "shared"])
    assert doubted(profile, "AttributeError", vain=["boto3"])
    assert not doubted(profile, "AttributeError", vain=["ujson"])


def test_variables(profile: RuntimeProfile) -> None:
    assert doubted(profile, "KeyError", unset=["TABLE"])
    assert not doubted(profile, "KeyError")
    assert not doubted(profile, "Runtime.ImportModuleError", unset=["TABLE"])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("/lib/libc.so.6: version `GLIBC_2.34' not found (required by /var/task/a.so)", True),
        ("/lib/libc.so.6: version `GLIBC_2.35' not found (required by /var/task/a.so)", False),
        ("/lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by /var/task/a.so)", True),
        ("/lib/libstdc++.so.6: version `GLIBCXX_3.4.31' not found (required by /var/task/a.so)", False),
        ("/var/task/libown.so: version `OWN_1.0' not found (required by /var/task/a.so)", False),
        ("libexpat.so.1: cannot open shared object file: No such file or directory", True),
        ("Unable to import module 'h': libexpat.so.1: cannot open shared object file: No such file or directory", True),
        ("libgone.so.1: cannot open shared object file: No such file or directory", False),
        ("libunknown.so.7: cannot open shared object file: No such file or directory", False),
        ("/var/task/libexpat.so.1: cannot open shared object file: No such file or directory", False),
    ],
)
def test_libraries_of_the_host(profile: RuntimeProfile, message: str, expected: bool) -> None:
    assert doubted(profile, message=message) is expected
