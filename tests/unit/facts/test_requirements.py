"""What installed distributions require of each other: markers, extras, and metadata that nobody can read."""

from __future__ import annotations

from lambdapack.facts.distributions import marker_environment, read_distributions
from lambdapack.facts.modules import ModuleFinder
from lambdapack.facts.requirements import Requirements
from lambdapack.profiles import load_profile
from tests.unit.memory import stack_of


def requirements(runtime: str = "python3.12", **required: str) -> Requirements:
    """Distributions by name, each with its `Requires-Dist` lines separated by `|`; all are version 1."""
    profile = load_profile(runtime, "x86_64")
    stack = stack_of(
        {
            f"{name}-1.dist-info/METADATA": f"Name: {name}\nVersion: 1\n"
            + "".join(f"Requires-Dist: {line}\n" for line in lines.split("|") if line)
            for name, lines in required.items()
        }
    )
    finder = ModuleFinder(stack, profile)
    environment = marker_environment(profile.python, profile.machine)
    return Requirements(read_distributions(stack, finder.path), environment, profile.preinstalled, finder)


def missing(known: Requirements) -> set[tuple[str, str]]:
    return {(item.dist.name, item.name) for item in known.unmet()}


def test_an_extra_counts_when_another_distribution_asks_for_it() -> None:
    lines = "deep; extra == 'x'|other; extra == 'y'"
    assert missing(requirements(a="b[X]", b=lines)) == {("b", "deep")}
    assert missing(requirements(a="b", b=lines)) == set()


def test_extras_are_followed_through_several_distributions_and_in_circles() -> None:
    known = requirements(a="b[x]", b="c[y]; extra == 'x'", c="a[z]; extra == 'y'|end; extra == 'y'")
    assert missing(known) == {("c", "end")}


def test_what_the_runtime_brings_is_there_as_far_as_that_is_certain() -> None:
    known = requirements(a="boto3>=99|setuptools")
    assert [(item.name, item.perhaps is not None) for item in known.unmet()] == [("setuptools", True)]


def test_versions_of_extras_are_compared_too() -> None:
    known = requirements(a="b[x]", b="c>=2; extra == 'x'", c="")
    assert [(item.dist.name, item.requirement) for item in known.conflicts()] == [("b", "c>=2")]


def test_what_cannot_be_read_says_nothing() -> None:
    lines = [
        "(",
        "b; (" + "(" * 5000,
        "c; python_version ~= 'x'",
        "d; os_nam == 'x'",
        "e @ file:///x ; sys_platform == 'win32'",
    ]
    assert missing(requirements(a="|".join(lines))) == set()


def test_only_what_the_runtime_has_outgrown_is_held_against_it() -> None:
    lines = "botocore<1.30|boto3>=99|s3transfer==0.13.*|jmespath~=0.9|six<1|simplejson!=3.20.1|pip<=24.0"
    known = requirements("python3.11", a=lines)
    assert [item.requirement for item in known.outgrown()] == ["botocore<1.30", "jmespath~=0.9"]
    assert list(requirements("python3.11", a="botocore<1.30", botocore="").outgrown()) == []
