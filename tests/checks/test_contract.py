"""The contract of every check: on each recipe of `fixtures/`, all checks together find exactly what the recipe names.

No check has a test file of its own; `fixtures/README.md` says how to add a recipe.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.catalogue import all_checks
from lambdapack.checking import Check
from lambdapack.finding import Finding
from lambdapack.report import BUG_CODE
from tests.recipes import FIXTURES, Expected, judge, read_recipe, recipe_folders

SECTIONS = ("What it finds", "Why it fails on Lambda", "How to fix it", "When to ignore it")
FOLDERS = recipe_folders()
CHECKS = all_checks()


def folder_of(check: Check) -> Path:
    return FIXTURES / f"{check.code.lower()}_{check.name.replace('-', '_')}"


def matches(expected: Expected, finding: Finding) -> bool:
    return (
        (expected.code, expected.severity, expected.path) == (finding.code, finding.severity, finding.path)
        and expected.evidence.keys() <= finding.evidence.keys()
        and all(finding.evidence[key] == value for key, value in expected.evidence.items())
    )


def describe(one: Expected | Finding) -> str:
    return f"{one.code} {one.severity} {one.path} {dict(one.evidence)}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(FIXTURES).as_posix())
def test_all_checks_find_exactly_what_the_recipe_names(folder: Path, tmp_path: Path) -> None:
    recipe = read_recipe(folder)
    unexpected = list(judge(recipe, tmp_path))
    assert [finding.message for finding in unexpected if finding.code == BUG_CODE] == []
    assert [finding for finding in unexpected if not (finding.message.strip() and finding.fix.strip())] == []
    declared = {check.code: check.severities for check in CHECKS}
    undeclared = [finding for finding in unexpected if finding.severity not in declared[finding.code]]
    assert undeclared == [], 'say so where the check is declared: @check(..., severities=("error", "warning"))'
    differences = []
    for expected in sorted(
        recipe.expect, key=lambda item: -len(item.evidence)
    ):  # the most particular one chooses first
        found = next((finding for finding in unexpected if matches(expected, finding)), None)
        if found is None:
            differences.append(f"missing: {describe(expected)}")
        else:
            unexpected.remove(found)
    differences += [f"unexpected: {describe(finding)}" for finding in unexpected]
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
class TestCheck:
    def test_has_a_recipe_that_it_rejects(self, check: Check) -> None:
        bad = read_recipe(folder_of(check) / "bad")
        assert check.code in {expected.code for expected in bad.expect}

    def test_has_a_recipe_that_comes_near_and_passes(self, check: Check) -> None:
        good = read_recipe(folder_of(check) / "good")
        assert "error" not in {expected.severity for expected in good.expect}

    def test_is_documented(self, check: Check) -> None:
        lines = check.documentation.splitlines()
        assert tuple(line for line in lines if line in SECTIONS) == SECTIONS
        empty = [title for title in SECTIONS if not lines[lines.index(title) + 1].startswith("    ")]
        assert empty == []


def test_every_recipe_belongs_to_a_check() -> None:
    known = {folder_of(check) for check in CHECKS}
    assert [folder for folder in FOLDERS if folder.parent not in known] == []


def test_a_recipe_is_named_bad_or_good() -> None:
    assert [folder for folder in FOLDERS if folder.name.partition("_")[0] not in ("bad", "good")] == []


def test_good_recipes_have_no_errors() -> None:
    good = [folder for folder in FOLDERS if folder.name.startswith("good")]
    assert [folder for folder in good if any(item.severity == "error" for item in read_recipe(folder).expect)] == []
