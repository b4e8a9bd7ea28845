"""Every pattern of the catalogue: what the runtime really said of an artifact, and the cause that it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdapack.diagnosed import Diagnosis
from lambdapack.diagnosis import diagnose_log
from lambdapack.diagnosis.catalogue import load_catalogue
from lambdapack.workflows.diagnosing import diagnose_artifact
from lambdapack.workflows.inspection import Target
from tests.recipes.artifact import make_artifact
from tests.recipes.diagnosis import Case, read_cases
from tests.recipes.recipe import read_recipe

CASES = read_cases()
PATTERNS = {pattern.name: pattern for pattern in load_catalogue().patterns}
WITH_ARTIFACT = [case for case in CASES if case.recipe is not None]


def diagnosed(case: Case, folder: Path) -> Diagnosis:
    assert case.recipe is not None
    recipe = read_recipe(case.recipe)
    function, layers = make_artifact(recipe, folder)
    target = Target(function, layers, recipe.runtime, recipe.architecture, recipe.handler, cached=False)
    return diagnose_artifact(case.message, target)


@pytest.mark.parametrize("case", WITH_ARTIFACT, ids=lambda case: case.name)
def test_the_right_cause_comes_first_and_is_confirmed(case: Case, tmp_path: Path) -> None:
    found = diagnosed(case, tmp_path)
    (problem,) = found.problems
    first = problem.causes[0]
    assert (problem.pattern, first.name) == (case.name, case.cause)
    assert (first.status == "confirmed") == case.confirmed
    assert first.evidence or not case.confirmed
    assert found.found
    assert first.fixes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_message_alone_is_recognised(case: Case) -> None:
    runtime = read_recipe(case.recipe).runtime if case.recipe is not None else None
    (problem,) = diagnose_log(case.message, runtime=runtime).problems
    assert problem.pattern == case.name
    assert case.cause in {cause.name for cause in problem.causes}
    assert problem.confidence != "confirmed"


def test_every_pattern_has_a_fixture() -> None:
    assert {case.name for case in CASES} == PATTERNS.keys()


def test_what_only_the_service_says_is_quoted() -> None:
    assert {name for name, pattern in PATTERNS.items() if pattern.not_reproduced} <= {
        case.name for case in CASES if case.quoted is not None
    }


def test_every_recorded_message_is_there() -> None:
    assert [case.name for case in CASES if case.quoted is None and not case.log.is_file()] == []
