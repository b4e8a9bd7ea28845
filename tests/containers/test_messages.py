"""What `fixtures/diagnosis` has recorded is what the runtime says today: each artifact is invoked again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdapack.diagnosis import diagnose_log
from tests.recipes.diagnosis import Case, read_cases
from tests.recipes.recipe import read_recipe
from tools.record_messages import said_by

RECORDED = [case for case in read_cases() if case.quoted is None]
_ERROR = re.compile(
    r"^\[ERROR\] [^\r\n]*|(?<=Runtime exited with error: )(?:exit status \d+|signal: \w+)|Task timed out", re.MULTILINE
)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_the_runtime_says_the_same_again(case: Case, image_of: Callable[[str], str], tmp_path: Path) -> None:
    assert case.recipe is not None
    image = image_of(read_recipe(case.recipe).runtime)
    again = said_by(case, tmp_path, image)
    assert set(_ERROR.findall(again)) == set(_ERROR.findall(case.message))
    assert [problem.pattern for problem in diagnose_log(again).problems] == [case.name]
