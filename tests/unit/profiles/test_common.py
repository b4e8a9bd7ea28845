"""What no single runtime has to itself: held against the running interpreter, and read back as it was written."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from lambdapack.profiles import MalformedProfile, known_runtimes, load_common_facts, load_profile
from lambdapack.profiles.common import parse_common_facts


@pytest.mark.skipif(sys.version_info.releaselevel != "final", reason="a release has the final number")
def test_magic_number_of_the_running_interpreter() -> None:
    version = "{}.{}".format(*sys.version_info)
    final = load_common_facts().bytecode[version][1]
    if final is None:
        pytest.skip(f"the number that Python {version} was released with is not recorded")
    assert final.to_bytes(2, "little") + b"\r\n" == importlib.util.MAGIC_NUMBER


@pytest.mark.parametrize(
    ("magic", "python"), [(3425, "3.9"), (3495, "3.11"), (3571, "3.13"), (3570, "3.13"), (3657, "3.15"), (62211, None)]
)
def test_python_of_a_magic_number(magic: int, python: str | None) -> None:
    assert load_common_facts().python_of(magic) == python


def test_every_runtime_has_byte_code() -> None:
    pythons = {"{}.{}".format(*load_profile(name, "x86_64").python) for name in known_runtimes()}
    assert pythons <= set(load_common_facts().bytecode)


def test_renamed_attributes_lead_to_real_ones() -> None:
    known = load_common_facts()
    assert set(known.context_renamed.values()) <= known.context_attributes
    assert not set(known.context_renamed) & known.context_attributes


def test_every_replaced_module_was_standard_somewhere() -> None:
    standard = frozenset().union(*(load_profile(name, "x86_64").stdlib_modules for name in known_runtimes()))
    assert set(load_common_facts().replacements) <= standard


def test_read_back_as_written() -> None:
    known = load_common_facts()
    assert parse_common_facts(known.to_json()) == known


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1, "bytecode": {}}'])
def test_malformed(text: str) -> None:
    with pytest.raises(MalformedProfile, match=r"common\.json"):
        parse_common_facts(text)
